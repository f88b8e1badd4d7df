"""CreateTable requests and items in DynamoDB JSON, from plain Python values."""

import base64
from decimal import Decimal


def request(name, *keys, indexes=()):
    """The CreateTable request of a table; `keys` and each index's keys are (attribute, type), hash key first."""
    attributes = dict(keys)
    for _, index_keys in indexes:
        attributes.update(index_keys)
    made = {
        "TableName": name,
        "AttributeDefinitions": [{"AttributeName": a, "AttributeType": t} for a, t in attributes.items()],
        "KeySchema": key_schema(keys),
        "BillingMode": "PAY_PER_REQUEST",
    }
    if indexes:
        made["GlobalSecondaryIndexes"] = [
            {"IndexName": index, "KeySchema": key_schema(index_keys), "Projection": {"ProjectionType": "ALL"}}
            for index, index_keys in indexes
        ]
    return made


def key_schema(keys):
    return [{"AttributeName": a, "KeyType": kind} for (a, _), kind in zip(keys, ("HASH", "RANGE"))]


def item(attributes):
    return {name: value(v) for name, v in attributes.items()}


def value(v):
    """A Python value as a DynamoDB attribute value."""
    if v is None:
        return {"NULL": True}
    if isinstance(v, bool):
        return {"BOOL": v}
    if isinstance(v, str):
        return {"S": v}
    if isinstance(v, (int, Decimal)):
        return {"N": number(v)}
    if isinstance(v, bytes):
        return {"B": base64.b64encode(v).decode()}
    if isinstance(v, list):
        return {"L": [value(e) for e in v]}
    if isinstance(v, dict):
        return {"M": item(v)}
    if isinstance(v, set):
        members = [value(e) for e in sorted(v)]
        (tag,) = {tag for m in members for tag in m}
        return {tag + "S": [m[tag] for m in members]}
    raise TypeError(f"{type(v).__name__} has no DynamoDB type")


def number(n):
    """As DynamoDB gives numbers back: plain digits, no trailing zeros after the point, 38 significant digits."""
    digits = format(Decimal(n), "f")
    if "." in digits:
        digits = digits.rstrip("0").rstrip(".")
    assert len(digits.strip("-").replace(".", "").strip("0")) <= 38, digits
    return digits
