//! `policy` and `prune`.

use crate::run::Shell;

const BOUNDARY: (&str, &str) =
    ("GLUE_DDB_CRAWLER_PERMISSIONS_BOUNDARY", "arn:aws:iam::123456789012:policy/glue-ddb-crawler/boundary");

#[test]
fn exports_add_their_bucket_to_the_policy_of_a_run() {
    let args = ["policy", "run", "--account", "123456789012", "--region", "eu-west-1"];
    let statements = |arguments: &[&str]| {
        let environment = [("GLUE_DDB_CRAWLER_ENGINE", "native")];
        let done = Shell::new().run_with(&[&args, arguments].concat(), &environment, b"");
        assert_eq!(done.code, 0, "{}", done.stderr);
        let mut policy: serde_json::Value = serde_json::from_str(&done.stdout).unwrap();
        policy["Statement"].as_array_mut().unwrap().drain(..).collect::<Vec<_>>()
    };
    let (without, with) = (statements(&[]), statements(&["--export-bucket", "my-bucket"]));
    assert_eq!(with[..without.len()], without);
    insta::assert_snapshot!(serde_json::to_string_pretty(&with[without.len()..]).unwrap(), @r#"
    [
      {
        "Action": [
          "s3:ListBucket"
        ],
        "Effect": "Allow",
        "Resource": "arn:aws:s3:::my-bucket",
        "Sid": "FindExports"
      },
      {
        "Action": [
          "s3:GetObject"
        ],
        "Effect": "Allow",
        "Resource": "arn:aws:s3:::my-bucket/*",
        "Sid": "ReadExports"
      },
      {
        "Action": [
          "dynamodb:DescribeExport",
          "dynamodb:ExportTableToPointInTime"
        ],
        "Effect": "Allow",
        "Resource": [
          "arn:aws:dynamodb:eu-west-1:123456789012:table/*",
          "arn:aws:dynamodb:eu-west-1:123456789012:table/*/export/*"
        ],
        "Sid": "AskForExports"
      },
      {
        "Action": [
          "s3:AbortMultipartUpload",
          "s3:PutObject",
          "s3:PutObjectAcl"
        ],
        "Effect": "Allow",
        "Resource": "arn:aws:s3:::my-bucket/*",
        "Sid": "WriteExports"
      }
    ]
    "#);
}

#[test]
fn policies_are_printed_without_credentials() {
    let shell = Shell::new();
    let args = ["policy", "boundary", "--account", "123456789012", "--region", "eu-west-1", "--database", "lake"];
    let done = shell.run(&args);
    assert_eq!(done.code, 0, "{}", done.stderr);
    insta::assert_snapshot!(done.stdout, @r#"
    {
      "Statement": [
        {
          "Action": [
            "dynamodb:DescribeTable",
            "dynamodb:Scan"
          ],
          "Effect": "Allow",
          "Resource": "arn:aws:dynamodb:eu-west-1:123456789012:table/*",
          "Sid": "ReadTable"
        },
        {
          "Action": [
            "kms:Decrypt"
          ],
          "Condition": {
            "StringLike": {
              "kms:ViaService": "dynamodb.eu-west-1.amazonaws.com*"
            }
          },
          "Effect": "Allow",
          "Resource": "arn:aws:kms:eu-west-1:123456789012:key/*",
          "Sid": "DecryptTables"
        },
        {
          "Action": [
            "glue:BatchCreatePartition",
            "glue:BatchGetPartition",
            "glue:CreatePartition",
            "glue:CreateTable",
            "glue:DeleteTable",
            "glue:GetDatabase",
            "glue:GetPartition",
            "glue:GetPartitions",
            "glue:GetTable",
            "glue:GetTableVersion",
            "glue:GetTableVersions",
            "glue:GetTables",
            "glue:UpdatePartition",
            "glue:UpdateTable"
          ],
          "Effect": "Allow",
          "Resource": [
            "arn:aws:glue:eu-west-1:123456789012:catalog",
            "arn:aws:glue:eu-west-1:123456789012:database/lake",
            "arn:aws:glue:eu-west-1:123456789012:table/lake/*"
          ],
          "Sid": "WriteCatalog"
        },
        {
          "Action": [
            "glue:GetDatabases"
          ],
          "Effect": "Allow",
          "Resource": [
            "arn:aws:glue:eu-west-1:123456789012:catalog",
            "arn:aws:glue:eu-west-1:123456789012:database/*"
          ],
          "Sid": "ListDatabases"
        },
        {
          "Action": [
            "glue:GetSchemaVersion"
          ],
          "Effect": "Allow",
          "Resource": "*",
          "Sid": "ReadLinkedSchemas"
        },
        {
          "Action": [
            "logs:CreateLogGroup",
            "logs:CreateLogStream",
            "logs:PutLogEvents"
          ],
          "Effect": "Allow",
          "Resource": "arn:aws:logs:eu-west-1:123456789012:log-group:/aws-glue/*",
          "Sid": "WriteLog"
        }
      ],
      "Version": "2012-10-17"
    }
    "#);

    let done =
        shell.run_with(&["policy", "run", "--account", "123456789012", "--region", "eu-west-1"], &[BOUNDARY], b"");
    assert_eq!(done.code, 0, "{}", done.stderr);
    insta::assert_snapshot!(done.stdout, @r#"
    {
      "Statement": [
        {
          "Action": [
            "dynamodb:ListTables"
          ],
          "Effect": "Allow",
          "Resource": "*",
          "Sid": "ListTables"
        },
        {
          "Action": [
            "dynamodb:DescribeTable",
            "dynamodb:Scan"
          ],
          "Effect": "Allow",
          "Resource": "arn:aws:dynamodb:eu-west-1:123456789012:table/*",
          "Sid": "ReadTables"
        },
        {
          "Action": [
            "kms:Decrypt"
          ],
          "Condition": {
            "StringLike": {
              "kms:ViaService": "dynamodb.eu-west-1.amazonaws.com*"
            }
          },
          "Effect": "Allow",
          "Resource": "arn:aws:kms:eu-west-1:123456789012:key/*",
          "Sid": "DecryptTables"
        },
        {
          "Action": [
            "glue:CreateDatabase",
            "glue:CreateTable",
            "glue:DeleteTable",
            "glue:GetDatabase",
            "glue:GetTable",
            "glue:GetTables",
            "glue:UpdateDatabase",
            "glue:UpdateTable"
          ],
          "Effect": "Allow",
          "Resource": [
            "arn:aws:glue:eu-west-1:123456789012:catalog",
            "arn:aws:glue:eu-west-1:123456789012:database/ddb_tables",
            "arn:aws:glue:eu-west-1:123456789012:table/ddb_tables/*"
          ],
          "Sid": "Catalog"
        },
        {
          "Action": [
            "glue:CreateRegistry",
            "glue:CreateSchema",
            "glue:ListSchemaVersions",
            "glue:PutSchemaVersionMetadata",
            "glue:RegisterSchemaVersion"
          ],
          "Effect": "Allow",
          "Resource": [
            "arn:aws:glue:eu-west-1:123456789012:registry/glue-ddb-crawler",
            "arn:aws:glue:eu-west-1:123456789012:schema/glue-ddb-crawler/ddb_tables.*"
          ],
          "Sid": "Registry"
        },
        {
          "Action": [
            "glue:GetSchemaVersion"
          ],
          "Effect": "Allow",
          "Resource": "*",
          "Sid": "ReadSchemas"
        },
        {
          "Action": [
            "glue:TagResource"
          ],
          "Condition": {
            "ForAllValues:StringEquals": {
              "aws:TagKeys": [
                "managed-by"
              ]
            },
            "StringEquals": {
              "aws:RequestTag/managed-by": "glue-ddb-crawler"
            }
          },
          "Effect": "Allow",
          "Resource": [
            "arn:aws:glue:eu-west-1:123456789012:registry/glue-ddb-crawler",
            "arn:aws:glue:eu-west-1:123456789012:schema/glue-ddb-crawler/ddb_tables.*"
          ],
          "Sid": "TagSchemas"
        },
        {
          "Action": [
            "glue:GetCrawlers",
            "glue:ListCrawlers"
          ],
          "Effect": "Allow",
          "Resource": "*",
          "Sid": "ListCrawlers"
        },
        {
          "Action": [
            "glue:CreateCrawler"
          ],
          "Condition": {
            "StringEquals": {
              "aws:RequestTag/managed-by": "glue-ddb-crawler"
            }
          },
          "Effect": "Allow",
          "Resource": "*",
          "Sid": "CreateCrawlers"
        },
        {
          "Action": [
            "glue:BatchGetCrawlers",
            "glue:StartCrawler",
            "glue:UpdateCrawler"
          ],
          "Condition": {
            "StringEquals": {
              "aws:ResourceTag/managed-by": "glue-ddb-crawler"
            }
          },
          "Effect": "Allow",
          "Resource": "arn:aws:glue:eu-west-1:123456789012:crawler/*_crawler",
          "Sid": "OwnCrawlers"
        },
        {
          "Action": [
            "glue:TagResource"
          ],
          "Condition": {
            "ForAllValues:StringEquals": {
              "aws:TagKeys": [
                "managed-by"
              ]
            },
            "StringEquals": {
              "aws:RequestTag/managed-by": "glue-ddb-crawler"
            }
          },
          "Effect": "Allow",
          "Resource": "arn:aws:glue:eu-west-1:123456789012:crawler/*_crawler",
          "Sid": "TagCrawlers"
        },
        {
          "Action": [
            "glue:GetTags"
          ],
          "Effect": "Allow",
          "Resource": "arn:aws:glue:eu-west-1:123456789012:crawler/*_crawler",
          "Sid": "ReadTags"
        },
        {
          "Action": [
            "iam:GetAccountSummary",
            "iam:ListRoles"
          ],
          "Effect": "Allow",
          "Resource": "*",
          "Sid": "ListRoles"
        },
        {
          "Action": [
            "iam:GetRole"
          ],
          "Effect": "Allow",
          "Resource": "arn:aws:iam::123456789012:role/glue-ddb-crawler/*_crawler_eu-west-1",
          "Sid": "ReadRoles"
        },
        {
          "Action": [
            "iam:CreateRole",
            "iam:PutRolePermissionsBoundary",
            "iam:PutRolePolicy"
          ],
          "Condition": {
            "ArnEquals": {
              "iam:PermissionsBoundary": "arn:aws:iam::123456789012:policy/glue-ddb-crawler/boundary"
            }
          },
          "Effect": "Allow",
          "Resource": "arn:aws:iam::123456789012:role/glue-ddb-crawler/*_crawler_eu-west-1",
          "Sid": "CappedRoles"
        },
        {
          "Action": [
            "iam:UpdateAssumeRolePolicy",
            "iam:UpdateRole"
          ],
          "Condition": {
            "StringEquals": {
              "aws:ResourceTag/managed-by": "glue-ddb-crawler"
            }
          },
          "Effect": "Allow",
          "Resource": "arn:aws:iam::123456789012:role/glue-ddb-crawler/*_crawler_eu-west-1",
          "Sid": "OwnRoles"
        },
        {
          "Action": [
            "iam:AttachRolePolicy",
            "iam:DetachRolePolicy"
          ],
          "Condition": {
            "ArnEquals": {
              "iam:PermissionsBoundary": "arn:aws:iam::123456789012:policy/glue-ddb-crawler/boundary",
              "iam:PolicyARN": "arn:aws:iam::aws:policy/service-role/AWSGlueServiceRole"
            }
          },
          "Effect": "Allow",
          "Resource": "arn:aws:iam::123456789012:role/glue-ddb-crawler/*_crawler_eu-west-1",
          "Sid": "ManagedPolicy"
        },
        {
          "Action": [
            "iam:TagRole"
          ],
          "Condition": {
            "ForAllValues:StringEquals": {
              "aws:TagKeys": [
                "managed-by"
              ]
            },
            "StringEquals": {
              "aws:RequestTag/managed-by": "glue-ddb-crawler"
            }
          },
          "Effect": "Allow",
          "Resource": "arn:aws:iam::123456789012:role/glue-ddb-crawler/*_crawler_eu-west-1",
          "Sid": "TagRoles"
        },
        {
          "Action": [
            "iam:PassRole"
          ],
          "Condition": {
            "StringEquals": {
              "iam:PassedToService": "glue.amazonaws.com"
            }
          },
          "Effect": "Allow",
          "Resource": "arn:aws:iam::123456789012:role/glue-ddb-crawler/*_crawler_eu-west-1",
          "Sid": "PassRoles"
        }
      ],
      "Version": "2012-10-17"
    }
    "#);
}

#[test]
fn a_native_run_needs_neither_crawlers_nor_roles() {
    let shell = Shell::new();
    shell.write("settings.toml", "engine = 'native'");
    let done = shell.run(&[
        "policy",
        "run",
        "--account",
        "123456789012",
        "--region",
        "eu-west-1",
        "--config",
        "settings.toml",
    ]);
    assert_eq!(done.code, 0, "{}", done.stderr);
    assert!(!done.stdout.contains("iam:") && !done.stdout.contains(":crawler/"), "{}", done.stdout);
}

#[test]
fn a_run_without_a_boundary_gets_no_policy() {
    let done = Shell::new().run(&["policy", "run", "--account", "123456789012", "--region", "eu-west-1"]);
    assert_eq!(done.code, 2);
    insta::assert_snapshot!(done.stderr, @"glue-ddb-crawler: permissions_boundary is not set: without one, a run could create roles with any permissions. Create a policy from `glue-ddb-crawler policy boundary`, and set permissions_boundary to its ARN");
}

#[test]
fn prune_says_what_it_would_take_away_and_takes_it_away() {
    let shell = Shell::new();
    shell.table("tables", "Orders", &[r#"{"id":{"S":"1"}}"#]);
    shell.table("tables", "users", &[]);
    let nothing = shell.run(&["prune", "--local", "tables"]);
    assert_eq!(
        (nothing.code, nothing.stdout.as_str(), nothing.stderr.as_str()),
        (0, "", "There is nothing to remove.\n")
    );

    assert_eq!(shell.run(&["sync", "--local", "tables"]).code, 0);
    std::fs::remove_file(shell.path("tables/users.json")).unwrap();
    let listed = shell.run(&["prune", "--local", "tables"]);
    insta::assert_snapshot!(format!("{}{}", listed.stdout, listed.stderr), @"
    crawler users_crawler
    role users_crawler_us-east-1
     WARN local::dynamodb::folder: users.jsonl is not served: users.json, the definition of its table, is missing: `aws dynamodb describe-table --table-name users > users.json` writes it
    Nothing was removed. --yes removes all of this.
    ");
    let removed = shell.run(&["prune", "--local", "tables", "--yes"]);
    insta::assert_snapshot!(format!("{}{}", removed.stdout, removed.stderr), @"
    crawler users_crawler: removed
    role users_crawler_us-east-1: removed
     WARN local::dynamodb::folder: users.jsonl is not served: users.json, the definition of its table, is missing: `aws dynamodb describe-table --table-name users > users.json` writes it
    ");

    let all = shell.run(&["prune", "--local", "tables", "--all", "--yes", "--output", "json"]);
    assert_eq!(all.code, 0, "{}", all.stderr);
    insta::assert_snapshot!(all.stdout, @r#"
    {
      "leftovers": [
        {
          "name": "Orders_crawler",
          "type": "crawler"
        },
        {
          "name": "Orders_crawler_us-east-1",
          "type": "role"
        },
        {
          "name": "orders",
          "type": "catalog_table"
        },
        {
          "name": "users",
          "type": "catalog_table"
        },
        {
          "name": "ddb_tables.orders",
          "type": "schema"
        },
        {
          "name": "ddb_tables.users",
          "type": "schema"
        },
        {
          "name": "glue-ddb-crawler",
          "type": "registry"
        },
        {
          "name": "ddb_tables",
          "type": "database"
        }
      ],
      "removed": true
    }
    "#);
    let again = shell.run(&["prune", "--local", "tables", "--all"]);
    assert_eq!((again.code, again.stdout.as_str()), (0, ""));
}
