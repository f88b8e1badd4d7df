"""Readers of the catalog too heavy for every run (`make readers`): Hive's and Spark 3.5's own parsers, and DataHub."""

import json
import subprocess

import pytest
import yaml

import generated
from conftest import DATABASE, REPOSITORY, SAMPLES, client_environment, serving

ENGINES = REPOSITORY / ".tools" / "engines" / "bin"
STRUCT_NAMES = REPOSITORY / "e2e" / "readers" / "struct_names.jsonl"
SHAPES = 1000  # in tables of 50 attributes
KEYED = {
    "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
    "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
    "BillingMode": "PAY_PER_REQUEST",
}


@pytest.fixture(scope="module")
def tables(tmp_path_factory):
    """The sample tables, one with names that engines can't parse, and tables of random shapes."""
    directory = tmp_path_factory.mktemp("tables")
    for file in SAMPLES.iterdir():
        (directory / file.name).write_bytes(file.read_bytes())
    lines = {"struct_names": STRUCT_NAMES.read_text()}
    for seed in range(SHAPES // 50):
        lines[f"generated_{seed}"] = "".join(json.dumps(item) + "\n" for item in generated.items(50, seed=seed))
    for name, text in lines.items():
        (directory / f"{name}.json").write_text(json.dumps({"TableName": name} | KEYED))
        (directory / f"{name}.jsonl").write_text(text)
    return directory


@pytest.fixture(scope="module", params=["managed", "native"])
def catalog(request, binary, tables, tmp_path_factory):
    """(endpoint, its tables) after a run of either engine."""
    directory = tmp_path_factory.mktemp(request.param)
    with serving(binary, directory, "--tables", tables) as endpoint:
        environment = client_environment(endpoint.url) | {"GLUE_DDB_CRAWLER_ENGINE": request.param}
        command = [binary, "sync", "--wait"]
        done = subprocess.run(command, env=environment, cwd=directory, capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stdout + done.stderr
        pages = endpoint.client("glue").get_paginator("get_tables").paginate(DatabaseName=DATABASE)
        yield endpoint, {table["Name"]: table for page in pages for table in page["TableList"]}


def refused(types):
    """What the engines' parsers refuse, with what they say."""
    command = [ENGINES / "python", REPOSITORY / "e2e" / "readers" / "engines.py"]
    environment = client_environment() | {"JAVA_TOOL_OPTIONS": ""}
    done = subprocess.run(
        command, input=json.dumps(list(types)), env=environment, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr[-4000:]
    return json.loads(done.stdout)["refused"]


def test_the_parsers_refuse_what_they_are_known_to_refuse():
    assert {
        text: sorted(said)
        for text, said in refused(
            [
                "struct<content-type:string>",
                "struct<2025:bigint>",
                "struct<1e5:bigint>",
                "struct<a.b:int>",
                "set<string>",
                "struct<a:int>",
            ]
        ).items()
    } == {
        "struct<content-type:string>": ["Hive", "Spark"],
        "struct<2025:bigint>": ["Spark"],
        "struct<1e5:bigint>": ["Spark"],
        "struct<a.b:int>": ["Spark"],
        "set<string>": ["Hive", "Spark"],
    }


def test_hive_and_spark_parse_every_type_of_the_catalog(catalog):
    _, tables = catalog
    types = [column["Type"] for table in tables.values() for column in table["StorageDescriptor"]["Columns"]]
    print(f"{len(types)} columns of {len(tables)} tables, {len(set(types))} different types")
    assert len(types) > SHAPES
    assert refused(types) == {}


def test_hive_and_spark_parse_every_type_of_infer(program, tables):
    types = []
    for file in sorted(tables.glob("*.jsonl*")):
        types += [column["type"] for column in program.json("infer", file, "--format", "glue")["columns"]]
    print(f"{len(types)} columns, {len(set(types))} different types")
    assert len(types) > SHAPES
    assert refused(types) == {}


def test_tables_pass_the_rule_of_the_glue_client_for_hive(catalog):
    """awslabs/aws-glue-data-catalog-client-for-apache-hive-metastore, HiveTableValidator."""
    for name, table in catalog[1].items():
        if "storage_handler" in table["Parameters"]:
            continue
        descriptor = table["StorageDescriptor"]
        assert table.get("TableType"), name
        assert descriptor.get("InputFormat"), name
        assert descriptor.get("OutputFormat"), name
        assert descriptor.get("SerdeInfo", {}).get("SerializationLibrary"), name


def test_datahub_takes_every_table(catalog, tmp_path):
    endpoint, tables = catalog
    written = tmp_path / "metadata.json"
    recipe = {
        "source": {"type": "glue", "config": {"aws_region": "us-east-1", "extract_transforms": False}},
        "sink": {"type": "file", "config": {"filename": str(written)}},
    }
    (tmp_path / "recipe.yaml").write_text(yaml.safe_dump(recipe))
    environment = client_environment(endpoint.url) | {"HOME": str(tmp_path), "DATAHUB_TELEMETRY_ENABLED": "false"}
    command = [ENGINES / "datahub", "ingest", "--strict-warnings", "-c", tmp_path / "recipe.yaml"]
    done = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    fields = {}
    for entry in json.loads(written.read_text()):
        for aspect in aspects(entry):
            if "fields" in aspect and "hash" in aspect:
                fields[aspect["schemaName"].rpartition(".")[2]] = aspect["fields"]
    assert sorted(fields) == sorted(tables)
    for name, table in tables.items():
        columns = [column["Name"] for column in table["StorageDescriptor"]["Columns"]]
        read = {field["fieldPath"].split(".")[-1] for field in fields[name]}
        assert read >= set(columns), name


def aspects(entry):
    """The aspects of a file of metadata, of either form."""
    if "proposedSnapshot" in entry:
        (snapshot,) = entry["proposedSnapshot"].values()
        for wrapped in snapshot["aspects"]:
            yield from wrapped.values()
    elif "aspect" in entry:
        yield entry["aspect"].get("json", {})
