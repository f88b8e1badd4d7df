//! What each operation works on: where its request names resources, and on which of them its action must be allowed.
//!
//! [`ParsedRequest`](super::ParsedRequest) reads names by this table, authorization judges them, and operations use them.
//! No other code looks for a name that is judged. Actions for which AWS has no resource type are allowed on everything or nothing:
//! the crawler in a request for its schedule or its past crawls is read where it is used.

/// A type of resource, and the member of the request that names the resources.
pub(crate) enum ResourceSelector {
    /// Actions without resources.
    Anything,
    Catalog,
    /// The database named by the member.
    Database(&'static str),
    /// The database named by the member, or every database if it is absent.
    DatabaseIfNamed(&'static str),
    /// The database to create, in `DatabaseInput`.
    NewDatabase,
    EveryDatabase,
    /// The table of the database, named by the member.
    Table(&'static str),
    /// The table in `TableInput`.
    TableInput,
    /// The tables in a list of names.
    EachTable(&'static str),
    /// Every table of the database, or of every database if none is named.
    Tables,
    /// Every function of the database, or of every database if none is named.
    Functions,
    /// The function in `FunctionName`.
    Function,
    /// Actions on crawlers that AWS gives no resources.
    AnyCrawler,
    /// The crawler in `Name`.
    Crawler,
    /// The crawlers in a list of names.
    EachCrawler(&'static str),
    /// The registry to create, in `RegistryName`.
    NewRegistry,
    /// The registry in `RegistryId`.
    Registry,
    /// The registry in `RegistryId`; no resource if it is absent.
    RegistryIfNamed,
    /// The schema to create, in `SchemaName`, and the registry in `RegistryId`, or the default registry.
    NewSchema,
    /// The schema in `SchemaId` and its registry.
    Schema,
    /// The schema in `SchemaId` and its registry; no resource for a version named by `SchemaVersionId`.
    SchemaVersion,
    /// The ARN in `ResourceArn`.
    Resource,
}
use ResourceSelector::*;

const IN_DATABASE: ResourceSelector = Database("DatabaseName");
const IN_TABLE: &[ResourceSelector] = &[Catalog, IN_DATABASE, Table("TableName")];

/// The operations. Each action has the name of its operation.
pub(crate) const OPERATIONS: &[(&str, &[ResourceSelector])] = &[
    ("CreateDatabase", &[Catalog, NewDatabase]),
    ("GetDatabase", &[Catalog, Database("Name")]),
    ("GetDatabases", &[Catalog, EveryDatabase]),
    ("UpdateDatabase", &[Catalog, Database("Name")]),
    ("DeleteDatabase", &[Catalog, Database("Name"), Tables, Functions]),
    ("CreateTable", &[Catalog, IN_DATABASE, TableInput]),
    ("GetTable", &[Catalog, IN_DATABASE, Table("Name")]),
    ("GetTables", &[Catalog, IN_DATABASE, Tables]),
    ("UpdateTable", &[Catalog, IN_DATABASE, TableInput]),
    ("DeleteTable", &[Catalog, IN_DATABASE, Table("Name")]),
    ("BatchDeleteTable", &[Catalog, IN_DATABASE, EachTable("TablesToDelete")]),
    ("GetTableVersion", IN_TABLE),
    ("GetTableVersions", IN_TABLE),
    ("DeleteTableVersion", IN_TABLE),
    ("BatchDeleteTableVersion", IN_TABLE),
    ("SearchTables", &[Catalog, EveryDatabase, Tables]),
    ("GetPartitions", IN_TABLE),
    ("GetPartition", IN_TABLE),
    ("GetColumnStatisticsForPartition", IN_TABLE),
    ("BatchGetPartition", IN_TABLE),
    ("GetPartitionIndexes", IN_TABLE),
    ("GetColumnStatisticsForTable", IN_TABLE),
    ("GetUserDefinedFunctions", &[Catalog, DatabaseIfNamed("DatabaseName"), Functions]),
    ("GetUserDefinedFunction", &[Catalog, IN_DATABASE, Function]),
    ("CreateCrawler", &[AnyCrawler]),
    ("GetCrawler", &[Crawler]),
    ("GetCrawlers", &[AnyCrawler]),
    ("BatchGetCrawlers", &[EachCrawler("CrawlerNames")]),
    ("ListCrawlers", &[AnyCrawler]),
    ("UpdateCrawler", &[Crawler]),
    ("DeleteCrawler", &[Crawler]),
    ("StartCrawler", &[Crawler]),
    ("StopCrawler", &[Crawler]),
    ("GetCrawlerMetrics", &[AnyCrawler]),
    ("ListCrawls", &[AnyCrawler]),
    ("StartCrawlerSchedule", &[AnyCrawler]),
    ("StopCrawlerSchedule", &[AnyCrawler]),
    ("UpdateCrawlerSchedule", &[AnyCrawler]),
    ("TagResource", &[Resource]),
    ("UntagResource", &[Resource]),
    ("GetTags", &[Resource]),
    ("CreateRegistry", &[NewRegistry]),
    ("GetRegistry", &[Registry]),
    ("ListRegistries", &[Anything]),
    ("UpdateRegistry", &[Registry]),
    ("DeleteRegistry", &[Registry]),
    ("CreateSchema", &[NewSchema]),
    ("GetSchema", &[Schema]),
    ("ListSchemas", &[RegistryIfNamed]),
    ("UpdateSchema", &[Schema]),
    ("DeleteSchema", &[Schema]),
    ("RegisterSchemaVersion", &[Schema]),
    ("GetSchemaVersion", &[SchemaVersion]),
    ("ListSchemaVersions", &[Schema]),
    ("GetSchemaByDefinition", &[Schema]),
    ("CheckSchemaVersionValidity", &[Anything]),
    ("GetSchemaVersionsDiff", &[Schema]),
    ("DeleteSchemaVersions", &[Schema]),
    ("PutSchemaVersionMetadata", &[SchemaVersion]),
    ("QuerySchemaVersionMetadata", &[SchemaVersion]),
    ("RemoveSchemaVersionMetadata", &[SchemaVersion]),
];

/// The operations that create a resource with `Tags`: these also need glue:TagResource on the new resource.
pub(crate) const TAGGED: &[(&str, ResourceSelector)] =
    &[("CreateCrawler", Crawler), ("CreateRegistry", NewRegistry), ("CreateSchema", NewSchema)];

/// Whether an operation reads or changes crawlers.
pub(crate) fn is_about_crawlers(operation: &str) -> bool {
    let selectors = find(operation).unwrap_or_default();
    selectors.iter().any(|selector| matches!(selector, AnyCrawler | Crawler | EachCrawler(_)))
}

/// The selectors of an operation; `None` if it is not served.
pub(crate) fn find(operation: &str) -> Option<&'static [ResourceSelector]> {
    OPERATIONS.iter().find(|(name, _)| *name == operation).map(|(_, on)| *on)
}

impl ResourceSelector {
    /// The resource types, as the Service Authorization Reference calls them; none if they depend on the request.
    pub(crate) fn resource_types(&self) -> &'static [&'static str] {
        match self {
            Anything | AnyCrawler | Resource => &[],
            Catalog => &["rootcatalog"],
            Database(_) | DatabaseIfNamed(_) | NewDatabase | EveryDatabase => &["database"],
            Table(_) | TableInput | EachTable(_) | Tables => &["table"],
            Functions | Function => &["userdefinedfunction"],
            Crawler | EachCrawler(_) => &["crawler"],
            NewRegistry | Registry | RegistryIfNamed => &["registry"],
            NewSchema | Schema | SchemaVersion => &["registry", "schema"],
        }
    }
}
