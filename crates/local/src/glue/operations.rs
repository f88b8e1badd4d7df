//! What each operation is about: where its request names something, and which resources its action must be allowed on.
//!
//! [`ParsedRequest`](super::ParsedRequest) reads the names by this table, authorization judges them, and the operations use them: there is no
//! second place where a name is looked for.

/// A type of resource, and the members of the request that name those that it means.
pub(crate) enum ResourceSelector {
    /// Actions without resources.
    Anything,
    Catalog,
    /// The database named by the member.
    Database(&'static str),
    /// The database in the member, or every one where that is absent.
    DatabaseIfNamed(&'static str),
    /// The database in `DatabaseInput`, which is to be made.
    NewDatabase,
    EveryDatabase,
    /// The table of the database, named by the member.
    Table(&'static str),
    /// The table in `TableInput`.
    TableInput,
    /// The tables in a list of names.
    EachTable(&'static str),
    /// Every table of the database; where there is none, of every database.
    Tables,
    /// Every function of the database; where there is none, of every database.
    Functions,
    /// The function in `FunctionName`.
    Function,
    /// Actions on crawlers that AWS gives no resources.
    AnyCrawler,
    /// The crawler in `Name`.
    Crawler,
    /// The crawlers in a list of names.
    EachCrawler(&'static str),
    /// The registry in `RegistryName`, which is to be made.
    NewRegistry,
    /// The registry in `RegistryId`.
    Registry,
    /// The registry in `RegistryId`; no resource at all where that is absent.
    RegistryIfNamed,
    /// The schema in `SchemaName`, which is to be made, and the registry in `RegistryId`; the default one where that is absent.
    NewSchema,
    /// The schema in `SchemaId` and its registry.
    Schema,
    /// The schema in `SchemaId` and its registry; no resource at all for a version that is named by `SchemaVersionId`.
    SchemaVersion,
    /// The ARN in `ResourceArn`.
    Resource,
}
use ResourceSelector::*;

const IN_DATABASE: ResourceSelector = Database("DatabaseName");
const IN_TABLE: &[ResourceSelector] = &[Catalog, IN_DATABASE, Table("TableName")];

/// The operations. An action is named as its operation.
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

/// The operations that make something with `Tags` on it, and what: that needs glue:TagResource on the new resource as well.
pub(crate) const TAGGED: &[(&str, ResourceSelector)] =
    &[("CreateCrawler", Crawler), ("CreateRegistry", NewRegistry), ("CreateSchema", NewSchema)];

/// Whether an operation reads or changes crawlers.
pub(crate) fn is_about_crawlers(operation: &str) -> bool {
    let selectors = find(operation).unwrap_or_default();
    selectors.iter().any(|selector| matches!(selector, AnyCrawler | Crawler | EachCrawler(_)))
}

/// Where a request of the operation is looked at; none for operations that are not served.
pub(crate) fn find(operation: &str) -> Option<&'static [ResourceSelector]> {
    OPERATIONS.iter().find(|(name, _)| *name == operation).map(|(_, on)| *on)
}

impl ResourceSelector {
    /// The types of its resources, as the Service Authorization Reference calls them; none where they depend on the request.
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
