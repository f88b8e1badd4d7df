"""datacontract-cli makes a data contract of the catalog: every table, every column."""

import re
import subprocess

import pytest
import yaml

import settle
from conftest import DATABASE, READERS, SAMPLE_NAMES, SAMPLES, client_environment


@pytest.fixture(scope="module")
def contract(synced, tmp_path_factory):
    directory = tmp_path_factory.mktemp("datacontract")
    file = directory / "contract.yaml"
    done = subprocess.run(
        [READERS / "datacontract", "import", "glue", "--database", DATABASE, "--output", file],
        env=client_environment(synced.url) | {"HOME": str(directory)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return {table["physicalName"]: table for table in yaml.safe_load(file.read_text())["schema"]}


def test_every_table_is_there(contract):
    assert sorted(contract) == sorted(settle.catalog_table_name(name) for name in SAMPLE_NAMES)


@pytest.mark.parametrize("name", SAMPLE_NAMES)
def test_every_column_is_there(contract, name):
    properties = contract[settle.catalog_table_name(name)]["properties"]
    request, items = settle.read_table(SAMPLES, name)
    expected = settle.columns(request, items, crawler=True)
    # What stands in a type's brackets it keeps elsewhere.
    read = settle.certain([(p["name"], p["physicalType"]) for p in properties], expected, items)
    assert read == [(column, re.match(r"\w+", glue_type)[0]) for column, glue_type, _ in expected]
