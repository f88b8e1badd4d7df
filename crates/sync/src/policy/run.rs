//! What a run may do: the policy for the Lambda function's role, and for whoever runs the job elsewhere.

use serde_json::{Value, json};

use super::{boundary, catalog_arns, decrypt_tables, managed_policy_arn};
use crate::ownership::OWNER_TAG;
use crate::settings::Engine;
use crate::{Settings, naming};

/// Everything that the policy of a run depends on.
#[derive(Debug, Clone)]
pub struct RunScope<'a> {
    /// The region of tables and catalog.
    pub region: &'a str,
    /// The account of both, twelve digits.
    pub account: &'a str,
    /// The settings that name the database, the registry, the crawlers and the permissions boundary. Without a boundary the
    /// policy allows no role to be created. With the native engine there are neither crawlers nor roles.
    pub settings: &'a Settings,
    /// The bucket to read exports from, and to which DynamoDB may be asked to export; `None`: no exports.
    pub export_bucket: Option<&'a str>,
}

impl RunScope<'_> {
    /// The permissions boundary of the roles that the run creates.
    pub fn boundary(&self) -> Value {
        boundary(self.region, self.account, &self.settings.database, self.settings.wide_roles)
    }

    /// Exactly the actions that runs and events call, on their own resources.
    ///
    /// AWS's Service Authorization Reference lists which resources and condition keys each action supports.
    pub fn permissions(&self) -> Value {
        let mut statements = self.tables_and_catalog();
        statements.append(&mut self.registry());
        if self.settings.engine == Engine::Managed {
            statements.append(&mut self.crawlers());
            statements.append(&mut self.roles());
        }
        if let Some(bucket) = self.export_bucket {
            statements.append(&mut self.exports(bucket));
        }
        json!({"Version": "2012-10-17", "Statement": statements})
    }

    /// DynamoDB writes an export with the permissions of whoever requests it ("Requesting a table export in DynamoDB", Amazon
    /// DynamoDB Developer Guide).
    fn exports(&self, bucket: &str) -> Vec<Value> {
        let Self { region, account, .. } = self;
        let bucket = format!("arn:{}:s3:::{bucket}", crawl::naming::partition(region));
        let objects = json!(format!("{bucket}/*"));
        vec![
            allow("FindExports", &["s3:ListBucket"], bucket.into()),
            allow("ReadExports", &["s3:GetObject"], objects.clone()),
            allow(
                "AskForExports",
                &["dynamodb:DescribeExport", "dynamodb:ExportTableToPointInTime"],
                json!(["*", "*/export/*"].map(|table| crawl::naming::table_arn(region, account, table))),
            ),
            allow("WriteExports", &["s3:AbortMultipartUpload", "s3:PutObject", "s3:PutObjectAcl"], objects),
        ]
    }

    fn tables_and_catalog(&self) -> Vec<Value> {
        let Self { region, account, settings, .. } = self;
        vec![
            allow("ListTables", &["dynamodb:ListTables"], "*".into()),
            allow(
                "ReadTables",
                &["dynamodb:DescribeTable", "dynamodb:Scan"],
                crawl::naming::table_arn(region, account, "*").into(),
            ),
            decrypt_tables(region, account),
            allow(
                "Catalog",
                &[
                    "glue:CreateDatabase",
                    "glue:CreateTable",
                    "glue:DeleteTable",
                    "glue:GetDatabase",
                    "glue:GetTable",
                    "glue:GetTables",
                    "glue:UpdateDatabase",
                    "glue:UpdateTable",
                ],
                json!(catalog_arns(region, account, &settings.database)),
            ),
        ]
    }

    fn crawlers(&self) -> Vec<Value> {
        let crawlers = self.crawler_arn();
        vec![
            allow("ListCrawlers", &["glue:GetCrawlers", "glue:ListCrawlers"], "*".into()),
            // CreateCrawler supports no resources. The new crawler has to carry our tag, and the other actions require it.
            on_condition(allow("CreateCrawlers", &["glue:CreateCrawler"], "*".into()), tagged("aws:RequestTag")),
            on_condition(
                allow(
                    "OwnCrawlers",
                    &["glue:BatchGetCrawlers", "glue:StartCrawler", "glue:UpdateCrawler"],
                    crawlers.clone().into(),
                ),
                tagged("aws:ResourceTag"),
            ),
            on_condition(allow("TagCrawlers", &["glue:TagResource"], crawlers.clone().into()), tagging_as_ours()),
            allow("ReadTags", &["glue:GetTags"], crawlers.into()),
        ]
    }

    fn registry(&self) -> Vec<Value> {
        let (registry, schemas) = self.registry_arns();
        vec![
            allow(
                "Registry",
                &[
                    "glue:CreateRegistry",
                    "glue:CreateSchema",
                    "glue:ListSchemaVersions",
                    "glue:PutSchemaVersionMetadata",
                    "glue:RegisterSchemaVersion",
                ],
                json!([&registry, &schemas]),
            ),
            // GetTable resolves a linked table's columns by version id, which names no schema.
            allow("ReadSchemas", &["glue:GetSchemaVersion"], "*".into()),
            // A call that creates and tags at once needs this action as well.
            on_condition(allow("TagSchemas", &["glue:TagResource"], json!([registry, schemas])), tagging_as_ours()),
        ]
    }

    /// Roles can be created and written only with the boundary, and passed to Glue only.
    fn roles(&self) -> Vec<Value> {
        let Self { region, account, settings, .. } = self;
        let partition = crawl::naming::partition(region);
        let roles = format!("arn:{partition}:iam::{account}:role{}*_crawler_{region}", naming::ROLE_PATH);
        let list = allow("ListRoles", &["iam:GetAccountSummary", "iam:ListRoles"], "*".into());
        let Some(boundary) = &settings.permissions_boundary else { return vec![list] };
        let bounded = json!({"ArnEquals": {"iam:PermissionsBoundary": boundary}});
        let managed = json!({
            "ArnEquals": {"iam:PermissionsBoundary": boundary, "iam:PolicyARN": managed_policy_arn(region)},
        });
        let passed = json!({"StringEquals": {"iam:PassedToService": "glue.amazonaws.com"}});
        let capped = ["iam:CreateRole", "iam:PutRolePermissionsBoundary", "iam:PutRolePolicy"];
        let on_roles = |sid: &str, actions: &[&str]| allow(sid, actions, roles.clone().into());
        vec![
            list,
            on_roles("ReadRoles", &["iam:GetRole"]),
            on_condition(on_roles("CappedRoles", &capped), bounded),
            // These actions don't support the boundary's condition key: with it, the statement would allow nothing.
            on_condition(
                on_roles("OwnRoles", &["iam:UpdateAssumeRolePolicy", "iam:UpdateRole"]),
                tagged("aws:ResourceTag"),
            ),
            on_condition(on_roles("ManagedPolicy", &["iam:AttachRolePolicy", "iam:DetachRolePolicy"]), managed),
            on_condition(on_roles("TagRoles", &["iam:TagRole"]), tagging_as_ours()),
            on_condition(on_roles("PassRoles", &["iam:PassRole"]), passed),
        ]
    }

    fn crawler_arn(&self) -> String {
        let Self { region, account, settings, .. } = self;
        let names = settings.crawler_name.replace("{table}", "*");
        format!("arn:{}:glue:{region}:{account}:crawler/{names}", crawl::naming::partition(region))
    }

    fn registry_arns(&self) -> (String, String) {
        let Self { region, account, settings, .. } = self;
        let glue = format!("arn:{}:glue:{region}:{account}", crawl::naming::partition(region));
        let Settings { registry, database, .. } = settings;
        (format!("{glue}:registry/{registry}"), format!("{glue}:schema/{registry}/{database}.*"))
    }
}

fn allow(sid: &str, actions: &[&str], resource: Value) -> Value {
    json!({"Sid": sid, "Effect": "Allow", "Action": actions, "Resource": resource})
}

fn on_condition(mut statement: Value, condition: Value) -> Value {
    if let Some(members) = statement.as_object_mut() {
        members.insert("Condition".into(), condition);
    }
    statement
}

fn tagged(key: &str) -> Value {
    json!({"StringEquals": {format!("{key}/{}", OWNER_TAG.0): OWNER_TAG.1}})
}

fn tagging_as_ours() -> Value {
    let mut condition = tagged("aws:RequestTag");
    condition["ForAllValues:StringEquals"] = json!({"aws:TagKeys": [OWNER_TAG.0]});
    condition
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_without_a_boundary_makes_no_roles() {
        let settings = Settings::default();
        let scope = RunScope { region: "eu-west-1", account: "123456789012", settings: &settings, export_bucket: None };
        let text = scope.permissions().to_string();
        assert!(text.contains("iam:ListRoles") && !text.contains("iam:CreateRole") && !text.contains("iam:PassRole"));
    }

    #[test]
    fn every_resource_is_of_the_region_and_account() {
        let boundary = "arn:aws-cn:iam::123456789012:policy/b".to_owned();
        let settings = Settings { permissions_boundary: Some(boundary), ..Settings::default() };
        let scope =
            RunScope { region: "cn-north-1", account: "123456789012", settings: &settings, export_bucket: Some("b") };
        let permissions = scope.permissions();
        for statement in permissions["Statement"].as_array().unwrap() {
            let resources = match &statement["Resource"] {
                Value::Array(several) => several.clone(),
                one => vec![one.clone()],
            };
            for resource in resources {
                let parts: Vec<&str> = resource.as_str().unwrap().splitn(6, ':').collect();
                match parts[..] {
                    // Listings and lookups that support no resources, and CreateCrawlers, which requires the tag.
                    ["*"] => assert!(
                        ["ListTables", "ListCrawlers", "CreateCrawlers", "ReadSchemas", "ListRoles"]
                            .contains(&statement["Sid"].as_str().unwrap()),
                        "{statement}"
                    ),
                    ["arn", "aws-cn", "iam", "", "123456789012", resource] => {
                        assert_eq!(resource, "role/glue-ddb-crawler/*_crawler_cn-north-1");
                    }
                    // The ARN of a bucket has neither region nor account.
                    ["arn", "aws-cn", "s3", "", "", "b" | "b/*"] => {}
                    ["arn", "aws-cn", "dynamodb" | "glue" | "kms", "cn-north-1", "123456789012", _] => {}
                    _ => panic!("{statement}"),
                }
            }
        }
    }
}
