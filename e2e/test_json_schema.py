"""The JSON Schema of items accepts them, says a validator that nobody here wrote."""

import json
import subprocess
from decimal import Decimal

import pytest

import generated
import settle
from conftest import READERS, REPOSITORY, SAMPLE_NAMES, SAMPLES, client_environment

EVERY = 10  # of the items of a big table; its schema is that of all
MIXED = [
    {
        "id": {"S": "1"},
        "any": {"S": "text"},
        "inner": {"M": {"any": {"N": "1"}}},
        "list": {"L": [{"N": "1"}, {"S": "a"}]},
    },
    {
        "id": {"S": "2"},
        "any": {"N": "1.50"},
        "inner": {"M": {"any": {"SS": ["a"]}}},
        "list": {"L": [{"M": {"a": {"BOOL": True}}}]},
    },
    {
        "id": {"S": "3"},
        "any": {"M": {"x-y": {"NULL": True}}},
        "inner": {"M": {"any": {"NULL": True}}},
        "list": {"NS": ["1E2"]},
    },
    {"id": {"S": "4"}, "any": {"L": []}, "inner": {"M": {"any": {"M": {"a": {"S": "b"}}}}}},
    {"id": {"S": "5"}, "any": {"BOOL": False}},
]
STRUCT_NAMES = [json.loads(line) for line in (REPOSITORY / "e2e/readers/struct_names.jsonl").read_text().splitlines()]


def plain(value):
    ((tag, value),) = value.items()
    match tag:
        case "N":
            return number(value)
        case "NS":
            return [number(member) for member in value]
        case "M":
            return {name: plain(member) for name, member in value.items()}
        case "L":
            return [plain(member) for member in value]
        case "NULL":
            return None
    return value


def number(text):
    number = Decimal(text)
    return int(number) if number == number.to_integral_value() else float(number)


def wrong(program, file, items):
    """The places in the items that their schema refuses."""
    schema = program.json("infer", file, "--format", "json-schema")
    items = [{name: plain(value) for name, value in item.items()} for item in items]
    done = subprocess.run(
        [READERS / "python", REPOSITORY / "e2e/readers/validate.py"],
        input=json.dumps({"schema": schema, "items": items}),
        env=client_environment(),
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout)


@pytest.mark.parametrize("name", SAMPLE_NAMES)
def test_sample_tables(program, name):
    (file,) = SAMPLES.glob(f"{name}.jsonl*")
    assert wrong(program, file, settle.read_items(SAMPLES, name)[::EVERY]) == []


@pytest.mark.parametrize(
    "items", [MIXED, STRUCT_NAMES, generated.items(200)], ids=["mixed types", "names of structs", "generated"]
)
def test_items(program, tmp_path, items):
    file = tmp_path / "items.jsonl"
    file.write_text("".join(json.dumps(item) + "\n" for item in items))
    assert wrong(program, file, items) == []


def test_other_values_are_refused(program, tmp_path):
    file = tmp_path / "items.jsonl"
    file.write_text(json.dumps({"n": {"N": "1"}, "m": {"M": {"2025": {"S": "a"}}}}))
    assert wrong(program, file, [{"n": {"S": "1"}}, {"n": {"N": "0.5"}}, {"m": {"M": {"2026": {"N": "1"}}}}]) == [
        ["n"],
        ["n"],
        ["m", "2026"],
    ]
