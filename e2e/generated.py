"""Items that nobody would make up: many attributes, each of another random shape, the same ones on every run."""

import base64
import random

NAMES = [
    *"a b id Id ID _ __ _1 x1 longer_name camelCase UPPER".split(),
    # Words of Hive and Spark.
    *"select from date timestamp array map struct interval int string anti null decimal".split(),
    # What parsers take for numbers, signs or nothing.
    *"content-type 2025 2026-01-01 1.0 1e5 10L 5D 1BD 2nd a.b a:b a,b <a> `a` a\\b a\"b a'b $a a#b".split(),
    *"@type x/y größe 日本".split(),
    *("", "a b"),
]
PLAIN = [name for name in NAMES[:25] if name not in ("Id", "ID")]


def items(attributes, count=4, seed=2026):
    """`count` items in DynamoDB JSON with `attributes` attributes; most have a shape, some anything."""
    chance = random.Random(seed)
    shapes = {f"attribute_{number}": shape(chance, 0) for number in range(attributes)}
    made = []
    for number in range(count):
        item = {"id": {"S": str(number)}}
        for name, of in shapes.items():
            item[name] = value(chance, of if chance.random() < 0.95 else shape(chance, 2))
        made.append(item)
    return made


def shape(chance, depth):
    """What values look like: a tag, or a tag with the shape of what is in it."""
    tag = chance.choice("S N B BOOL NULL SS NS BS".split() + ["M", "L"] * (40, 8, 8, 0)[depth])
    if tag == "L":
        return tag, shape(chance, depth + 1)
    if tag == "M":
        names = chance.sample(NAMES if chance.random() < 0.4 else PLAIN, chance.randint(0, 5))
        return tag, {name: shape(chance, depth + 1) for name in names}
    return tag, None


def value(chance, of):
    tag, inner = of
    match tag:
        case "L":
            made = [value(chance, inner) for _ in range(chance.randint(0, 3))]
        case "M":
            made = {name: value(chance, member) for name, member in inner.items() if chance.random() < 0.9}
        case "S":
            made = chance.choice(["", "text", "2026-11-25T10:00:00Z"])
        case "N":
            made = number(chance)
        case "B":
            made = binary(chance)
        case "BOOL":
            made = chance.random() < 0.5
        case "NULL":
            made = True
        case "SS":
            made = ["a", "b"]
        case "NS":
            made = [number(chance)]
        case _:
            made = [binary(chance)]
    return {tag: made}


def number(chance):
    return chance.choice(["0", "7", "-12.5", "1E2", "9223372036854775808", "0.12345678901234567890", "1" + "0" * 30])


def binary(chance):
    return base64.b64encode(chance.randbytes(3)).decode()
