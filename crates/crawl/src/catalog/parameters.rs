//! The names of the parameters of a catalog table and of its columns. Nothing outside of this module's parent knows them.

/// When a table whose DynamoDB table is gone was marked, in milliseconds since 1970.
pub(super) const DEPRECATED: &str = "DEPRECATED_BY_CRAWLER";
/// The name of the last crawler.
pub(super) const UPDATED_BY: &str = "UPDATED_BY_CRAWLER";
/// What the native engine saw of the table so far: a Shape, deflated, in base64.
pub(super) const HISTORY: &str = "shape";
/// Where a crawl of the native engine was cut off.
pub(super) const CHECKPOINT: &str = "crawl";
/// The columns, separated by commas, whose attributes `columnMapping` can't spell: they read as null.
pub(super) const UNMAPPED: &str = "unmappedColumns";
pub(super) const CLASSIFICATION: &str = "classification";
pub(super) const TYPE_OF_DATA: &str = "typeOfData";
pub(super) const SOURCE: &str = "sourceTable";
/// `column=Attribute,…` of the columns whose names differ from their attributes.
pub(super) const MAPPING: &str = "columnMapping";
pub(super) const HASH_KEY: &str = "hashKey";
pub(super) const RANGE_KEY: &str = "rangeKey";
pub(super) const SERIALIZER: &str = "CrawlerSchemaSerializerVersion";
pub(super) const DESERIALIZER: &str = "CrawlerSchemaDeserializerVersion";
pub(super) const RECORDS: &str = "recordCount";
pub(super) const SIZE: &str = "sizeKey";
pub(super) const RECORD_SIZE: &str = "averageRecordSize";
/// The DynamoDB table, for the EMR DynamoDB connector.
pub(super) const EMR_TABLE: &str = "dynamodb.table.name";
/// `column:Attribute,…` of all columns, for the EMR DynamoDB connector.
pub(super) const EMR_MAPPING: &str = "dynamodb.column.mapping";

pub(super) const LINK_REGISTRY: &str = "schemaRegistryName";
pub(super) const LINK_SCHEMA: &str = "schemaName";
pub(super) const LINK_VERSION_ID: &str = "schemaVersionId";
pub(super) const LINK_VERSION: &str = "schemaVersionNumber";
/// Which columns are linked, and how.
pub(super) const LINK_FINGERPRINT: &str = "schemaFingerprint";

/// Of a column: the attribute's name, as DynamoDB spells it.
pub(super) const ATTRIBUTE: &str = "attribute";
/// Of a column: the DynamoDB types that the attribute was seen as: `S`, `N`, `L,SS`.
pub(super) const TYPES: &str = "dynamodbTypes";
/// Of a column: the share of the items that have the attribute: `0.000` if none has, `1.000` if all have.
pub(super) const PRESENCE: &str = "presence";
