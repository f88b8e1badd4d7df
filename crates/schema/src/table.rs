//! The settled schema of a table.

use crate::naming::sha256_hex;
use crate::types::GlueType;

/// The longest value of a Glue table parameter, in bytes.
const MAX_PARAMETER: usize = 512_000;

/// The columns of a table.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TableSchema {
    /// The hash key, the range key, then the others by attribute name in byte order.
    pub columns: Vec<Column>,
}

/// A column of a catalog table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// The column's name, distinct within the table regardless of case.
    pub name: String,
    /// The DynamoDB attribute that it shows.
    pub attribute: String,
    /// Its type.
    pub glue_type: GlueType,
}

impl TableSchema {
    /// The value of the table parameter `columnMapping`: `column=Attribute,…` for every column whose name differs from its
    /// attribute, in the order of the columns; `None` if there is none.
    ///
    /// The Athena DynamoDB connector reads it, and the `sourceTable` parameter beside it.
    pub fn column_mapping(&self) -> Option<String> {
        let (mapping, _) = self.mapping();
        (!mapping.is_empty()).then_some(mapping)
    }

    /// The attributes that no `columnMapping` can spell although their column's name differs: those with `,` or `=`, or with
    /// white space around (the connector trims it), and those beyond the 512,000 bytes that the parameter holds.
    pub fn unmapped(&self) -> Vec<&str> {
        self.mapping().1
    }

    fn mapping(&self) -> (String, Vec<&str>) {
        let spelled = |name: &str| !name.is_empty() && name.trim() == name && !name.contains([',', '=']);
        let (mut mapping, mut unmapped) = (String::new(), Vec::new());
        for Column { name, attribute, .. } in self.columns.iter().filter(|column| column.name != column.attribute) {
            let comma = if mapping.is_empty() { "" } else { "," };
            let entry = format!("{comma}{name}={attribute}");
            if spelled(name) && spelled(attribute) && mapping.len() + entry.len() <= MAX_PARAMETER {
                mapping.push_str(&entry);
            } else {
                unmapped.push(attribute.as_str());
            }
        }
        (mapping, unmapped)
    }

    /// 16 hex digits that differ where names, attributes, types or their order differ. Stable across releases: kept beside a
    /// linked schema version, it tells whether that still describes the columns.
    pub fn fingerprint(&self) -> String {
        let mut text = String::new();
        for Column { name, attribute, glue_type } in &self.columns {
            for part in [name, attribute, &glue_type.to_string()] {
                text.push_str(&format!("{}:{part}", part.len()));
            }
        }
        sha256_hex(&text)[..16].to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(columns: &[(&str, &str)]) -> TableSchema {
        let column = |(name, attribute): &(&str, &str)| Column {
            name: (*name).to_owned(),
            attribute: (*attribute).to_owned(),
            glue_type: GlueType::String,
        };
        TableSchema { columns: columns.iter().map(column).collect() }
    }

    #[test]
    fn the_mapping_has_what_differs_and_can_be_spelled() {
        let schema =
            table(&[("id", "Id"), ("a_b", "a=b"), ("a_c", "a,c"), ("_x", " x"), ("same", "same"), ("x_y", "x-y")]);
        assert_eq!(schema.column_mapping().as_deref(), Some("id=Id,x_y=x-y"));
        assert_eq!(schema.unmapped(), ["a=b", "a,c", " x"]);
        assert_eq!(table(&[("same", "same")]).column_mapping(), None);
    }

    #[test]
    fn the_mapping_keeps_within_a_parameter() {
        let attributes: Vec<String> = (0..9).map(|i| format!("A{}", i.to_string().repeat(65_000))).collect();
        let columns: Vec<(&str, &str)> = attributes.iter().map(|attribute| ("c", attribute.as_str())).collect();
        let schema = table(&columns);
        assert!(schema.column_mapping().is_some_and(|mapping| mapping.len() <= 512_000));
        assert_eq!(schema.unmapped(), attributes[7..]);
    }

    #[test]
    fn the_fingerprint_tells_schemas_apart() {
        let schema = table(&[("id", "Id"), ("b", "b")]);
        assert_eq!(schema.fingerprint(), schema.clone().fingerprint());
        for other in
            [&[("id", "Id")][..], &[("b", "b"), ("id", "Id")], &[("id", "id"), ("b", "b")], &[("id", "I"), ("db", "b")]]
        {
            assert_ne!(schema.fingerprint(), table(other).fingerprint());
        }
        let mut typed = schema.clone();
        typed.columns[0].glue_type = GlueType::BigInt;
        assert_ne!(schema.fingerprint(), typed.fingerprint());
    }
}
