//! The IAM documents: for a crawler's role, for the permissions boundary that caps all of these roles, and for the run itself.
//! `docs/security.md` explains them statement by statement.

mod run;

use serde_json::{Value, json};

use crate::naming;

pub use run::RunScope;

/// The name of the role's one inline policy.
pub const INLINE_POLICY: &str = "glue-ddb-crawler";

/// Everything that a role's documents depend on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleScope<'a> {
    /// The region of the table and the catalog.
    pub region: &'a str,
    /// The account of both.
    pub account: &'a str,
    /// The DynamoDB table that the role may read.
    pub table: &'a str,
    /// The Glue database that the role may write.
    pub database: &'a str,
    /// Whether `AWSGlueServiceRole` is attached as well; off by default, since it allows `glue:*` on everything.
    pub managed_policy: bool,
    /// Whether to allow more than is known to be needed: the setting `wide_roles`.
    pub wide: bool,
    /// The ARN of the role's permissions boundary, if it has one.
    pub boundary: Option<&'a str>,
}

impl RoleScope<'_> {
    /// Only Glue may assume the role. If Glue says on whose behalf, it has to be this account, which prevents a confused deputy.
    /// AWS does not publish whether Glue says so when it starts a crawl.
    pub fn trust(&self) -> Value {
        json!({
            "Version": "2012-10-17",
            "Statement": [{
                "Effect": "Allow",
                "Principal": {"Service": "glue.amazonaws.com"},
                "Action": "sts:AssumeRole",
                "Condition": {"StringEqualsIfExists": {"aws:SourceAccount": self.account}},
            }],
        })
    }

    /// The permissions to read one table, to write the tables of one database, and to write the crawler's own log.
    pub fn permissions(&self) -> Value {
        let mut permissions = crawl_permissions(self.region, self.account, self.table, self.database);
        if self.wide {
            add(&mut permissions, wider(self.region, self.account, self.table, self.database));
        }
        // DynamoDB names the table in the encryption context ("Encryption at rest: usage notes", DynamoDB guide).
        let decrypt = &mut permissions["Statement"][1];
        decrypt["Condition"]["StringEquals"] = json!({"kms:EncryptionContext:aws:dynamodb:tableName": self.table});
        permissions
    }

    /// The ARN of `AWSGlueServiceRole` in this partition.
    pub fn managed_policy_arn(&self) -> String {
        managed_policy_arn(self.region)
    }

    /// A hash of everything above, as 16 hex digits. A role with another fingerprint has drifted from what we would write.
    pub fn fingerprint(&self) -> String {
        let boundary = self.boundary.unwrap_or_default();
        let text = format!("{}\n{}\n{}\n{boundary}", self.trust(), self.permissions(), self.managed_policy);
        crawl::naming::hash(&text, 8)
    }

    /// The description of a complete role. It is written last and carries the fingerprint, so that one listing shows which
    /// roles are missing, incomplete or drifted.
    pub fn description(&self) -> String {
        format!("Lets AWS Glue crawl the DynamoDB table {} [policy {}]", self.table, self.fingerprint())
    }
}

/// The permissions boundary of all crawlers' roles in a region: what any crawl into `database` needs, and nothing else. A role
/// with this boundary can do no more, whatever its own policies say.
pub fn boundary(region: &str, account: &str, database: &str, wide: bool) -> Value {
    let mut permissions = crawl_permissions(region, account, "*", database);
    if wide {
        add(&mut permissions, wider(region, account, "*", database));
    }
    permissions
}

/// What the setting `wide_roles` adds to crawlers' roles, in case a crawl needs more than AWS publishes. Of the permissions in
/// `AWSGlueServiceRole` it includes everything on the tables and partitions of the one database, reading crawlers and their
/// configuration, and metrics. It leaves out S3, networks and connections, which a crawl of DynamoDB does not need.
fn wider(region: &str, account: &str, table: &str, database: &str) -> Vec<Value> {
    let partition = crawl::naming::partition(region);
    let statement = |sid: &str, actions: &[&str], resource: Value| json!({"Sid": sid, "Effect": "Allow", "Action": actions, "Resource": resource});
    let settings = [
        "glue:GetClassifier",
        "glue:GetClassifiers",
        "glue:GetCrawlerMetrics",
        "glue:GetCrawlers",
        "glue:GetSecurityConfiguration",
        "glue:GetSecurityConfigurations",
        "glue:ListCrawlers",
    ];
    let catalog = [
        "glue:*Partition*",
        "glue:*Table",
        "glue:*TableVersion",
        "glue:Batch*Partition",
        "glue:Batch*Table*",
        "glue:GetDataCatalogEncryptionSettings",
    ];
    vec![
        statement(
            "WideTable",
            &["dynamodb:DescribeContinuousBackups", "dynamodb:DescribeTimeToLive", "dynamodb:ListTagsOfResource"],
            crawl::naming::table_arn(region, account, table).into(),
        ),
        statement("WideCatalog", &catalog, json!(catalog_arns(region, account, database))),
        statement(
            "WideCrawlers",
            &["glue:GetCrawler", "glue:GetTags"],
            format!("arn:{partition}:glue:{region}:{account}:crawler/*").into(),
        ),
        statement("WideSettings", &settings, "*".into()),
        statement(
            "WideRoles",
            &["iam:GetRole", "iam:GetRolePolicy", "iam:ListRolePolicies"],
            format!("arn:{partition}:iam::{account}:role{}*", naming::ROLE_PATH).into(),
        ),
        statement("WideMetrics", &["cloudwatch:PutMetricData"], "*".into()),
    ]
}

fn add(policy: &mut Value, mut statements: Vec<Value>) {
    if let Some(own) = policy["Statement"].as_array_mut() {
        own.append(&mut statements);
    }
}

/// What a crawl of `table` into `database` needs.
///
/// AWS documents that a DynamoDB crawl needs `DescribeTable` and `Scan` ("Crawler prerequisites", AWS Glue guide). Glue
/// authorises operations on a table against the ARNs of the catalog, the database and the table.
fn crawl_permissions(region: &str, account: &str, table: &str, database: &str) -> Value {
    let partition = crawl::naming::partition(region);
    json!({
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "ReadTable",
                "Effect": "Allow",
                "Action": ["dynamodb:DescribeTable", "dynamodb:Scan"],
                "Resource": crawl::naming::table_arn(region, account, table),
            },
            decrypt_tables(region, account),
            {
                "Sid": "WriteCatalog",
                "Effect": "Allow",
                "Action": [
                    "glue:BatchCreatePartition", "glue:BatchGetPartition", "glue:CreatePartition", "glue:CreateTable",
                    "glue:DeleteTable", "glue:GetDatabase", "glue:GetPartition", "glue:GetPartitions", "glue:GetTable",
                    "glue:GetTableVersion", "glue:GetTableVersions", "glue:GetTables", "glue:UpdatePartition",
                    "glue:UpdateTable",
                ],
                "Resource": catalog_arns(region, account, database),
            },
            // AWS's own roles for crawlers have it. It reveals names and descriptions.
            {
                "Sid": "ListDatabases",
                "Effect": "Allow",
                "Action": ["glue:GetDatabases"],
                "Resource": [
                    format!("arn:{partition}:glue:{region}:{account}:catalog"),
                    format!("arn:{partition}:glue:{region}:{account}:database/*"),
                ],
            },
            {
                "Sid": "ReadLinkedSchemas",
                "Effect": "Allow",
                "Action": ["glue:GetSchemaVersion"],
                "Resource": "*",
            },
            {
                "Sid": "WriteLog",
                "Effect": "Allow",
                "Action": ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"],
                "Resource": format!("arn:{partition}:logs:{region}:{account}:log-group:/aws-glue/*"),
            },
        ],
    })
}

/// Tables may be encrypted with customer managed keys. A reader then needs the key as well, but only through DynamoDB.
fn decrypt_tables(region: &str, account: &str) -> Value {
    json!({
        "Sid": "DecryptTables",
        "Effect": "Allow",
        "Action": ["kms:Decrypt"],
        "Resource": format!("arn:{}:kms:{region}:{account}:key/*", crawl::naming::partition(region)),
        // In China the domain ends in .cn.
        "Condition": {"StringLike": {"kms:ViaService": format!("dynamodb.{region}.amazonaws.com*")}},
    })
}

/// The ARNs of the catalog, the database and its tables. Operations on tables are authorised against all three.
fn catalog_arns(region: &str, account: &str, database: &str) -> [String; 3] {
    let glue = format!("arn:{}:glue:{region}:{account}", crawl::naming::partition(region));
    [format!("{glue}:catalog"), format!("{glue}:database/{database}"), format!("{glue}:table/{database}/*")]
}

fn managed_policy_arn(region: &str) -> String {
    format!("arn:{}:iam::aws:policy/service-role/AWSGlueServiceRole", crawl::naming::partition(region))
}

/// The fingerprint in a role's description, if it has one.
pub fn fingerprint_in(description: &str) -> Option<&str> {
    description.rsplit_once("[policy ")?.1.strip_suffix(']')
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCOPE: RoleScope = RoleScope {
        region: "cn-north-1",
        account: "123456789012",
        table: "T",
        database: "d",
        managed_policy: false,
        wide: false,
        boundary: None,
    };

    #[test]
    fn a_role_reads_one_table_of_its_own_partition() {
        let read = &SCOPE.permissions()["Statement"][0];
        assert_eq!(read["Resource"], "arn:aws-cn:dynamodb:cn-north-1:123456789012:table/T");
        assert_eq!(read["Action"], json!(["dynamodb:DescribeTable", "dynamodb:Scan"]));
        let decrypt = &SCOPE.permissions()["Statement"][1];
        assert_eq!(decrypt["Condition"]["StringEquals"]["kms:EncryptionContext:aws:dynamodb:tableName"], "T");
        assert_eq!(decrypt["Condition"]["StringLike"]["kms:ViaService"], "dynamodb.cn-north-1.amazonaws.com*");
    }

    #[test]
    fn the_description_tells_drift() {
        assert_eq!(fingerprint_in(&SCOPE.description()), Some(SCOPE.fingerprint().as_str()));
        let other = RoleScope { database: "e", ..SCOPE };
        assert_ne!(other.fingerprint(), SCOPE.fingerprint());
        let wide = RoleScope { wide: true, ..SCOPE };
        assert_ne!(wide.fingerprint(), SCOPE.fingerprint());
        let capped = RoleScope { boundary: Some("arn:aws:iam::123456789012:policy/b"), ..SCOPE };
        assert_ne!(capped.fingerprint(), SCOPE.fingerprint());
        assert_eq!(fingerprint_in("made by hand"), None);
    }
}
