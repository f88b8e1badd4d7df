"""The function under another Runtime API: that of cargo-lambda's emulator, which knows neither deadlines nor ARNs."""

import json
import socket
import urllib.request

import pytest

from conftest import REPOSITORY, SAMPLE_NAMES, SAMPLES, client_environment, running, serving, wait_for
from stack import BUILDER, TOOLS, free_port


@pytest.fixture(scope="module")
def invoke(binary, built, tmp_path_factory):
    directory = tmp_path_factory.mktemp("emulator")
    port = free_port()
    emulator = [TOOLS / "sam" / "bin" / "cargo-lambda", "lambda", "watch", "--only-lambda-apis"]
    emulator += ["--invoke-address", "127.0.0.1", "--invoke-port", str(port)]
    with (
        serving(binary, directory, "--tables", SAMPLES) as endpoint,
        running(emulator, directory / "emulator.log", BUILDER, cwd=REPOSITORY / "crates" / "lambda"),
    ):
        wait_for(lambda: listens(port), 30)
        environment = client_environment(endpoint.url) | {
            "AWS_LAMBDA_RUNTIME_API": f"http://127.0.0.1:{port}/.rt",
            "AWS_LAMBDA_FUNCTION_NAME": "_",
            "AWS_LAMBDA_FUNCTION_VERSION": "1",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256",
        }
        with running([built / "Function" / "bootstrap"], directory / "function.log", environment):

            def call(payload):
                path = f"http://127.0.0.1:{port}/2015-03-31/functions/_/invocations"
                request = urllib.request.Request(path, json.dumps(payload).encode(), method="POST")
                with urllib.request.urlopen(request, timeout=30) as answer:
                    return json.load(answer)

            yield call


def listens(port):
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


def test_a_run_is_not_cut_short_by_a_deadline_that_means_nothing(invoke):
    report = invoke({"wait": True})
    assert sorted(line["table"] for line in report["tables"]) == SAMPLE_NAMES
    assert {line["outcome"] for line in report["tables"]} == {"crawled"}
    assert report["summary"]["linked"] == len(SAMPLE_NAMES)


def test_one_process_serves_one_invocation_after_the_other(invoke):
    first, second = invoke({"dry_run": True}), invoke({"dry_run": True})
    assert first["calls"] == second["calls"]
