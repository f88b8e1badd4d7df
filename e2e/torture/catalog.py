"""All that a run leaves in the endpoint, in a form that is equal for two runs that came to the same."""

import json

from lab import DATABASE

# What tells when or how often something was made, and by which id.
PASSING = {
    "CreateTime",
    "UpdateTime",
    "LastAccessTime",
    "LastUpdated",
    "CreationTime",
    "LastAnalyzedTime",
    "VersionId",
    "Version",
    "SchemaVersionId",
    "schemaVersionId",
    "CreateDate",
    "RoleId",
    "CrawlElapsedTime",
    "LastCrawl",
    "DEPRECATED_BY_CRAWLER",
}


def steady(value):
    """`value` with ids and times blotted out, at any depth: that they are there is compared too."""
    if isinstance(value, dict):
        return {key: "…" if key in PASSING else steady(inner) for key, inner in value.items()}
    return [steady(inner) for inner in value] if isinstance(value, list) else value


def snapshot(server):
    raw, iam = server.raw(), server.client("iam")
    schemas = {}
    for schema in raw.pages("glue", "ListSchemas", "Schemas"):
        asked = {"RegistryName": schema["RegistryName"], "SchemaName": schema["SchemaName"]}
        versions = sorted(
            (version["VersionNumber"], version["Status"], version["SchemaVersionId"])
            for version in raw.pages("glue", "ListSchemaVersions", "Schemas", SchemaId=asked)
        )
        schemas[schema["SchemaName"]] = [
            (number, status, json.loads(raw.glue("GetSchemaVersion", SchemaVersionId=version)["SchemaDefinition"]))
            for number, status, version in versions
        ]
    roles = {}
    for role in iam.get_paginator("list_roles").paginate().search("Roles[]"):
        name = role["RoleName"]
        policies = {
            policy: iam.get_role_policy(RoleName=name, PolicyName=policy)["PolicyDocument"]
            for policy in iam.list_role_policies(RoleName=name)["PolicyNames"]
        }
        tags = {tag["Key"]: tag["Value"] for tag in iam.list_role_tags(RoleName=name)["Tags"]}
        roles[name] = steady(role) | {"policies": policies, "tags": tags}
    return {
        "database": steady(raw.glue("GetDatabase", Name=DATABASE)["Database"]),
        "tables": {
            table["Name"]: steady(table) for table in raw.pages("glue", "GetTables", "TableList", DatabaseName=DATABASE)
        },
        "schemas": schemas,
        "crawlers": {crawler["Name"]: steady(crawler) for crawler in raw.pages("glue", "GetCrawlers", "Crawlers")},
        "roles": roles,
    }


def differences(expected, found, place=""):
    """Where two snapshots differ, a line each."""
    if isinstance(expected, dict) and isinstance(found, dict):
        for key in sorted(expected.keys() | found.keys()):
            if key not in found or key not in expected:
                yield f"{place}/{key} is {'missing' if key not in found else 'too much'}"
            else:
                yield from differences(expected[key], found[key], f"{place}/{key}")
    elif expected != found:
        yield f"{place}: {str(found)[:200]}, not {str(expected)[:200]}"


def of(lab, tables, state):
    """The catalog in a state folder."""
    with lab.serve(state, "--tables", tables) as server:
        return snapshot(server)
