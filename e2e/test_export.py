"""Exports in S3: written into MiniStack's as DynamoDB writes them, and read with the credentials of the SDK."""

import base64
import gzip
import hashlib
import json
import random
import subprocess
import sys

import pytest

from conftest import ACCOUNT, DATABASE, REGION, client_environment, wait_for
from stack import account  # noqa: F401

BUCKET = "exports"
# Runs a command and writes its peak memory into a file. A process of its own, and a small one: Linux counts the memory that
# a child shared with its parent before it became another program.
MEASURED = """
import resource, subprocess, sys
code = subprocess.run(sys.argv[2:]).returncode
open(sys.argv[1], "w").write(str(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024))
sys.exit(code)
"""
ITEMS = [{"id": {"S": str(i)}, "price": {"N": f"{i}.25"}, "tags": {"SS": ["a", "b"]}} for i in range(500)]
ION = [f'$ion_1_0 {{Item:{{id:"{i}",price:{i}.25,tags:$dynamodb_SS::["a","b"]}}}}' for i in range(500)]
COLUMNS = [("id", "string"), ("price", "double"), ("tags", "array<string>")]


@pytest.fixture(scope="module")
def bucket(account):  # noqa: F811
    """The bucket's client; every table that is exported below exists, and is empty."""
    s3, dynamodb = account.client("s3"), account.client("dynamodb")
    s3.create_bucket(Bucket=BUCKET)
    for table in ("shop-json", "shop-ion", "shop-large", "shop-damaged", "shop-via"):
        dynamodb.create_table(
            TableName=table,
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        )
    return s3


@pytest.fixture
def crawl(binary, account, tmp_path):  # noqa: F811
    """`crawl --export` of a place in the bucket: (exit code, report or message, peak memory in bytes)."""

    def run(place):
        environment = client_environment(account.url) | {
            "AWS_ACCESS_KEY_ID": ACCOUNT,
            "AWS_SECRET_ACCESS_KEY": "any",
            "AWS_ENDPOINT_URL_GLUE": account.glue_url,
        }
        command = [binary, "crawl", "--export", f"s3://{BUCKET}/{place}", "--region", REGION, "--output", "json"]
        command = [sys.executable, "-c", MEASURED, tmp_path / "peak", *command]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, cwd=tmp_path)
        answer = json.loads(done.stdout) if done.stdout else done.stderr
        return done.returncode, answer, int((tmp_path / "peak").read_text())

    return run


def put_export(s3, table, files, output_format="DYNAMODB_JSON", ending="json", export="01693685827463-2d8752fd"):
    """Puts an export of `files`, each a list of lines; the prefix of its data files."""
    folder = f"{table}/AWSDynamoDB/{export}"
    listed = []
    for at, lines in enumerate(files):
        content = gzip.compress("".join(line + "\n" for line in lines).encode(), 1)
        key = f"{folder}/data/{at:08}.{ending}.gz"
        s3.put_object(Bucket=BUCKET, Key=key, Body=content)
        listed.append({"itemCount": len(lines), "md5Checksum": md5(content), "etag": "x-1", "dataFileS3Key": key})
    arn = f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{table}"
    summary = {
        "version": "2020-06-30",
        "exportArn": f"{arn}/export/{export}",
        "tableArn": arn,
        "s3Bucket": BUCKET,
        "s3Prefix": table,
        "manifestFilesS3Key": f"{folder}/manifest-files.json",
        "itemCount": sum(file["itemCount"] for file in listed),
        "outputFormat": output_format,
    }
    s3.put_object(Bucket=BUCKET, Key=f"{folder}/_started", Body=b"")
    for name, text in (
        ("manifest-files", "".join(json.dumps(file) + "\n" for file in listed)),
        ("manifest-summary", json.dumps(summary)),
    ):
        s3.put_object(Bucket=BUCKET, Key=f"{folder}/{name}.json", Body=text.encode())
        s3.put_object(Bucket=BUCKET, Key=f"{folder}/{name}.md5", Body=md5(text.encode()).encode())
    return f"{folder}/data"


def md5(content):
    return base64.b64encode(hashlib.md5(content).digest()).decode()


def columns(account, name):  # noqa: F811
    table = account.client("glue").get_table(DatabaseName=DATABASE, Name=name)["Table"]
    return [(column["Name"], column["Type"]) for column in table["StorageDescriptor"]["Columns"]]


@pytest.mark.parametrize("kind", ["json", "ion"])
def test_an_export_is_read_from_s3(account, bucket, crawl, kind):  # noqa: F811
    lines = [json.dumps({"Item": item}) for item in ITEMS] if kind == "json" else ION
    table = f"shop-{kind}"
    put_export(bucket, table, [lines[:200], [], lines[200:]], {"json": "DYNAMODB_JSON", "ion": "ION"}[kind], kind)
    code, report, _ = crawl(table)
    assert code == 0, report
    (row,) = report["tables"]
    assert (row["table"], row["outcome"], row["items"]) == (table, "crawled", 500)
    assert "dynamodb:Scan" not in report["calls"]
    assert columns(account, f"shop_{kind}") == COLUMNS


def test_memory_does_not_grow_with_the_export(account, bucket, crawl):  # noqa: F811
    """48 MB that can't be compressed much, in two files: they alone would take more memory than the program may."""
    noise = random.Random(1)
    blob = base64.b64encode(noise.randbytes(225_000)).decode()
    lines = [json.dumps({"Item": {"id": {"S": str(i)}, "b": {"B": blob[i * 4 :] + blob[: i * 4]}}}) for i in range(80)]
    put_export(bucket, "shop-large", [lines] * 2)
    code, report, peak = crawl("shop-large/AWSDynamoDB/01693685827463-2d8752fd")
    assert code == 0, report
    assert report["tables"][0]["items"] == 160
    assert peak < 64e6, f"{peak / 1e6:.0f} MB"


def test_dynamodb_is_asked_for_an_export(account, bucket, binary, tmp_path):  # noqa: F811
    """MiniStack keeps a record of an export, and writes none: the files are written here while the program waits."""
    environment = client_environment(account.url) | {"AWS_ACCESS_KEY_ID": ACCOUNT, "AWS_ENDPOINT_URL_GLUE": account.glue_url}
    command = [binary, "crawl", "shop-via", "--via-export", "--bucket", f"{BUCKET}/shop-via", "--region", REGION]
    with subprocess.Popen(command, env=environment, cwd=tmp_path, text=True, stdout=-1, stderr=-1) as crawl:
        dynamodb = account.client("dynamodb")
        (asked,) = wait_for(lambda: dynamodb.list_exports()["ExportSummaries"], 30)
        export = dynamodb.describe_export(ExportArn=asked["ExportArn"])["ExportDescription"]
        assert (export["S3Bucket"], export["S3Prefix"], export["ExportFormat"]) == (BUCKET, "shop-via", "DYNAMODB_JSON")
        name = export["ExportArn"].rsplit("/", 1)[1]
        put_export(bucket, "shop-via", [[json.dumps({"Item": item}) for item in ITEMS]], export=name)
        told, said = crawl.communicate(timeout=60)
    assert crawl.returncode == 0, told + said
    assert f"export of shop-via to s3://{BUCKET}/shop-via/AWSDynamoDB/{name}: IN_PROGRESS, 0 s" in said
    assert columns(account, "shop_via") == COLUMNS


def test_what_is_wrong_is_told(bucket, crawl):
    code, message, _ = crawl("nothing/here")
    assert code == 1 and "s3://exports/nothing/here: no manifest-summary.json" in message
    data = put_export(bucket, "shop-damaged", [[json.dumps({"Item": item}) for item in ITEMS]])
    bucket.put_object(Bucket=BUCKET, Key=f"{data}/00000000.json.gz", Body=gzip.compress(b'{"Item":{}}\n'))
    code, report, _ = crawl("shop-damaged")
    assert code == 1
    reason = report["tables"][0]["reason"]
    assert reason.startswith(f"s3://exports/{data}/00000000.json.gz: the file is not the one that was exported")
    bucket.delete_object(Bucket=BUCKET, Key=f"{data}/00000000.json.gz")
    code, report, _ = crawl("shop-damaged")
    assert code == 1 and report["tables"][0]["reason"].endswith("is missing: the manifest lists it. Copy the whole export")
