//! The Schema Registry, and tables linked to it.

use super::*;

fn avro(fields: &[(&str, &str)]) -> String {
    let field = |(name, kind): &(&str, &str)| json!({"name": name, "type": ["null", kind], "default": null});
    json!({"type": "record", "name": "r", "fields": fields.iter().map(field).collect::<Vec<_>>()}).to_string()
}

fn id() -> Value {
    json!({"SchemaName": "s", "RegistryName": "default-registry"})
}

/// A registry with the schema `s`, whose first version has the field `a`.
fn with_schema(compatibility: &str) -> (Glue, Value) {
    let glue = Glue::with_database();
    let created = glue.call(
        "CreateSchema",
        json!({"SchemaName": "s", "DataFormat": "AVRO", "Compatibility": compatibility,
               "SchemaDefinition": avro(&[("a", "long")])}),
    );
    (glue, created)
}

fn register(glue: &Glue, definition: &str) -> Value {
    glue.call("RegisterSchemaVersion", json!({"SchemaId": id(), "SchemaDefinition": definition}))
}

fn status(glue: &Glue, version: &Value) -> String {
    let found = glue.call("GetSchemaVersion", json!({"SchemaVersionId": version["SchemaVersionId"]}));
    found["Status"].as_str().unwrap().to_owned()
}

#[test]
fn registries_come_and_go() {
    let glue = Glue::new();
    let created = glue.call("CreateRegistry", json!({"RegistryName": "r", "Description": "d", "Tags": {"k": "v"}}));
    insta::assert_json_snapshot!(created, @r#"
    {
      "Description": "d",
      "RegistryArn": "arn:aws:glue:eu-west-1:123456789012:registry/r",
      "RegistryName": "r",
      "Tags": {
        "k": "v"
      }
    }
    "#);
    assert_eq!(glue.code("CreateRegistry", json!({"RegistryName": "r"})), "AlreadyExistsException");
    assert_eq!(glue.code("CreateRegistry", json!({"RegistryName": "a b"})), "ValidationException");
    let by_arn = json!({"RegistryId": {"RegistryArn": created["RegistryArn"]}});
    glue.call("UpdateRegistry", json!({"RegistryId": {"RegistryName": "r"}, "Description": "new"}));
    insta::assert_json_snapshot!(glue.call("GetRegistry", by_arn.clone()), @r#"
    {
      "CreatedTime": "2025-06-15T15:06:40Z",
      "Description": "new",
      "RegistryArn": "arn:aws:glue:eu-west-1:123456789012:registry/r",
      "RegistryName": "r",
      "Status": "AVAILABLE",
      "UpdatedTime": "2025-06-15T15:06:40Z"
    }
    "#);
    glue.call("CreateRegistry", json!({"RegistryName": "q"}));
    let all = glue.pages("ListRegistries", json!({}), "Registries", 1);
    assert_eq!(names(&all, "RegistryName"), ["q", "r"]);
    assert_eq!(glue.call("DeleteRegistry", by_arn.clone())["Status"], "DELETING");
    assert_eq!(glue.code("GetRegistry", by_arn), "EntityNotFoundException");
    assert_eq!(glue.code("GetRegistry", json!({"RegistryId": {}})), "InvalidInputException");
}

#[test]
fn a_hundred_registries_are_the_most() {
    let glue = Glue::new();
    for n in 0..100 {
        glue.call("CreateRegistry", json!({"RegistryName": format!("r{n}")}));
    }
    assert_eq!(glue.code("CreateRegistry", json!({"RegistryName": "more"})), "ResourceNumberLimitExceededException");
}

#[test]
fn a_schema_makes_the_default_registry_and_its_first_version_is_the_checkpoint() {
    let (glue, mut created) = with_schema("BACKWARD");
    let version = created["SchemaVersionId"].take();
    assert_eq!(version.as_str().unwrap().len(), 36);
    insta::assert_json_snapshot!(created, @r#"
    {
      "Compatibility": "BACKWARD",
      "DataFormat": "AVRO",
      "Description": "",
      "LatestSchemaVersion": 1,
      "NextSchemaVersion": 2,
      "RegistryArn": "arn:aws:glue:eu-west-1:123456789012:registry/default-registry",
      "RegistryName": "default-registry",
      "SchemaArn": "arn:aws:glue:eu-west-1:123456789012:schema/default-registry/s",
      "SchemaCheckpoint": 1,
      "SchemaName": "s",
      "SchemaStatus": "AVAILABLE",
      "SchemaVersionId": null,
      "SchemaVersionStatus": "AVAILABLE",
      "Tags": {}
    }
    "#);
    let again = json!({"SchemaName": "s", "DataFormat": "AVRO", "SchemaDefinition": avro(&[("b", "long")])});
    assert_eq!(glue.code("CreateSchema", again), "AlreadyExistsException");
    assert_eq!(glue.call("GetSchema", json!({"SchemaId": id()}))["NextSchemaVersion"], 2, "and no version was added");
}

#[test]
fn schemas_are_checked_before_they_are_kept() {
    let glue = Glue::new();
    let refused = |body: Value| glue.code("CreateSchema", body);
    let definition = avro(&[("a", "long")]);
    for (what, body) in [
        ("no format", json!({"SchemaName": "s", "SchemaDefinition": definition})),
        ("broken", json!({"SchemaName": "s", "DataFormat": "AVRO", "SchemaDefinition": "{"})),
        ("protobuf", json!({"SchemaName": "s", "DataFormat": "PROTOBUF", "SchemaDefinition": "message M {}"})),
        ("json with checks", json!({"SchemaName": "s", "DataFormat": "JSON", "Compatibility": "BACKWARD"})),
    ] {
        assert_eq!(refused(body), "InvalidInputException", "{what}");
    }
    assert_eq!(refused(json!({"SchemaName": "a b", "DataFormat": "AVRO"})), "ValidationException");
    assert_eq!(refused(json!({"SchemaName": "s", "DataFormat": "XML"})), "ValidationException");
    let long = json!({"SchemaName": "s", "DataFormat": "AVRO", "SchemaDefinition": " ".repeat(170_001)});
    assert_eq!(refused(long), "ValidationException");
    let nowhere = json!({"SchemaName": "s", "DataFormat": "AVRO", "RegistryId": {"RegistryName": "no"}});
    assert_eq!(refused(nowhere), "EntityNotFoundException");
    assert_eq!(glue.call("ListSchemas", json!({}))["Schemas"], json!([]), "nothing was kept");
    glue.call(
        "CreateSchema",
        json!({"SchemaName": "j", "DataFormat": "JSON", "SchemaDefinition": r#"{"type":"object"}"#}),
    );
}

#[test]
fn a_version_is_pending_until_someone_asks() {
    let (glue, _) = with_schema("BACKWARD");
    let second = register(&glue, &avro(&[("a", "long"), ("b", "string")]));
    assert_eq!((&second["Status"], &second["VersionNumber"]), (&json!("PENDING"), &json!(2)));
    assert_eq!(status(&glue, &second), "AVAILABLE");
    let schema = glue.call("GetSchema", json!({"SchemaId": id()}));
    assert_eq!((&schema["LatestSchemaVersion"], &schema["NextSchemaVersion"]), (&json!(2), &json!(3)));
}

#[test]
fn an_incompatible_version_fails_and_is_never_the_latest() {
    let (glue, first) = with_schema("BACKWARD");
    let second = register(&glue, &avro(&[("a", "string")]));
    assert_eq!(second["Status"], "PENDING");
    assert_eq!(status(&glue, &second), "FAILURE");
    let latest = json!({"SchemaId": id(), "SchemaVersionNumber": {"LatestVersion": true}});
    assert_eq!(glue.call("GetSchemaVersion", latest)["SchemaVersionId"], first["SchemaVersionId"]);
    // It is tried again, as a version of its own, after the mode has changed.
    let number = json!({"VersionNumber": 1});
    glue.call("UpdateSchema", json!({"SchemaId": id(), "SchemaVersionNumber": number, "Compatibility": "NONE"}));
    let third = register(&glue, &avro(&[("a", "string")]));
    assert_ne!(third["SchemaVersionId"], second["SchemaVersionId"]);
    assert_eq!(status(&glue, &third), "AVAILABLE");
}

#[test]
fn the_same_definition_is_the_same_version() {
    let (glue, first) = with_schema("BACKWARD");
    let spaced = serde_json::from_str::<Value>(&avro(&[("a", "long")])).unwrap();
    let again = register(&glue, &serde_json::to_string_pretty(&spaced).unwrap());
    assert_eq!(again["SchemaVersionId"], first["SchemaVersionId"]);
    assert_eq!(again["Status"], "AVAILABLE");
    let found = glue.call("GetSchemaByDefinition", json!({"SchemaId": id(), "SchemaDefinition": spaced.to_string()}));
    assert_eq!(found["SchemaVersionId"], first["SchemaVersionId"]);
    let other = json!({"SchemaId": id(), "SchemaDefinition": avro(&[("b", "long")])});
    assert_eq!(glue.code("GetSchemaByDefinition", other), "EntityNotFoundException");
}

#[test]
fn versions_that_wait_are_compared_in_the_order_in_which_they_came() {
    let (glue, _) = with_schema("FULL_ALL");
    let second = register(&glue, &avro(&[("a", "long"), ("b", "long")]));
    let third = register(&glue, &avro(&[("a", "long"), ("b", "string")]));
    assert_eq!(status(&glue, &third), "FAILURE", "it clashes with the second, which was first");
    assert_eq!(status(&glue, &second), "AVAILABLE");
}

#[test]
fn the_checkpoint_frees_all_modes_from_the_versions_before_it() {
    let (glue, _) = with_schema("NONE");
    let second = register(&glue, &avro(&[("a", "string")]));
    assert_eq!(status(&glue, &second), "AVAILABLE");
    let without = json!({"SchemaId": id(), "Compatibility": "BACKWARD_ALL"});
    assert_eq!(glue.code("UpdateSchema", without), "InvalidInputException");
    let number = json!({"LatestVersion": true});
    glue.call(
        "UpdateSchema",
        json!({"SchemaId": id(), "SchemaVersionNumber": number, "Compatibility": "BACKWARD_ALL"}),
    );
    assert_eq!(glue.call("GetSchema", json!({"SchemaId": id()}))["SchemaCheckpoint"], 2);
    let third = register(&glue, &avro(&[("a", "string"), ("b", "long")]));
    assert_eq!(status(&glue, &third), "AVAILABLE", "version 1 has a as a number, but lies before the checkpoint");
}

#[test]
fn a_disabled_schema_takes_no_second_version() {
    let (glue, _) = with_schema("DISABLED");
    register(&glue, &avro(&[("a", "long")]));
    let body = json!({"SchemaId": id(), "SchemaDefinition": avro(&[("b", "long")])});
    let error = glue.refused("RegisterSchemaVersion", body);
    assert_eq!(error.code, "InvalidInputException");
    assert!(error.message.starts_with("Compatibility DISABLED does not allow versioning."), "{}", error.message);
}

#[test]
fn a_version_is_named_in_one_of_two_ways() {
    let (glue, first) = with_schema("NONE");
    let version = &first["SchemaVersionId"];
    let message = |body: Value| glue.refused("GetSchemaVersion", body).message;
    insta::assert_snapshot!(message(json!({"SchemaId": id()})), @"One of version number (or) latest version is required.");
    insta::assert_snapshot!(message(json!({"SchemaId": id(), "SchemaVersionNumber": {}})), @"One of version number (or) latest version is required.");
    insta::assert_snapshot!(message(json!({"SchemaId": id(), "SchemaVersionNumber": {"VersionNumber": 1, "LatestVersion": true}})), @"Only one of VersionNumber or LatestVersion is required.");
    insta::assert_snapshot!(message(json!({"SchemaId": id(), "SchemaVersionId": version})), @"No other input parameters can be specified when fetching by SchemaVersionId.");
    let missing =
        json!({"SchemaId": {"SchemaName": "no", "RegistryName": "r"}, "SchemaVersionNumber": {"VersionNumber": 1}});
    insta::assert_snapshot!(message(missing), @"Schema is not found. RegistryName: r, SchemaName: no, SchemaArn: arn:aws:glue:eu-west-1:123456789012:schema/r/no");
    let nine = json!({"SchemaId": id(), "SchemaVersionNumber": {"VersionNumber": 9}});
    assert_eq!(glue.code("GetSchemaVersion", nine), "EntityNotFoundException");
    assert_eq!(glue.code("GetSchema", json!({"SchemaId": {"SchemaName": "s"}})), "InvalidInputException");
    let by_arn = json!({"SchemaId": {"SchemaArn": first["SchemaArn"]}, "SchemaVersionNumber": {"VersionNumber": 1}});
    assert_eq!(glue.call("GetSchemaVersion", by_arn)["SchemaVersionId"], *version);
}

#[test]
fn validity_is_syntax_alone() {
    let glue = Glue::new();
    let check = |format: &str, definition: &str| {
        glue.call("CheckSchemaVersionValidity", json!({"DataFormat": format, "SchemaDefinition": definition}))
    };
    assert_eq!(check("AVRO", &avro(&[("a", "long")])), json!({"Valid": true}));
    let broken = check("AVRO", r#"{"type":"record"}"#);
    assert_eq!(broken["Valid"], false);
    assert!(!broken["Error"].as_str().unwrap().is_empty());
    assert_eq!(check("JSON", r#"{"type":"number"}"#), json!({"Valid": true}));
}

#[test]
fn versions_are_listed_newest_first_compared_and_deleted() {
    let (glue, _) = with_schema("NONE");
    for n in 2..=5 {
        register(&glue, &avro(&[(&format!("a{n}"), "long")]));
    }
    let versions = glue.pages("ListSchemaVersions", json!({"SchemaId": id()}), "Schemas", 2);
    assert_eq!(versions.iter().map(|v| v["VersionNumber"].as_i64().unwrap()).collect::<Vec<_>>(), [5, 4, 3, 2, 1]);
    assert!(versions.iter().all(|version| version["Status"] == "AVAILABLE"));

    let diff = glue.call(
        "GetSchemaVersionsDiff",
        json!({"SchemaId": id(), "SchemaDiffType": "SYNTAX_DIFF",
               "FirstSchemaVersionNumber": {"VersionNumber": 1}, "SecondSchemaVersionNumber": {"VersionNumber": 2}}),
    );
    let diff = diff["Diff"].as_str().unwrap();
    assert!(diff.contains("-      \"name\": \"a\",") && diff.contains("+      \"name\": \"a2\","), "{diff}");

    let deleted = glue.call("DeleteSchemaVersions", json!({"SchemaId": id(), "Versions": "1-3"}));
    assert_eq!(deleted["SchemaVersionErrors"].as_array().unwrap().len(), 1, "the first version stays: {deleted}");
    assert_eq!(deleted["SchemaVersionErrors"][0]["VersionNumber"], 1);
    glue.call("DeleteSchemaVersions", json!({"SchemaId": id(), "Versions": "5"}));
    let schema = glue.call("GetSchema", json!({"SchemaId": id()}));
    assert_eq!((&schema["LatestSchemaVersion"], &schema["NextSchemaVersion"]), (&json!(4), &json!(6)));
    for broken in ["", "0", "a", "1-", "1-2-3"] {
        let body = json!({"SchemaId": id(), "Versions": broken});
        assert_eq!(glue.code("DeleteSchemaVersions", body), "InvalidInputException", "{broken:?}");
    }
}

#[test]
fn schemas_are_listed_by_registry_and_deleted_with_their_versions() {
    let (glue, first) = with_schema("NONE");
    glue.call("CreateRegistry", json!({"RegistryName": "r"}));
    for name in ["x", "y"] {
        glue.call(
            "CreateSchema",
            json!({"SchemaName": name, "RegistryId": {"RegistryName": "r"}, "DataFormat": "AVRO"}),
        );
    }
    let all = glue.pages("ListSchemas", json!({}), "Schemas", 1);
    assert_eq!(names(&all, "SchemaName"), ["s", "x", "y"]);
    let of_r = glue.call("ListSchemas", json!({"RegistryId": {"RegistryName": "r"}}));
    assert_eq!(names(of_r["Schemas"].as_array().unwrap(), "SchemaName"), ["x", "y"]);
    assert_eq!(glue.call("DeleteSchema", json!({"SchemaId": id()}))["Status"], "DELETING");
    let version = json!({"SchemaVersionId": first["SchemaVersionId"]});
    assert_eq!(glue.code("GetSchemaVersion", version), "EntityNotFoundException");
}

#[test]
fn metadata_keeps_ten_pairs_and_the_newest_value_first() {
    let (mut glue, first) = with_schema("NONE");
    let body = |key: &str, value: &str| {
        json!({"SchemaVersionId": first["SchemaVersionId"],
               "MetadataKeyValue": {"MetadataKey": key, "MetadataValue": value}})
    };
    let put = glue.call("PutSchemaVersionMetadata", body("team", "a"));
    assert_eq!((&put["SchemaName"], &put["LatestVersion"]), (&json!("s"), &json!(true)));
    assert_eq!(glue.code("PutSchemaVersionMetadata", body("team", "a")), "AlreadyExistsException");
    glue.context.now += 1_000;
    glue.call("PutSchemaVersionMetadata", body("team", "b"));
    let version = json!({"SchemaVersionId": first["SchemaVersionId"]});
    let found = glue.call("QuerySchemaVersionMetadata", version.clone());
    insta::assert_json_snapshot!(found["MetadataInfoMap"], @r#"
    {
      "team": {
        "CreatedTime": "2025-06-15T15:06:41Z",
        "MetadataValue": "b",
        "OtherMetadataValueList": [
          {
            "CreatedTime": "2025-06-15T15:06:40Z",
            "MetadataValue": "a"
          }
        ]
      }
    }
    "#);
    glue.call("RemoveSchemaVersionMetadata", body("team", "a"));
    assert_eq!(glue.code("RemoveSchemaVersionMetadata", body("team", "a")), "EntityNotFoundException");
    for n in 0..9 {
        glue.call("PutSchemaVersionMetadata", body(&format!("k{n}"), "v"));
    }
    assert_eq!(glue.code("PutSchemaVersionMetadata", body("more", "v")), "ResourceNumberLimitExceededException");
    let mut one = version;
    one["MetadataList"] = json!([{"MetadataKey": "k3"}]);
    let one = glue.call("QuerySchemaVersionMetadata", one);
    assert_eq!(one["MetadataInfoMap"].as_object().unwrap().keys().collect::<Vec<_>>(), ["k3"]);
}

fn linked(reference: Value) -> Value {
    json!({"DatabaseName": "db", "TableInput": {"Name": "t", "StorageDescriptor": {"SchemaReference": reference}}})
}

#[test]
fn a_linked_table_has_the_columns_of_its_schema() {
    let (glue, first) = with_schema("BACKWARD");
    let reference = json!({"SchemaVersionId": first["SchemaVersionId"]});
    glue.call("CreateTable", linked(reference.clone()));
    let table = glue.call("GetTable", json!({"DatabaseName": "db", "Name": "t"}));
    let descriptor = &table["Table"]["StorageDescriptor"];
    assert_eq!(descriptor["SchemaReference"], reference);
    assert_eq!(descriptor["Columns"], json!([{"Name": "a", "Type": "bigint"}]));

    // It stays with its version until it is linked to another.
    let second = register(&glue, &avro(&[("a", "long"), ("b", "string")]));
    assert_eq!(status(&glue, &second), "AVAILABLE");
    let columns = |glue: &Glue| {
        let tables = glue.call("GetTables", json!({"DatabaseName": "db"}));
        names(tables["TableList"][0]["StorageDescriptor"]["Columns"].as_array().unwrap(), "Name")
    };
    assert_eq!(columns(&glue), ["a"]);
    glue.call("UpdateTable", linked(json!({"SchemaId": id(), "SchemaVersionNumber": 2})));
    assert_eq!(columns(&glue), ["a", "b"]);

    glue.call("DeleteSchema", json!({"SchemaId": id()}));
    assert_eq!(columns(&glue), [""; 0], "the schema is gone, and the columns with it");
}

#[test]
fn a_reference_is_whole_and_to_a_usable_version() {
    let (glue, first) = with_schema("BACKWARD");
    let refused = |reference: Value| glue.refused("CreateTable", linked(reference));
    insta::assert_snapshot!(refused(json!({"SchemaId": id()})), @"InvalidInputException: One of version number (or) latest version is required.");
    let both = json!({"SchemaVersionId": first["SchemaVersionId"], "SchemaId": id(), "SchemaVersionNumber": 1});
    insta::assert_snapshot!(refused(both), @"InvalidInputException: No other input parameters can be specified when fetching by SchemaVersionId.");
    assert_eq!(refused(json!({"SchemaVersionNumber": 1})).code, "InvalidInputException");
    assert_eq!(refused(json!({"SchemaId": id(), "SchemaVersionNumber": 7})).code, "EntityNotFoundException");
    let unknown = "00000000-0000-4000-8000-000000000000";
    assert_eq!(refused(json!({"SchemaVersionId": unknown})).code, "EntityNotFoundException");
    let failed = register(&glue, &avro(&[("a", "string")]));
    let error = refused(json!({"SchemaVersionId": failed["SchemaVersionId"]}));
    assert_eq!(error.code, "InvalidInputException");
    assert!(error.message.contains("FAILURE"), "{}", error.message);
    let json_schema = json!({"SchemaName": "j", "DataFormat": "JSON", "SchemaDefinition": "{}"});
    let version = glue.call("CreateSchema", json_schema);
    assert_eq!(refused(json!({"SchemaVersionId": version["SchemaVersionId"]})).code, "InvalidInputException");
}

#[test]
fn schemas_and_registries_carry_tags() {
    let glue = Glue::new();
    glue.call("CreateRegistry", json!({"RegistryName": "r", "Tags": {"k": "registry"}}));
    let id = json!({"RegistryName": "r"});
    let schema = json!({"SchemaName": "s", "DataFormat": "AVRO", "RegistryId": id, "Tags": {"k": "schema"}});
    let schema = glue.call("CreateSchema", schema);
    let tags = |arn: &Value| glue.call("GetTags", json!({"ResourceArn": arn}))["Tags"]["k"].clone();
    assert_eq!(tags(&schema["RegistryArn"]), "registry");
    assert_eq!(tags(&schema["SchemaArn"]), "schema");
    glue.call("DeleteRegistry", json!({"RegistryId": id}));
    assert_eq!(glue.code("GetTags", json!({"ResourceArn": schema["SchemaArn"]})), "EntityNotFoundException");
    assert_eq!(
        glue.code("GetTags", json!({"ResourceArn": "arn:aws:glue:eu-west-1:123456789012:job/j"})),
        "EntityNotFoundException"
    );
}
