"""dynalite as the DynamoDB behind `serve --dynamodb-endpoint`: loaded by boto3, crawled, read back."""

import base64
import json

import pytest

import settle
from conftest import ACCOUNT, DATABASE, REGION, SAMPLE_NAMES, SAMPLES, dynalite_running, serving

MOST_ITEMS = 400  # of a table; enough to see every attribute, few enough to load in a second


@pytest.fixture(scope="module")
def subsets(tmp_path_factory):
    """A directory with the first items of every sample table."""
    directory = tmp_path_factory.mktemp("subsets")
    for name in SAMPLE_NAMES:
        request, items = settle.read_table(SAMPLES, name)
        (directory / f"{name}.json").write_text(json.dumps(request))
        (directory / f"{name}.jsonl").write_text("".join(json.dumps(item) + "\n" for item in items[:MOST_ITEMS]))
    return directory


@pytest.fixture(scope="module")
def crawled(binary, program, subsets, tmp_path_factory):
    directory = tmp_path_factory.mktemp("behind")
    with dynalite_running(directory) as dynalite:
        for name in SAMPLE_NAMES:
            load(dynalite.client("dynamodb"), *settle.read_table(subsets, name))
        with serving(binary, directory, "--dynamodb-endpoint", dynalite.url) as endpoint:
            program.run("sync", "--wait", endpoint=endpoint)
            yield endpoint


def load(dynamodb, request, items):
    dynamodb.create_table(**request)
    dynamodb.get_waiter("table_exists").wait(TableName=request["TableName"], WaiterConfig={"Delay": 1})
    for start in range(0, len(items), 25):
        puts = [
            {"PutRequest": {"Item": {k: from_json(v) for k, v in item.items()}}} for item in items[start : start + 25]
        ]
        left = dynamodb.batch_write_item(RequestItems={request["TableName"]: puts})["UnprocessedItems"]
        assert left == {}


def from_json(attribute_value):
    """An attribute value of the files as boto3 wants it: bytes, not base64."""
    ((tag, value),) = attribute_value.items()
    if tag == "B":
        value = base64.b64decode(value)
    elif tag == "BS":
        value = [base64.b64decode(member) for member in value]
    elif tag == "M":
        value = {name: from_json(member) for name, member in value.items()}
    elif tag == "L":
        value = [from_json(member) for member in value]
    return {tag: value}


@pytest.mark.parametrize("name", SAMPLE_NAMES)
def test_types_are_those_of_the_files(crawled, program, subsets, name):
    request, items = settle.read_table(subsets, name)
    expected = settle.columns(request, items, crawler=True)
    table = crawled.client("glue").get_table(DatabaseName=DATABASE, Name=settle.catalog_table_name(name))["Table"]
    columns = [(c["Name"], c["Type"]) for c in table["StorageDescriptor"]["Columns"]]
    assert settle.certain(columns, expected, items) == [(column, glue_type) for column, glue_type, _ in expected]
    assert table["StorageDescriptor"]["Location"] == f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{name}"
    inferred = program.json("infer", subsets / f"{name}.jsonl", "--format", "glue")
    rules = settle.columns(request, items)
    assert [(c["name"], c["type"]) for c in inferred["columns"]] == [(c, glue_type) for c, glue_type, _ in rules]


def test_requests_pass_through(crawled):
    dynamodb = crawled.client("dynamodb")
    names = [name for page in dynamodb.get_paginator("list_tables").paginate() for name in page["TableNames"]]
    assert sorted(names) == SAMPLE_NAMES
    pages = dynamodb.get_paginator("scan").paginate(TableName="Airports", Segment=0, TotalSegments=2)
    first = sum(page["Count"] for page in pages)
    assert 0 < first < MOST_ITEMS
