//! Tables as the endpoint serves them: `NAME.json` beside `NAME.jsonl`.

use std::path::Path;

/// Writes or rewrites an on-demand table with the hash key `id` (S). An item is a line of DynamoDB JSON.
pub fn write_table(folder: &Path, name: &str, items: &[&str]) {
    let create = format!(
        r#"{{"TableName":"{name}","BillingMode":"PAY_PER_REQUEST",
            "AttributeDefinitions":[{{"AttributeName":"id","AttributeType":"S"}}],
            "KeySchema":[{{"AttributeName":"id","KeyType":"HASH"}}]}}"#
    );
    std::fs::write(folder.join(format!("{name}.json")), create).unwrap();
    std::fs::write(folder.join(format!("{name}.jsonl")), items.join("\n")).unwrap();
}

/// Deletes what [`write_table`] wrote.
pub fn remove_table(folder: &Path, name: &str) {
    std::fs::remove_file(folder.join(format!("{name}.json"))).unwrap();
    std::fs::remove_file(folder.join(format!("{name}.jsonl"))).unwrap();
}
