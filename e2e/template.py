"""template.yaml as CloudFormation would have it: parameters, conditions and functions resolved."""

import re

import yaml

from stack import ACCOUNT, REGION, TEMPLATE

PSEUDO = {"AWS::Partition": "aws", "AWS::Region": REGION, "AWS::AccountId": ACCOUNT}
# What !Ref and !GetAtt give of a resource; of others nothing that a policy uses.
ARNS = {
    "AWS::Serverless::Function": "arn:aws:lambda:{region}:{account}:function:{name}",
    "AWS::IAM::ManagedPolicy": "arn:aws:iam::{account}:policy/glue-ddb-crawler/{name}",
    "AWS::IAM::Role": "arn:aws:iam::{account}:role/{name}",
    "AWS::Logs::LogGroup": "arn:aws:logs:{region}:{account}:log-group:{name}:*",
    "AWS::SNS::Topic": "arn:aws:sns:{region}:{account}:{name}",
    "AWS::SQS::Queue": "arn:aws:sqs:{region}:{account}:{name}",
    "AWS::CloudWatch::Alarm": "arn:aws:cloudwatch:{region}:{account}:alarm:{name}",
    "AWS::StepFunctions::StateMachine": "arn:aws:states:{region}:{account}:stateMachine:{name}",
    "AWS::Events::Rule": "arn:aws:events:{region}:{account}:rule/{name}",
}
ABSENT = object()


class Loader(yaml.SafeLoader):
    """Reads the short forms as what they stand for: `!Ref X` is {"Ref": "X"}."""


def long_form(loader, name, node):
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = loader.construct_mapping(node, deep=True)
    return {name if name in ("Ref", "Condition") else f"Fn::{name}": value}


Loader.add_multi_constructor("!", long_form)


class Template:
    """The template under some parameters; the others have their defaults."""

    def __init__(self, **parameters):
        self.source = yaml.load(TEMPLATE.read_text(), Loader)
        defaults = {name: about.get("Default") for name, about in self.source["Parameters"].items()}
        assert parameters.keys() <= defaults.keys(), parameters
        self.parameters = defaults | parameters

    def resources(self):
        """Logical id -> the resource, of those that there are."""
        there = {
            name: resource
            for name, resource in self.source["Resources"].items()
            if self.holds(resource.get("Condition"))
        }
        return {name: self.resolve(resource) for name, resource in there.items()}

    def holds(self, condition):
        return condition is None or self.truth(self.source["Conditions"][condition])

    def truth(self, expression):
        (function, value), = expression.items()
        if function == "Condition":
            return self.holds(value)
        if function == "Fn::Not":
            return not self.truth(value[0])
        if function == "Fn::And":
            return all(map(self.truth, value))
        if function == "Fn::Or":
            return any(map(self.truth, value))
        assert function == "Fn::Equals", function
        left, right = map(self.resolve, value)
        return str(left) == str(right)

    def resolve(self, value):
        if isinstance(value, list):
            return [each for each in map(self.resolve, value) if each is not ABSENT]
        if not isinstance(value, dict):
            return value
        if len(value) == 1:
            (function, argument), = value.items()
            if function == "Ref":
                return self.named(argument)
            if function.startswith("Fn::"):
                return self.call(function.removeprefix("Fn::"), argument)
        resolved = {name: self.resolve(each) for name, each in value.items()}
        return {name: each for name, each in resolved.items() if each is not ABSENT}

    def call(self, function, argument):
        if function == "If":
            condition, then, otherwise = argument
            return self.resolve(then if self.holds(condition) else otherwise)
        if function == "GetAtt":
            return self.named(argument.split(".")[0] if isinstance(argument, str) else argument[0])
        if function == "Join":
            separator, parts = argument
            return separator.join(self.resolve(parts))
        if function == "Split":
            separator, text = argument
            return self.resolve(text).split(separator)
        assert function == "Sub", function
        text, names = argument if isinstance(argument, list) else (argument, {})
        return re.sub(
            r"\$\{([^}!]+)\}",
            lambda match: str(
                self.resolve(names[match[1]]) if match[1] in names else self.named(match[1].split(".")[0])
            ),
            text,
        )

    def named(self, name):
        if name == "AWS::NoValue":
            return ABSENT
        if name in PSEUDO:
            return PSEUDO[name]
        if name in self.parameters:
            return self.parameters[name]
        # Those that only SAM makes are not there.
        kind = self.source["Resources"].get(name, {}).get("Type")
        return ARNS.get(kind, "{name}").format(region=REGION, account=ACCOUNT, name=name)
