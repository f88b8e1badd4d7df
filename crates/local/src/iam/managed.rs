//! The AWS managed policies that are known here.

/// Their names, with paths.
pub(super) const NAMES: [&str; 4] = [
    "AdministratorAccess",
    "AmazonDynamoDBFullAccess",
    "AmazonDynamoDBReadOnlyAccess",
    "service-role/AWSGlueServiceRole",
];

/// The document of a managed policy.
///
/// AWSGlueServiceRole lacks what only jobs and connections need (S3 objects, network interfaces).
pub(super) fn document(arn: &str) -> Option<&'static str> {
    let (_, name) = arn.split_once(":iam::aws:policy/")?;
    match name {
        "service-role/AWSGlueServiceRole" => Some(
            r#"{"Statement":[
                {"Effect":"Allow","Resource":"*","Action":["glue:*","s3:GetBucketLocation","s3:ListBucket","s3:ListAllMyBuckets",
                    "s3:GetBucketAcl","iam:ListRolePolicies","iam:GetRole","iam:GetRolePolicy","cloudwatch:PutMetricData"]},
                {"Effect":"Allow","Resource":"arn:*:logs:*:*:*:/aws-glue/*",
                    "Action":["logs:CreateLogGroup","logs:CreateLogStream","logs:PutLogEvents"]}]}"#,
        ),
        "AmazonDynamoDBReadOnlyAccess" => Some(
            r#"{"Statement":{"Effect":"Allow","Resource":"*","Action":["dynamodb:BatchGetItem","dynamodb:Describe*",
                "dynamodb:List*","dynamodb:GetItem","dynamodb:Query","dynamodb:Scan","dynamodb:PartiQLSelect"]}}"#,
        ),
        "AmazonDynamoDBFullAccess" => Some(r#"{"Statement":{"Effect":"Allow","Resource":"*","Action":"dynamodb:*"}}"#),
        "AdministratorAccess" => Some(r#"{"Statement":{"Effect":"Allow","Resource":"*","Action":"*"}}"#),
        _ => None,
    }
}
