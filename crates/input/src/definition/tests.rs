use insta::assert_snapshot;

use super::*;

fn table(text: &str) -> Table {
    Definitions::read(text.as_bytes()).unwrap().table(None).unwrap()
}

fn error(text: &str) -> String {
    match Definitions::read(text.as_bytes()).and_then(|found| found.table(None)) {
        Ok(table) => panic!("{table:?}"),
        Err(error) => error.to_string(),
    }
}

fn key(name: &str, kind: KeyKind) -> Key {
    Key { name: name.into(), kind }
}

const KEYS: &str = r#""KeySchema":[{"AttributeName":"pk","KeyType":"HASH"},{"AttributeName":"sk","KeyType":"RANGE"}],
    "AttributeDefinitions":[{"AttributeName":"pk","AttributeType":"S"},{"AttributeName":"sk","AttributeType":"N"}]"#;

/// The table that most of these define.
fn orders() -> Table {
    Table {
        name: Some("Orders".into()),
        hash: key("pk", KeyKind::S),
        range: Some(key("sk", KeyKind::N)),
        billing: Billing::OnDemand,
        time_to_live: None,
        tags: vec![],
    }
}

#[test]
fn requests_and_answers_are_unwrapped() {
    let bare = format!(
        r#"{{"TableName":"Orders",{KEYS},"BillingModeSummary":{{"BillingMode":"PAY_PER_REQUEST"}},
        "ProvisionedThroughput":{{"ReadCapacityUnits":0,"WriteCapacityUnits":0}}}}"#
    );
    for text in [bare.clone(), format!(r#"{{"Table":{bare}}}"#), format!(r#"{{"TableDescription":{bare}}}"#)] {
        assert_eq!(table(&text), orders());
    }
    let request = format!(
        r#"{{{KEYS},"ProvisionedThroughput":{{"ReadCapacityUnits":5,"WriteCapacityUnits":6}},"Tags":[{{"Key":"a","Value":"b"}}],
        "TimeToLiveSpecification":{{"AttributeName":"expires","Enabled":true}}}}"#
    );
    let expected = Table {
        name: None,
        billing: Billing::Provisioned { read: 5, write: 6 },
        time_to_live: Some(TimeToLive { attribute: "expires".into(), enabled: true }),
        tags: vec![("a".into(), "b".into())],
        ..orders()
    };
    assert_eq!(table(&request), expected);
    // Without a name it is the definition of any table.
    let named = Definitions::read(request.as_bytes()).unwrap().table(Some("Any")).unwrap();
    assert_eq!(named.name, None);
    assert_eq!(named.keys(), [key("pk", KeyKind::S), key("sk", KeyKind::N)]);
}

#[test]
fn templates_of_cloudformation_and_sam() {
    let yaml = r#"
AWSTemplateFormatVersion: "2010-09-09"
Transform: AWS::Serverless-2016-10-31
Parameters:
  Name: { Type: String, Default: Orders }
  Key:
    Type: String
    Default: pk
  Other: { Type: String }
Resources:
  Function:
    Type: AWS::Serverless::Function
    Properties: { Handler: !GetAtt Other.Arn, Policies: [!If [a, b, !Ref "AWS::NoValue"]] }
  Table:
    Type: AWS::DynamoDB::Table
    DeletionPolicy: Retain
    Properties:
      TableName: !Ref Name
      BillingMode: PAY_PER_REQUEST
      AttributeDefinitions:
        - &pk { AttributeName: !Ref Key, AttributeType: S }
        - AttributeName: sk
          AttributeType: N
      KeySchema:
        - AttributeName: !Ref Key
          KeyType: HASH
        - { AttributeName: sk, KeyType: RANGE }
      Tags:
        - Key: a
          Value: b
"#;
    let tagged = Table { tags: vec![("a".into(), "b".into())], ..orders() };
    assert_eq!(table(yaml), tagged);
    assert_eq!(table(&yaml.replace("!Ref Name", "!Sub '${Name}'")), tagged);
    assert_eq!(table(&yaml.replace("!Ref Name", "{Ref: Name}")), tagged);
    let unnamed = Table { name: Some("Table".into()), ..tagged.clone() };
    assert_eq!(table(&yaml.replace("!Ref Name", "!Sub '${AWS::StackName}-x'")), unnamed);
    assert_eq!(table(&yaml.replace("!Ref Name", "!Ref Other")), unnamed);
    assert_eq!(table(&yaml.replace("::Table\n", "::GlobalTable\n")), tagged);
    let json = format!(r#"{{"Resources":{{"Id":{{"Type":"AWS::DynamoDB::Table","Properties":{{{KEYS}}}}}}}}}"#);
    assert_eq!(table(&json), Table { name: Some("Id".into()), ..orders() });
    let alone = format!(r#"{{"Type":"AWS::DynamoDB::Table","Properties":{{"TableName":"Orders",{KEYS}}}}}"#);
    assert_eq!(table(&alone), orders());

    let simple = table("Resources:\n  Simple:\n    Type: AWS::Serverless::SimpleTable\n");
    assert_eq!((simple.name.as_deref(), simple.hash), (Some("Simple"), key("id", KeyKind::S)));
    let simple = table(
        "Resources:\n  Simple:\n    Type: AWS::Serverless::SimpleTable\n    Properties:\n      PrimaryKey: { Name: n, Type: Number }\n      \
         ProvisionedThroughput: { ReadCapacityUnits: '5', WriteCapacityUnits: 6 }\n      Tags: { a: b }\n",
    );
    assert_eq!(simple.hash, key("n", KeyKind::N));
    assert_eq!(simple.billing, Billing::Provisioned { read: 5, write: 6 });
    assert_eq!(simple.tags, [("a".to_owned(), "b".to_owned())]);
}

#[test]
fn plans_and_states_of_terraform() {
    let resource = r#"{"address":"aws_dynamodb_table.orders","mode":"managed","type":"aws_dynamodb_table","name":"orders","values":
        {"name":"Orders","hash_key":"pk","range_key":"sk","billing_mode":"PROVISIONED","read_capacity":5,"write_capacity":6,
         "attribute":[{"name":"sk","type":"N"},{"name":"pk","type":"S"}],"ttl":[{"attribute_name":"expires","enabled":true}],
         "tags":{"a":"b"}}}"#;
    let expected = Table {
        billing: Billing::Provisioned { read: 5, write: 6 },
        time_to_live: Some(TimeToLive { attribute: "expires".into(), enabled: true }),
        tags: vec![("a".into(), "b".into())],
        ..orders()
    };
    let state = format!(
        r#"{{"format_version":"1.0","terraform_version":"1.9","values":{{"root_module":{{"resources":[{resource}]}}}}}}"#
    );
    assert_eq!(table(&state), expected);
    let plan = format!(
        r#"{{"planned_values":{{"root_module":{{"resources":[{{"type":"aws_s3_bucket","values":{{}}}}],
            "child_modules":[{{"address":"module.a","child_modules":[{{"resources":[{resource}]}}]}}]}}}}}}"#
    );
    assert_eq!(table(&plan), expected);
}

#[test]
fn models_of_nosql_workbench() {
    let text = r#"{"DataModel":[{"TableName":"Orders","KeyAttributes":{"PartitionKey":{"AttributeName":"pk","AttributeType":"S"},
        "SortKey":{"AttributeName":"sk","AttributeType":"N"}}},{"TableName":"Hash","KeyAttributes":
        {"PartitionKey":{"AttributeName":"b","AttributeType":"B"}}}]}"#;
    let found = || Definitions::read(text.as_bytes()).unwrap();
    assert!(found().is_model());
    assert_eq!(found().table(Some("Orders")).unwrap(), orders());
    assert_eq!(found().table(Some("Hash")).unwrap().keys(), [key("b", KeyKind::B)]);
    assert_snapshot!(found().table(None).unwrap_err(), @"it defines several tables: choose one with --table NAME, of Orders, Hash");
    assert_snapshot!(found().table(Some("x")).unwrap_err(), @"it defines no table x, but Orders, Hash");
}

#[test]
fn errors_say_what_to_write() {
    let with = |member: &str| error(&format!("{{{member},{KEYS}}}"));
    let with_keys = |keys: String| error(&format!("{{{keys}}}"));
    let errors = [
        error("{"),
        error("a: [b\nc: d"),
        error("{}"),
        error(""),
        error(r#"{"AttributeDefinitions":[]}"#),
        with(r#""BillingMode":"PROVISIONED""#),
        with_keys(KEYS.replace("RANGE", "HASH")),
        with_keys(KEYS.replace("\"sk\",\"KeyType", "\"pk\",\"KeyType")),
        with_keys(KEYS.replace("\"sk\",\"AttributeType", "\"x\",\"AttributeType")),
        error("Resources:\n  T:\n    Type: AWS::DynamoDB::Table\n    Properties:\n      KeySchema: !Ref Unknown\n"),
    ];
    assert_snapshot!(errors.join("\n"), @r#"
    not the definition of a table: EOF while parsing an object at line 1 column 1
    not the definition of a table: neither JSON nor YAML: line 2, column 2: illegal placement of ':' indicator
    not the definition of a table: expected a CreateTable request, what `aws dynamodb describe-table` prints, a CloudFormation or SAM template with a table, what `terraform show -json` prints, or a model of NoSQL Workbench
    not the definition of a table: there is nothing in it
    KeySchema is missing: it must be one HASH attribute, or a HASH and then a RANGE attribute
    BillingMode PROVISIONED needs ProvisionedThroughput
    KeySchema must be one HASH attribute, or a HASH and then a RANGE attribute, each with its AttributeName and KeyType as plain text
    KeySchema names one attribute twice
    AttributeDefinitions must give the key attribute "sk" once, with the type S, N or B
    KeySchema must be one HASH attribute, or a HASH and then a RANGE attribute, each with its AttributeName and KeyType as plain text
    "#);
}

#[test]
fn aliases_are_bounded() {
    let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for nth in 1..12 {
        let alias = format!("*a{}", nth - 1);
        bomb += &format!("a{nth}: &a{nth} [{}]\n", [&*alias; 10].join(", "));
    }
    assert_snapshot!(error(&bomb), @"not the definition of a table: it has more than 200000 values");
    let long = format!("a: &a {}\nb: [{}]\n", "x".repeat(100_000), ["*a"; 100].join(", "));
    assert!(error(&long).contains("more than"));
    assert!(error(&"[".repeat(100_000)).contains("not the definition"));
    assert!(error(&("a: ".to_owned() + &"[".repeat(1000))).contains("not the definition"));
}

#[test]
fn complex_keys_are_refused_before_they_take_gigabytes() {
    let hostile = "?\n       ?    ?    ?    :       ".repeat(8);
    let error = Definitions::read(hostile.as_bytes()).err().unwrap().to_string();
    assert!(error.contains("line 1: a complex key"), "{error}");
    let fine = "Resources:\n  T:\n    Type: AWS::Serverless::SimpleTable\n    Metadata: what? really\n";
    assert!(Definitions::read(fine.as_bytes()).is_ok());
}
