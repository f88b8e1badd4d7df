"""What columns a table's items settle to: the documented rules, written as plainly as they read, never mind the speed.

It shares nothing with the product: each place in the items is the list of all values seen there, and a rule is a look
at that list. The tests hold it against what the catalog says.
"""

import gzip
import hashlib
import json
import re
from decimal import Decimal

MAX_STRUCT_FIELDS = 200
MAX_TYPE_LENGTH = 131_072
MAX_COLUMN_NAME = 255
SETS = {"SS": "S", "NS": "N", "BS": "B"}


def read_table(directory, name):
    """(CreateTable request, items) of the table file NAME.json and the items beside it."""
    request = json.loads((directory / f"{name}.json").read_text())
    return request, read_items(directory, name)


def read_items(directory, name):
    plain, compressed = directory / f"{name}.jsonl", directory / f"{name}.jsonl.gz"
    lines = plain.read_bytes() if plain.exists() else gzip.decompress(compressed.read_bytes())
    return [json.loads(line) for line in lines.split(b"\n") if line]


def columns(request, items, crawler=False):
    """[(column, type, attribute)] in the catalog's order: hash key, range key, others in byte order.

    With `crawler`: once a run has completed what a crawler of Glue wrote. What it makes of attributes that fold to one
    name is not known: they are left out, as `certain` leaves out their columns.
    """
    key_types = {d["AttributeName"]: d["AttributeType"] for d in request["AttributeDefinitions"]}
    keys = [k["AttributeName"] for k in sorted(request["KeySchema"], key=lambda k: k["KeyType"] != "HASH")]
    others = {attribute for item in items for attribute in item} - set(keys)
    attributes = keys + sorted(others, key=str.encode)
    names = column_names(attributes)
    if crawler:  # keeps its own names
        folded = {attribute: crawler_name(attribute) for attribute in attributes}
        names = {attribute: name for attribute, name in folded.items() if list(folded.values()).count(name) == 1}
        attributes = list(names)
    settled = []
    for attribute in attributes:
        seen = [item[attribute] for item in items if attribute in item]
        if attribute in keys and not seen:
            glue_type = {"S": "string", "N": "bigint", "B": "binary"}[key_types[attribute]]
        else:
            glue_type = settle(seen, crawler)
        settled.append((names[attribute], glue_type, attribute))
    return settled


def crawler_name(attribute):
    return re.sub(r"[^a-z0-9_]", "_", attribute.lower())


def certain(columns, expected, items):
    """The columns of the catalog but those of attributes that a crawler folds to one name."""
    unclear = {crawler_name(attribute) for item in items for attribute in item} - {name for name, *_ in expected}
    return [column for column in columns if re.sub(r"_[0-9a-f]{32}$", "", column[0]) not in unclear]


def settle(seen, crawler=False):
    """The Glue type of all the attribute values seen at one place."""
    settled = settle_any_length(seen, crawler)
    return settled if len(settled) <= MAX_TYPE_LENGTH else "string"


def settle_any_length(seen, crawler=False):
    pairs = [(tag, value) for attribute_value in seen for tag, value in attribute_value.items() if tag != "NULL"]
    tags = {tag for tag, _ in pairs}
    if tags <= {"S"}:
        return "string"
    if tags == {"BOOL"}:
        return "boolean"
    if tags == {"B"}:
        return "binary"
    if tags == {"N"}:
        settled = settle_numbers([Decimal(value) for _, value in pairs])
        return "double" if crawler and settled == "string" else settled
    if tags <= {"L", "SS", "NS", "BS"}:
        elements = [element for tag, value in pairs for element in as_list(tag, value)]
        return f"array<{settle_any_length(elements, crawler)}>"
    if tags == {"M"}:
        return settle_maps([value for _, value in pairs], crawler)
    return "string"


def as_list(tag, value):
    return value if tag == "L" else [{SETS[tag]: member} for member in value]


def settle_numbers(numbers):
    integral = [n for n in numbers if n == n.to_integral_value()]
    integer_digits = max(len(str(abs(int(n)))) if abs(n) >= 1 else 0 for n in numbers)
    scale = max(decimals(n) for n in numbers)
    if len(integral) == len(numbers):
        if all(-(2**63) <= n < 2**63 for n in numbers):
            return "bigint"
        return "decimal(38,0)" if integer_digits <= 38 else "string"
    if all(survives_a_double(n) for n in numbers):
        return "double"
    return f"decimal(38,{scale})" if integer_digits + scale <= 38 else "string"


def significant_digits(number):
    return "".join(map(str, number.as_tuple().digits)).strip("0")


def decimals(number):
    """Digits after the point that are not trailing zeros."""
    text = format(number, "f")
    return len(text.partition(".")[2].rstrip("0"))


def survives_a_double(number):
    return len(significant_digits(number)) <= 17 and Decimal(repr(float(number))) == number


def settle_maps(maps, crawler):
    names = sorted({name for m in maps for name in m}, key=str.encode)
    if not names:
        return "map<string,string>"
    fields = all(re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name) for name in names)
    if not fields or len({name.lower() for name in names}) < len(names) or len(names) > MAX_STRUCT_FIELDS:
        if crawler:
            # A struct for every map, without fields where it has too many; completed without a look at the values.
            types = {settle_any_length([m[name] for m in maps if name in m], crawler) for name in names}
            return f"map<string,{types.pop() if len(types) == 1 and len(names) <= MAX_STRUCT_FIELDS else 'string'}>"
        return f"map<string,{settle_any_length([value for m in maps for value in m.values()])}>"
    fields = (f"{name}:{settle_any_length([m[name] for m in maps if name in m], crawler)}" for name in names)
    return f"struct<{','.join(fields)}>"


# -------------------------------------------------------------------------------------------------- names


def catalog_table_name(table):
    return bounded(re.sub(r"[^a-z0-9_]", "_", table.lower()), "", 128)


def column_names(attributes):
    """Attribute -> column. Of those that fold to one name the one spelled so keeps it, else the byte-wise smallest."""
    folded = {}
    for attribute in attributes:
        column = re.sub(r"[^a-z0-9_]", "_", attribute.lower())
        folded.setdefault("_" + column if column[:1].isdigit() else column, []).append(attribute)
    names = {}
    for column, sources in folded.items():
        keeper = column if column in sources else min(sources, key=str.encode)
        for attribute in sources:
            suffix = "" if attribute == keeper else "_" + hash8(attribute)
            names[attribute] = bounded(column, suffix, MAX_COLUMN_NAME)
    return names


def bounded(base, suffix, limit):
    if len(base) + len(suffix) <= limit:
        return base + suffix
    tail = "_" + hash8(base) + suffix
    return base[: limit - len(tail)] + tail


def hash8(text):
    return hashlib.sha256(text.encode()).hexdigest()[:8]
