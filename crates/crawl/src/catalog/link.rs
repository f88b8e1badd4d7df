//! The link from a catalog table to its schema version.

use std::collections::HashMap;

use aws_sdk_glue::types::TableInput;

use super::parameters::{LINK_FINGERPRINT, LINK_REGISTRY, LINK_SCHEMA, LINK_VERSION, LINK_VERSION_ID};

/// The link from a catalog table to its schema version, as the table's parameters carry it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SchemaLink {
    /// The registry's name.
    pub registry: String,
    /// The schema's name.
    pub schema: String,
    /// The version's id.
    pub version_id: String,
    /// The version's number; 0 if the parameter can't be read.
    pub version: i64,
    /// The fingerprint of the columns that the link is for, and how they are linked.
    pub mark: String,
}

impl SchemaLink {
    /// The link that a table's parameters hold; `None` if a part of it is missing.
    pub(super) fn from_parameters(parameters: &HashMap<String, String>) -> Option<SchemaLink> {
        let text = |name: &str| parameters.get(name).cloned();
        Some(SchemaLink {
            registry: text(LINK_REGISTRY)?,
            schema: text(LINK_SCHEMA)?,
            version_id: text(LINK_VERSION_ID)?,
            version: text(LINK_VERSION).and_then(|number| number.parse().ok()).unwrap_or(0),
            mark: text(LINK_FINGERPRINT)?,
        })
    }

    /// Writes the link into the parameters of the table and of its storage descriptor.
    pub fn write_to(&self, input: &mut TableInput) {
        let SchemaLink { registry, schema, version_id, version, mark } = self;
        let parameters = [
            (LINK_REGISTRY, registry.clone()),
            (LINK_SCHEMA, schema.clone()),
            (LINK_VERSION_ID, version_id.clone()),
            (LINK_VERSION, version.to_string()),
            (LINK_FINGERPRINT, mark.clone()),
        ];
        let parameters = parameters.map(|(name, value)| (name.to_owned(), value));
        input.parameters.get_or_insert_default().extend(parameters.clone());
        if let Some(descriptor) = &mut input.storage_descriptor {
            descriptor.parameters.get_or_insert_default().extend(parameters);
        }
    }
}
