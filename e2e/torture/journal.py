"""Writers that note, outside of the endpoint, what it acknowledged; and what has to be there after it was killed.

A writer owns what it writes, one write at a time. So at a kill each has at most one write of which nobody knows whether
it was done: both values are right, and what is found is the truth from then on."""

import http.client
import json
import time

from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError

from lab import ACCOUNT, REGION
from raw import Refused

GONE = None
LOST_CONNECTION = (OSError, http.client.HTTPException, HTTPClientError, BotoCoreError)


class Unknown(Exception):
    """The connection was lost before an answer came."""


class Writer:
    """`step` makes one write through `write`; `read` is what the endpoint has of this writer, by key."""

    def __init__(self, rng, number):
        self.rng, self.number = rng, number
        self.acknowledged, self.pending, self.writes = {}, None, 0
        self.value = 0

    def connect(self, server):
        raise NotImplementedError

    def next(self):
        self.value += 1
        return str(self.value)

    def write(self, key, value, call, *arguments, **members):
        self.pending = (key, value)
        try:
            call(*arguments, **members)
        except LOST_CONNECTION as error:
            raise Unknown(str(error)) from error
        self.pending = None
        self.writes += 1
        if value is GONE:
            self.acknowledged.pop(key, None)
        else:
            self.acknowledged[key] = value

    def lost(self):
        """A line for each key that is neither as acknowledged nor as the pending write would have it."""
        found, lines = self.read(), []
        for key in sorted(found.keys() | self.acknowledged.keys()):
            right = {self.acknowledged.get(key)} | (
                {self.pending[1]} if self.pending and self.pending[0] == key else set()
            )
            if found.get(key) not in right:
                lines.append(f"{type(self).__name__} {self.number}: {key} is {found.get(key)}, not {right}")
        self.acknowledged, self.pending = found, None
        return lines


class Tables(Writer):
    """Catalog tables made, changed and dropped, over boto3 or raw HTTP in turn."""

    def connect(self, server):
        if self.number % 2:
            self.glue = server.client("glue")
        else:
            raw = server.raw()
            self.glue = type(
                "Glue",
                (),
                {
                    name: staticmethod(lambda operation=operation, **members: raw.glue(operation, **members))
                    for name, operation in [
                        ("create_table", "CreateTable"),
                        ("update_table", "UpdateTable"),
                        ("delete_table", "DeleteTable"),
                    ]
                },
            )
        self.raw = server.raw()

    def step(self):
        key = f"w{self.number}_{self.rng.randrange(12)}"
        place = {"DatabaseName": "torture"}
        if key in self.acknowledged and self.rng.random() < 0.15:
            return self.write(key, GONE, self.glue.delete_table, **place, Name=key)
        value = self.next()
        call = self.glue.update_table if key in self.acknowledged else self.glue.create_table
        columns = [{"Name": f"c{column}", "Type": "string"} for column in range(self.rng.randrange(1, 30))]
        table = {"Name": key, "Parameters": {"value": value}, "StorageDescriptor": {"Columns": columns}}
        self.write(key, value, call, **place, TableInput=table)

    def read(self):
        mine = f"w{self.number}_"
        tables = self.raw.pages("glue", "GetTables", "TableList", DatabaseName="torture")
        return {table["Name"]: table["Parameters"]["value"] for table in tables if table["Name"].startswith(mine)}


class Tags(Writer):
    """Tags of a registry of its own, several in one write: all of them or none."""

    def connect(self, server):
        self.raw = server.raw()
        self.arn = f"arn:aws:glue:{REGION}:{ACCOUNT}:registry/tags{self.number}"

    def step(self):
        if not self.acknowledged:
            return self.write(
                "both",
                "0",
                self.raw.glue,
                "CreateRegistry",
                RegistryName=f"tags{self.number}",
                Tags={"a": "0", "b": "0"},
            )
        value = self.next()
        self.write(
            "both", value, self.raw.glue, "TagResource", ResourceArn=self.arn, TagsToAdd={"a": value, "b": value}
        )

    def read(self):
        try:
            tags = self.raw.glue("GetTags", ResourceArn=self.arn)["Tags"]
        except Refused as refused:
            if refused.code != "EntityNotFoundException":
                raise
            return {}
        return {"both": tags["a"] if tags["a"] == tags["b"] else f"torn: {tags}"}


class Versions(Writer):
    """Versions of a schema of its own."""

    def connect(self, server):
        self.raw = server.raw()
        self.schema = {"RegistryName": "torture", "SchemaName": f"schema{self.number}"}

    def step(self):
        value = self.next()
        definition = json.dumps({"type": "record", "name": "r", "doc": value, "fields": []})
        if self.acknowledged:
            return self.write(
                value, value, self.raw.glue, "RegisterSchemaVersion", SchemaId=self.schema, SchemaDefinition=definition
            )
        self.write(
            value,
            value,
            self.raw.glue,
            "CreateSchema",
            RegistryId={"RegistryName": "torture"},
            SchemaName=self.schema["SchemaName"],
            DataFormat="AVRO",
            Compatibility="NONE",
            SchemaDefinition=definition,
        )

    def read(self):
        found = {}
        try:
            listed = list(self.raw.pages("glue", "ListSchemaVersions", "Schemas", SchemaId=self.schema))
        except Refused as refused:
            if refused.code != "EntityNotFoundException":
                raise
            return {}
        for version in listed:
            deadline = time.monotonic() + 20
            while (got := self.raw.glue("GetSchemaVersion", SchemaVersionId=version["SchemaVersionId"]))[
                "Status"
            ] == "PENDING":
                if time.monotonic() > deadline:
                    raise AssertionError(f"a schema version stays PENDING: {version}")
                time.sleep(0.02)
            doc = json.loads(got["SchemaDefinition"])["doc"]
            found[doc] = doc if got["Status"] == "AVAILABLE" else got["Status"]
        return found


class Roles(Writer):
    """Roles, their tags and policies, over boto3."""

    TRUST = json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": [
                {"Effect": "Allow", "Principal": {"Service": "glue.amazonaws.com"}, "Action": "sts:AssumeRole"}
            ],
        }
    )

    def connect(self, server):
        self.iam = server.client("iam")

    def policy(self, value):
        return json.dumps(
            {
                "Version": "2012-10-17",
                "Statement": [{"Sid": f"v{value}", "Effect": "Allow", "Action": "glue:GetTable", "Resource": "*"}],
            }
        )

    def step(self):
        name = f"w{self.number}_{self.rng.randrange(4)}"
        policy, value = f"{name}/policy", self.next()
        if name not in self.acknowledged:
            return self.write(
                name,
                value,
                self.iam.create_role,
                RoleName=name,
                Description=value,
                AssumeRolePolicyDocument=self.TRUST,
                Path="/torture/",
                Tags=[{"Key": "k", "Value": value}],
            )
        if policy in self.acknowledged and self.rng.random() < 0.1:
            self.write(policy, GONE, self.iam.delete_role_policy, RoleName=name, PolicyName="p")
            return self.write(name, GONE, self.iam.delete_role, RoleName=name)
        if self.rng.random() < 0.5:
            return self.write(name, value, self.iam.update_role, RoleName=name, Description=value)
        self.write(
            policy, value, self.iam.put_role_policy, RoleName=name, PolicyName="p", PolicyDocument=self.policy(value)
        )

    def read(self):
        found, mine = {}, f"w{self.number}_"
        for role in self.iam.get_paginator("list_roles").paginate(PathPrefix="/torture/").search("Roles[]"):
            name = role["RoleName"]
            if name.startswith(mine):
                # A list shows no tags and, of a role, the description that it has now.
                found[name] = role["Description"]
                try:
                    document = self.iam.get_role_policy(RoleName=name, PolicyName="p")["PolicyDocument"]
                    found[f"{name}/policy"] = document["Statement"][0]["Sid"].removeprefix("v")
                except ClientError as error:
                    if error.response["Error"]["Code"] != "NoSuchEntity":
                        raise
        return found


class Crawls(Writer):
    """Nothing to remember: starts crawls, of which none may stay RUNNING after the process that read is gone."""

    def connect(self, server):
        self.raw = server.raw()

    def step(self):
        name = self.rng.choice(["OnlineShop", "ProductCatalog", "treasury_ledger"])
        try:
            self.write(name, GONE, self.raw.glue, "StartCrawler", Name=f"{name}_crawler")
        except Refused as refused:
            if refused.code != "CrawlerRunningException":
                raise
        time.sleep(0.05)

    def read(self):
        deadline = time.monotonic() + 20
        while True:
            crawlers = self.raw.pages("glue", "GetCrawlers", "Crawlers")
            busy = [crawler["Name"] for crawler in crawlers if crawler["State"] != "READY"]
            if not busy:
                return {}
            if time.monotonic() > deadline:
                return dict.fromkeys(busy, "RUNNING")
            time.sleep(0.05)
