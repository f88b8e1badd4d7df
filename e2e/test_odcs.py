"""A data contract that `infer` prints is one by the standard's JSON Schema and by datacontract-cli, and says what the items say."""

import json
import subprocess

import pytest
import yaml

import settle
from conftest import READERS, SAMPLE_NAMES, SAMPLES

NASTY = [
    {"pk": {"S": "a"}, "no": {"BOOL": True}, "a: b # c": {"N": "1"}, "- x": {"M": {"é\n\"q\"": {"L": [{"B": "AA=="}]}}}},
    {"pk": {"S": "b"}, "no": {"NULL": True}, "{}": {"M": {}}, "'": {"NS": ["1.5"]}, "\U000e0041\x1b": {"SS": ["x"]}, 'a"b': {"N": "1"}, "a\\b\\q": {"N": "1"}, "\ufffe\uffff": {"N": "1"}},
]


def contract_of(binary, path):
    done = subprocess.run([binary, "infer", path, "--format", "odcs"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


def check(text, folder, lint):
    """What the standard's JSON Schema says, and `datacontract lint`, which takes long."""
    file = folder / "contract.odcs.yaml"
    file.write_text(text)
    schema = next(READERS.parent.glob("lib/python3*/site-packages/datacontract/schemas/odcs-3.2.0.schema.json"))
    script = "import sys, json, yaml, jsonschema; jsonschema.validate(yaml.safe_load(open(sys.argv[1])), json.load(open(sys.argv[2])))"
    done = subprocess.run([READERS / "python", "-c", script, file, schema], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr[-2000:]
    if lint:
        environment = {"HOME": str(folder), "COLUMNS": "200"}
        done = subprocess.run([READERS / "datacontract", "lint", file], env=environment, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return yaml.safe_load(text)["schema"][0]


def required(items, keys):
    names = {name for item in items for name in item} | set(keys)
    return {
        name: name in keys or all(name in item and "NULL" not in item[name] for item in items) for name in names
    }


@pytest.mark.parametrize("name", SAMPLE_NAMES)
def test_a_sample_table_has_a_contract(binary, name, tmp_path):
    path = next(file for file in SAMPLES.glob(f"{name}.jsonl*"))
    table = check(contract_of(binary, path), tmp_path, lint=name == "OnlineShop")
    request, items = settle.read_table(SAMPLES, name)
    keys = [key["AttributeName"] for key in request["KeySchema"]]
    assert {p["name"]: p["required"] for p in table["properties"]} == required(items, keys)
    assert [p["name"] for p in table["properties"] if p.get("primaryKey")] == keys


def test_any_name_comes_back(binary, tmp_path):
    path = tmp_path / "nasty.jsonl"
    path.write_text("".join(json.dumps(item) + "\n" for item in NASTY))
    table = check(contract_of(binary, path), tmp_path, lint=True)
    assert {p["name"]: p["required"] for p in table["properties"]} == required(NASTY, [])
