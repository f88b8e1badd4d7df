"""Requests and answers of the wire log against the service models that botocore carries: what AWS itself publishes.

botocore checks what its own users send, and reads answers tolerantly. This checks both ways, all constraints: members that
the model does not know, required ones, types, enums, lengths, ranges, patterns, and the names of errors.
"""

import base64
import binascii
import collections
import json
import re
import urllib.parse
import xml.etree.ElementTree as xml
from dataclasses import dataclass, field

import botocore.session

SERVICES = {"Glue": "glue", "DynamoDB": "dynamodb", "IAM": "iam", "STS": "sts"}

# Errors that any operation may answer: https://docs.aws.amazon.com/glue/latest/webapi/CommonErrors.html and the same page of
# each service. The models name the operation's own only.
COMMON_ERRORS = {
    "AccessDenied",
    "AccessDeniedException",
    "ExpiredToken",
    "ExpiredTokenException",
    "IncompleteSignatureException",
    "InvalidAction",
    "InvalidClientTokenId",
    "MalformedQueryString",
    "MissingAction",
    "MissingParameter",
    "SerializationException",
    "ServiceFailure",
    "Throttling",
    "ThrottlingException",
    "UnknownOperationException",
    "UnrecognizedClientException",
    "ValidationError",
    "ValidationException",
}

# What is not held to the model: "Service.Operation" and a piece of the fault.
EXCEPTIONS = [
    # DynamoDB answers 0, as outputs of describe-table that people of many accounts have published show; the model says 1 at least.
    ("DynamoDB.DescribeTable", "ProvisionedThroughput.NumberOfDecreasesToday is below 1"),
    # Answers of MiniStack and dynalite, which are passed on as they are.
    ("DynamoDB.DescribeTable", ".Table.TableId does not match"),
    ("DynamoDB.DescribeTable", ".Table has the unknown member TableThroughputModeSummary"),
]

# The user agent of the program, and of the endpoint's own crawls.
PROGRAM = "aws-sdk-rust"


@dataclass
class Checked:
    """What was looked at, and what is wrong with it: fault -> how often."""

    requests: collections.Counter = field(default_factory=collections.Counter)
    answers: collections.Counter = field(default_factory=collections.Counter)
    errors: collections.Counter = field(default_factory=collections.Counter)
    faults: collections.Counter = field(default_factory=collections.Counter)

    def __str__(self):
        operations = len(self.requests | self.answers)
        lines = [
            f"{self.requests.total()} requests of the program and {self.answers.total()} answers "
            f"({self.errors.total()} of them errors) of {operations} operations, {len(self.faults)} kinds of faults"
        ]
        return "\n".join(lines + [f"{times} x {fault}" for fault, times in self.faults.most_common()])


class Models:
    """botocore's models, loaded once."""

    def __init__(self):
        self.session = botocore.session.Session()
        self.services = {}

    def operation(self, service, name):
        if service not in self.services:
            self.services[service] = self.session.get_service_model(SERVICES[service])
        model = self.services[service]
        return model.operation_model(name) if name in model.operation_names else None


def check(lines, models=None):
    """Checks the lines of wire logs."""
    models = models or Models()
    checked = Checked()
    for line in lines:
        record = json.loads(line)
        name = f"{record['service']}.{record['operation']}"
        faults = []
        operation = models.operation(record["service"], record["operation"])
        # Others than the program may ask for anything: their requests are what tests make of them.
        if PROGRAM in (record["agent"] or ""):
            checked.requests[name] += 1
            if operation is None:
                faults.append("request: the service has no such operation")
            else:
                faults += [f"request: {fault}" for fault in request_faults(operation, record)]
        if operation is not None:
            checked.answers[name] += 1
            checked.errors[name] += record["status"] >= 300
            faults += [f"answer: {fault}" for fault in answer_faults(operation, record)]
        for fault in faults:
            if not any(name == excepted and piece in fault for excepted, piece in EXCEPTIONS):
                checked.faults[f"{name} {fault}"] += 1
    return checked


def request_faults(operation, record):
    shape = operation.input_shape
    if operation.service_model.metadata["protocol"] == "json":
        return list(value_faults(shape, json.loads(record["request"] or "{}"), ""))
    pairs = urllib.parse.parse_qsl(record["request"] or record["query"] or "", keep_blank_values=True)
    parameters = dict(pairs)
    version = parameters.pop("Version", None)
    faults = [] if parameters.pop("Action", None) == operation.name else ["another Action"]
    faults += [] if version == operation.service_model.api_version else [f"Version is {version}"]
    if shape is None:
        return faults + [f"unknown parameter {name}" for name in parameters]
    value, used = from_query(shape, parameters, "")
    faults += [f"unknown parameter {name}" for name in parameters.keys() - used]
    return faults + list(value_faults(shape, value or {}, ""))


def answer_faults(operation, record):
    is_json = operation.service_model.metadata["protocol"] == "json"
    if record["status"] >= 300:
        code = error_code(record["response"], is_json)
        named = {shape.error_code for shape in operation.error_shapes} | {s.name for s in operation.error_shapes}
        return [] if code in named | COMMON_ERRORS else [f"the model has no error {code}"]
    shape = operation.output_shape
    if is_json:
        value = json.loads(record["response"] or "{}")
        return list(value_faults(shape, value, "")) if shape else [f"unknown member {name}" for name in value]
    root = xml.fromstring(record["response"])
    namespace = operation.service_model.metadata["xmlNamespace"]
    faults = [] if root.tag == f"{{{namespace}}}{operation.name}Response" else [f"the root is {root.tag}"]
    if root.find("{*}ResponseMetadata/{*}RequestId") is None:
        faults.append("no RequestId")
    results = [child for child in root if local(child) != "ResponseMetadata"]
    if shape is None:
        return faults + [f"unknown element {local(child)}" for child in results]
    wrapper = shape.serialization.get("resultWrapper")
    if [local(child) for child in results] != [wrapper]:
        return [*faults, f"expected one {wrapper}, found {[local(child) for child in results]}"]
    value, unknown = from_xml(shape, results[0], "")
    return faults + [f"unknown element {path}" for path in unknown] + list(value_faults(shape, value, ""))


def error_code(body, is_json):
    if is_json:
        return json.loads(body).get("__type", "").rsplit("#")[-1]
    code = xml.fromstring(body).find("{*}Error/{*}Code")
    return None if code is None else code.text


def value_faults(shape, value, path):
    """What is wrong with a value that came as JSON, or was read as its shape says."""
    at = path or "the body"
    expected = {
        "structure": dict,
        "map": dict,
        "list": list,
        "string": str,
        "character": str,
        "blob": str,
        "boolean": bool,
        "integer": int,
        "long": int,
        "float": (int, float),
        "double": (int, float),
        "timestamp": (int, float),
    }[shape.type_name]
    if not isinstance(value, expected) or (isinstance(value, bool) and shape.type_name != "boolean"):
        yield f"{at} is {type(value).__name__}, not {shape.type_name}"
        return
    if shape.type_name == "structure":
        yield from structure_faults(shape, value, path, at)
    elif shape.type_name == "map":
        yield from bounds_faults(shape, len(value), at)
        for key, inner in value.items():
            yield from value_faults(shape.key, key, f"{path}{{key}}")
            yield from value_faults(shape.value, inner, f"{path}{{value}}")
    elif shape.type_name == "list":
        yield from bounds_faults(shape, len(value), at)
        for inner in value:
            yield from value_faults(shape.member, inner, f"{path}[]")
    elif shape.type_name == "blob":
        try:
            yield from bounds_faults(shape, len(base64.b64decode(value, validate=True)), at)
        except binascii.Error:
            yield f"{at} is not base64"
    elif shape.type_name == "string":
        yield from bounds_faults(shape, len(value), at)
        if shape.enum and value not in shape.enum:
            yield f"{at} is {value!r}, not one of the enum"
        if (pattern := shape.metadata.get("pattern")) and not compiled(pattern).fullmatch(value):
            yield f"{at} does not match {pattern}"
    elif shape.type_name in ("integer", "long", "float", "double"):
        yield from bounds_faults(shape, value, at)


def structure_faults(shape, value, path, at):
    for name, inner in value.items():
        if name not in shape.members:
            yield f"{at} has the unknown member {name}"
        elif inner is None:
            yield f"{at} has null as {name}"
        else:
            yield from value_faults(shape.members[name], inner, f"{path}.{name}")
    for name in shape.required_members:
        if name not in value:
            yield f"{at} lacks {name}"


def bounds_faults(shape, size, at):
    least, most = shape.metadata.get("min"), shape.metadata.get("max")
    if least is not None and size < least:
        yield f"{at} is below {least}"
    if most is not None and size > most:
        yield f"{at} is above {most}"


PATTERNS = {}
# The models write for Java: pairs of surrogates, and classes of Unicode, here taken a little too widely.
JAVA = [
    (r"\uD800\uDC00-\uDBFF\uDFFF", "\U00010000-\U0010ffff"),
    (r"\u10000-\u10FFFF", "\U00010000-\U0010ffff"),
    (r"\p{L}", r"\w"),
    (r"\p{N}", r"\d"),
    (r"\p{Z}", r"\s"),
    (r"\p{P}", r"!-/:-@\[-`{-~"),
    (r"\p{Print}", r"[ -~]"),
]


def compiled(pattern):
    if pattern not in PATTERNS:
        text = pattern
        for java, python in JAVA:
            text = text.replace(java, python)
        PATTERNS[pattern] = re.compile(text, 0 if r"\p{" in pattern else re.ASCII)
    return PATTERNS[pattern]


def scalar(shape, text):
    """Text as the value that its shape says, or as text where it can't be."""
    try:
        if shape.type_name in ("integer", "long"):
            return int(text)
        if shape.type_name in ("float", "double"):
            return float(text)
    except ValueError:
        return text
    if shape.type_name == "boolean":
        return {"true": True, "false": False}.get(text, text)
    if shape.type_name == "timestamp":
        return 0 if re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", text) else text
    return text


def from_query(shape, parameters, prefix):
    """(the value below a prefix of the query protocol or None, the parameters that made it)"""
    used = set()
    below = f"{prefix}." if prefix else ""
    if shape.type_name == "structure":
        value = {}
        for name, member in shape.members.items():
            inner, of_member = from_query(member, parameters, below + member.serialization.get("name", name))
            used |= of_member
            if inner is not None:
                value[name] = inner
        return (value if value or prefix == "" else None), used
    if shape.type_name == "list":
        element = "" if shape.serialization.get("flattened") else "member."
        value = []
        while True:
            inner, of_member = from_query(shape.member, parameters, f"{below}{element}{len(value) + 1}")
            if inner is None:
                return (value or None), used
            used |= of_member
            value.append(inner)
    if prefix not in parameters:
        return None, used
    return scalar(shape, parameters[prefix]), {prefix}


def local(element):
    return element.tag.rsplit("}")[-1]


def from_xml(shape, element, path):
    """(the value of an element, the paths of elements that its shape does not know)"""
    unknown = []
    if shape.type_name == "structure":
        names = {member.serialization.get("name", name): name for name, member in shape.members.items()}
        value = {}
        for child in element:
            if (name := names.get(local(child))) is None:
                unknown.append(f"{path}.{local(child)}")
                continue
            value[name], below = from_xml(shape.members[name], child, f"{path}.{name}")
            unknown += below
        return value, unknown
    if shape.type_name == "list":
        value = []
        for child in element:
            if local(child) != shape.member.serialization.get("name", "member"):
                unknown.append(f"{path}.{local(child)}")
                continue
            inner, below = from_xml(shape.member, child, f"{path}[]")
            value.append(inner)
            unknown += below
        return value, unknown
    if shape.type_name == "map":
        value = {}
        for entry in element:
            key, inner = entry.find("{*}key"), entry.find("{*}value")
            if local(entry) != "entry" or key is None or inner is None:
                unknown.append(f"{path}.{local(entry)}")
                continue
            value[key.text or ""], below = from_xml(shape.value, inner, f"{path}{{value}}")
            unknown += below
        return value, unknown
    return scalar(shape, element.text or ""), unknown
