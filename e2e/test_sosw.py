"""sosw's `DynamoDbClient`, for which the original crawler function was written, after runs with `readers = "sosw"`.

The client takes types and keys from the catalog, under the names that Glue keeps: in lower case. So it reads every table whose
name is made of letters, digits and `_`, and writes items back where their attributes are in lower case.
"""

import json
import re
import subprocess

import pytest

import settle
from conftest import READERS, REPOSITORY, SAMPLE_NAMES, SAMPLES, client_environment, dynalite_running, serving
from test_dynalite import load

READABLE = [name for name in SAMPLE_NAMES if re.fullmatch(r"\w+", name)]
MOST_ITEMS = 200
EVERY_TYPE = [
    {
        "id": {"S": "1"},
        "at": {"N": "1"},
        "tags": {"SS": ["a", "b"]},
        "sizes": {"NS": ["1", "2"]},
        "weights": {"NS": ["0.5", "2"]},
        "headers": {"M": {"content-type": {"S": "text"}, "2025": {"BOOL": True}, "sizes": {"NS": ["1"]}}},
        "lines": {"L": [{"N": "1"}, {"S": "x"}, {"M": {"colours": {"SS": ["red"]}}}]},
        "raw": {"B": "AA=="},
        "on": {"BOOL": False},
        "price": {"N": "12.5"},
    },
    {"id": {"S": "2"}, "at": {"N": "2"}, "headers": {"M": {}}, "lines": {"L": []}},
]
MAPPED = {
    "id": "S",
    "at": "N",
    "tags": "SS",
    "sizes": "NS",
    "weights": "NS",
    "headers": "M",
    "lines": "L",
    "raw": "B",
    "on": "BOOL",
    "price": "N",
}


def definition_of(table):
    types = [("HASH", "id", "S"), ("RANGE", "at", "N")]
    return {
        "TableName": table,
        "KeySchema": [{"KeyType": role, "AttributeName": name} for role, name, _ in types],
        "AttributeDefinitions": [{"AttributeName": name, "AttributeType": kind} for _, name, kind in types],
        "BillingMode": "PAY_PER_REQUEST",
    }


@pytest.fixture(scope="module", params=["managed", "native"])
def engine(request):
    return request.param


@pytest.fixture(scope="module")
def crawled(engine, binary, tmp_path_factory):
    """(environment of a client, dynalite) after a run."""
    directory = tmp_path_factory.mktemp(f"sosw-{engine}")
    with dynalite_running(directory) as dynalite:
        for name in READABLE:
            definition, items = settle.read_table(SAMPLES, name)
            load(dynalite.client("dynamodb"), definition, items[:MOST_ITEMS])
        load(dynalite.client("dynamodb"), definition_of("every_type"), EVERY_TYPE)
        binaries = {"id": {"S": "1"}, "at": {"N": "1"}, "raws": {"BS": ["AA==", "AQ=="]}}
        load(dynalite.client("dynamodb"), definition_of("binary_sets"), [binaries])
        with serving(binary, directory, "--dynamodb-endpoint", dynalite.url) as endpoint:
            environment = client_environment(endpoint.url) | {
                "GLUE_DDB_CRAWLER_ENGINE": engine,
                "GLUE_DDB_CRAWLER_READERS": "sosw",
            }
            done = subprocess.run(
                [binary, "sync", "--wait"], env=environment, cwd=directory, capture_output=True, text=True, timeout=120
            )
            assert done.returncode == 0, done.stdout + done.stderr
            yield client_environment(endpoint.url) | {"AWS_ENDPOINT_URL_DYNAMODB": dynalite.url}, dynalite


def sosw(crawled, *arguments):
    command = [READERS / "python", REPOSITORY / "e2e" / "readers" / "sosw_client.py", *arguments]
    done = subprocess.run(command, env=crawled[0], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout)


def scanned(crawled, table):
    items = crawled[1].client("dynamodb").scan(TableName=table)["Items"]
    return sorted((ordered(item) for item in items), key=repr)


def ordered(value):
    """Sets have no order."""
    if isinstance(value, dict):
        return {k: sorted(v) if k in ("SS", "NS", "BS") else ordered(v) for k, v in sorted(value.items())}
    return [ordered(member) for member in value] if isinstance(value, list) else value


@pytest.mark.parametrize("name", READABLE)
def test_sample_tables_are_read(crawled, name):
    definition, items = settle.read_table(SAMPLES, name)
    read = sosw(crawled, name, "all")
    assert read["rows"] == len(items[:MOST_ITEMS])
    hash_key = next(key["AttributeName"] for key in definition["KeySchema"] if key["KeyType"] == "HASH")
    assert read["hash_key"].lower() == hash_key.lower()


def kinds(items):
    """Attribute -> the types that it has, NULL aside."""
    seen = {}
    for item in items:
        for name, value in item.items():
            seen.setdefault(name, set()).update(value.keys() - {"NULL"})
    return seen


def sets(items):
    return sorted(repr((name, value)) for item in items for name, value in item.items() if value.keys() & settle.SETS)


def test_sample_tables_are_written_back(crawled):
    """Airports and treasury_ledger have attributes in lower case. The client makes floats of numbers with a point, and text of
    numbers in a column that mixes both; what has to stay are all items, their sets, and the types of other attributes.
    """
    for name in ["Airports", "treasury_ledger"]:
        before = scanned(crawled, name)
        sosw(crawled, name, "all", "write")
        after = scanned(crawled, name)
        assert len(after) == len(before)
        assert sets(after) == sets(before)
        seen = kinds(after)
        for attribute, types in kinds(before).items():
            assert len(types) != 1 or seen[attribute] == types, attribute
    assert sets(before), "treasury_ledger has sets"


def test_every_type_is_read_and_written_back(crawled):
    before = scanned(crawled, "every_type")
    read = sosw(crawled, "every_type", "mapped", "write")
    assert read == {"row_mapper": MAPPED, "rows": 2, "hash_key": "id", "range_key": "at"}
    assert scanned(crawled, "every_type") == before


def test_binary_sets_keep_no_table_from_being_read(crawled):
    """The client has no word for them; asked for all attributes it reads and writes them all the same."""
    before = scanned(crawled, "binary_sets")
    assert sosw(crawled, "binary_sets", "all", "write")["row_mapper"] == {"id": "S", "at": "N", "raws": "L"}
    assert scanned(crawled, "binary_sets") == before
