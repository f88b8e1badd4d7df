"""awswrangler, which reads the catalog as Athena's users do, against a synced endpoint."""

import awswrangler as wr
import pyarrow
import pytest
from awswrangler._data_types import athena2pyarrow

import settle
from conftest import DATABASE, SAMPLE_NAMES, SAMPLES

CATALOG_NAMES = sorted(settle.catalog_table_name(name) for name in SAMPLE_NAMES)


@pytest.fixture(scope="module", autouse=True)
def endpoint(synced):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", synced.url)
        yield synced


def test_databases_and_tables():
    assert DATABASE in list(wr.catalog.databases()["Database"])
    tables = wr.catalog.tables(database=DATABASE)
    assert sorted(tables["Table"]) == CATALOG_NAMES
    assert set(tables["TableType"]) == {"EXTERNAL_TABLE"}
    assert wr.catalog.does_table_exist(database=DATABASE, table="airports")
    assert not wr.catalog.does_table_exist(database=DATABASE, table="nowhere")


@pytest.mark.parametrize("name", SAMPLE_NAMES)
def test_types(name):
    request, items = settle.read_table(SAMPLES, name)
    expected = settle.columns(request, items, crawler=True)
    table = settle.catalog_table_name(name)
    types = wr.catalog.get_table_types(database=DATABASE, table=table)
    assert settle.certain(list(types.items()), expected, items) == [(column, kind) for column, kind, _ in expected]
    shown = wr.catalog.table(database=DATABASE, table=table)
    assert dict(zip(shown["Column Name"], shown["Type"], strict=True)) == types
    for glue_type in types.values():
        assert isinstance(athena2pyarrow(glue_type), pyarrow.DataType)


@pytest.mark.parametrize("wanted", [{"name_prefix": "acme"}, {"name_contains": "sessions"}, {"name_suffix": "_prod"}])
def test_tables_by_part_of_a_name(wanted):
    """awswrangler asks with `*` for anything, in `Expression`."""
    found = wr.catalog.get_tables(database=DATABASE, **wanted)
    assert [table["Name"] for table in found] == ["acme_web_sessions_prod"]


def test_parameters_and_versions():
    parameters = wr.catalog.get_table_parameters(database=DATABASE, table="onlineshop")
    assert (parameters["classification"], parameters["sourceTable"]) == ("dynamodb", "OnlineShop")
    versions = wr.catalog.get_table_versions(database=DATABASE, table="onlineshop")
    assert versions
    assert {version["Table"]["Name"] for version in versions} == {"onlineshop"}
    assert wr.catalog.get_table_number_of_versions(database=DATABASE, table="onlineshop") == len(versions)
    assert wr.catalog.get_table_location(database=DATABASE, table="onlineshop").endswith(":table/OnlineShop")


def test_search():
    assert [table["Name"] for table in wr.catalog.search_tables(text="earthquakes")] == ["usgs_earthquakes"]
