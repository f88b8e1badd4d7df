"""What went over the wire in all checks before, against the service models: this file runs last.

Alone it checks what its own runs send and get, which is every operation that the program uses.
"""

import copy
import json
import re

import pytest
from conftest import DATABASE, REPOSITORY, SAMPLES, WIRE_LOG, serving

import wire

# Operations that the program uses and the endpoint does not serve: nothing of them is in the log.
NOT_SERVED = {
    "DynamoDB.DescribeExport": "exports are made by AWS alone",
    "DynamoDB.ExportTableToPointInTime": "exports are made by AWS alone",
    # Only what an older release or another hand left behind makes the program call them.
    "Glue.ListSchemaVersions": "only where the newest schema version was refused, which the endpoint leaves out of `latest`",
    "IAM.AttachRolePolicy": "only with the setting managed_policies",
    "IAM.GetRole": "only where a role is there that was not listed",
    "IAM.PutRolePermissionsBoundary": "only with the setting permissions_boundary",
}


def operations_of_the_program():
    """Those that its errors name: every call that it makes has one."""
    sources = [path for crate in ("crawl", "sync") for path in (REPOSITORY / "crates" / crate / "src").rglob("*.rs")]
    text = "".join(path.read_text() for path in sources)
    services = {"glue": "Glue", "dynamodb": "DynamoDB", "iam": "IAM", "sts": "STS"}
    called = re.findall(r'Error::aws\(\s*"(\w+):(\w+)"', text)
    return {f"{services[service]}.{name}" for service, name in called if service in services}


@pytest.fixture(scope="module")
def driven(binary, program, tmp_path_factory):
    """Runs that use all of the program's operations."""
    tables = tmp_path_factory.mktemp("tables")
    for path in SAMPLES.iterdir():
        (tables / path.name).write_bytes(path.read_bytes())
    with serving(binary, tmp_path_factory.mktemp("wire"), "--tables", tables) as endpoint:
        for arguments in (["sync", "--wait"], ["sync", "--wait"], ["sync", "--dry-run"], ["doctor"], ["crawl"]):
            program.run(*arguments, endpoint=endpoint)
        iam, glue = endpoint.client("iam"), endpoint.client("glue")
        # Drift, which is repaired: of a role's policy, of its trust, of a crawler, of the database. Not of the first
        # table: that one goes.
        roles = iam.list_roles(PathPrefix="/glue-ddb-crawler/")["Roles"]
        iam.update_role(RoleName=roles[-1]["RoleName"], Description="drifted")
        trust = copy.deepcopy(roles[-2]["AssumeRolePolicyDocument"])
        trust["Statement"][0].pop("Condition", None)
        iam.update_assume_role_policy(RoleName=roles[-2]["RoleName"], PolicyDocument=json.dumps(trust))
        iam.update_role(RoleName=roles[-2]["RoleName"], Description="drifted")
        glue.update_crawler(Name=sorted(glue.list_crawlers()["CrawlerNames"])[-1], TablePrefix="x")
        known = glue.get_database(Name=DATABASE)["Database"]
        kept = {name: known[name] for name in ("Name", "Description", "Parameters") if name in known}
        glue.update_database(Name=DATABASE, DatabaseInput=kept)
        # A table that is gone, and one that got another attribute.
        gone = sorted(tables.glob("*.json"))[0]
        for path in tables.glob(f"{gone.stem}.json*"):
            path.unlink()
        wider = sorted(tables.glob("*.jsonl"))[-1]
        item = json.loads(wider.read_text().splitlines()[0])
        with wider.open("a") as lines:
            lines.write("\n" + json.dumps(item.get("Item", item) | {"wider": {"BOOL": True}}) + "\n")
        program.run("sync", "--wait", endpoint=endpoint)
        program.run("prune", "--all", "--yes", endpoint=endpoint)


def test_the_checker_finds_planted_faults():
    def faults(service, operation, request, status=200, response=None, agent="aws-sdk-rust/1"):
        record = {"service": service, "operation": operation, "agent": agent, "query": None, "status": status}
        record |= {"request": request if isinstance(request, str) else json.dumps(request)}
        record |= {"response": response if isinstance(response, str) else json.dumps(response or {})}
        return [fault.split(" ", 1)[1] for fault in wire.check([json.dumps(record)]).faults]

    get_table = {"DatabaseName": "d", "Name": "t"}
    assert faults("Glue", "GetTable", get_table, response={"Table": {"Name": "t"}}) == []
    assert faults("Glue", "GetTable", {"Name": "t"}) == ["request: the body lacks DatabaseName"]
    assert faults("Glue", "GetTable", get_table | {"Nmae": "x"}) == ["request: the body has the unknown member Nmae"]
    assert faults("Glue", "GetTable", get_table | {"Name": ""}) == ["request: .Name is below 1"]
    assert faults("Glue", "GetTable", get_table | {"Name": 7}) == ["request: .Name is int, not string"]
    assert faults("Glue", "GetTable", get_table | {"Name": "a\nb"})[0].startswith("request: .Name does not match")
    assert faults("Glue", "GetTables", {"DatabaseName": "d", "MaxResults": 101}) == ["request: .MaxResults is above 100"]
    assert faults("Glue", "GetTable", get_table, response={"Table": {}}) == ["answer: .Table lacks Name"]
    answer = {"Table": {"Name": "t", "UpdateTime": "today", "Retention": None}}
    assert faults("Glue", "GetTable", get_table, response=answer) == [
        "answer: .Table.UpdateTime is str, not timestamp",
        "answer: .Table has null as Retention",
    ]
    assert faults("Glue", "GetCrawler", {"Name": "c"}, response={"Crawler": {"State": "TIRED"}}) == [
        "answer: .Crawler.State is 'TIRED', not one of the enum"
    ]
    assert faults("Glue", "GetTable", get_table, 400, {"__type": "NoSuchEntity"}) == [
        "answer: the model has no error NoSuchEntity"
    ]
    assert faults("Glue", "GetTable", get_table, 400, {"__type": "EntityNotFoundException"}) == []
    assert faults("Glue", "GetTabel", get_table) == ["request: the service has no such operation"]
    # Of other clients only what they are answered is looked at.
    assert faults("Glue", "GetTable", {}, agent="Boto3/1") == []

    role = "<Role><Path>/</Path><RoleName>r</RoleName><RoleId>AROA23456789012345678</RoleId><Arn>arn:aws:iam::1:role/r</Arn>"
    role += "<CreateDate>2026-01-02T03:04:05Z</CreateDate></Role>"

    def got(result, wrapper="GetRoleResult"):
        namespace = "https://iam.amazonaws.com/doc/2010-05-08/"
        metadata = "<ResponseMetadata><RequestId>x</RequestId></ResponseMetadata>"
        return f'<GetRoleResponse xmlns="{namespace}"><{wrapper}>{result}</{wrapper}>{metadata}</GetRoleResponse>'

    get_role = "Action=GetRole&Version=2010-05-08&RoleName=r"
    assert faults("IAM", "GetRole", get_role, response=got(role)) == []
    assert faults("IAM", "GetRole", f"{get_role}&Rolename=r", response=got(role)) == ["request: unknown parameter Rolename"]
    assert faults("IAM", "GetRole", get_role.replace("2010", "2011"), response=got(role)) == [
        "request: Version is 2011-05-08"
    ]
    assert faults("IAM", "GetRole", get_role, response=got(role, "GetRolesResult")) == [
        "answer: expected one GetRoleResult, found ['GetRolesResult']"
    ]
    assert faults("IAM", "GetRole", get_role, response=got(role.replace("RoleId", "RoleID"))) == [
        "answer: unknown element .Role.RoleID",
        "answer: .Role lacks RoleId",
    ]
    assert faults("IAM", "GetRole", get_role, response=got(role.replace("T03", " 03"))) == [
        "answer: .Role.CreateDate is str, not timestamp"
    ]


def test_every_request_and_answer_is_one_of_the_service_models(driven):
    with open(WIRE_LOG) as log:
        checked = wire.check(log)
    print(checked)
    assert not checked.faults, str(checked)
    operations = operations_of_the_program()
    assert operations, "the program's sources are elsewhere"
    unseen = operations - checked.requests.keys()
    assert unseen == NOT_SERVED.keys() - checked.requests.keys(), f"no request of {sorted(unseen - NOT_SERVED.keys())}"
