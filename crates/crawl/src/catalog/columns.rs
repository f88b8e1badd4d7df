//! The columns of a catalog table, with what is known of the attributes behind them in parameters of each.

use std::collections::{BTreeMap, HashMap};

use aws_sdk_glue::types::Column as GlueColumn;
use schema::{Column, GlueType, Key, KeyKind, Shape, TableSchema};

use super::entry::Entry;
use super::parameters::{ATTRIBUTE, PRESENCE, TYPES};
use crate::error::{Error, Kind};

/// The longest `dynamodb.column.mapping`, in bytes: every listing of tables carries it.
const MAX_EMR_MAPPING: usize = 100_000;
/// DynamoDB's types in the order in which [`TYPES`] names them.
const TYPE_ORDER: [&str; 10] = ["S", "N", "B", "BOOL", "NULL", "M", "L", "SS", "NS", "BS"];

/// What is known of the attributes behind the columns.
#[derive(Debug, Clone, Copy)]
pub struct AttributeFacts<'a> {
    /// Hash key, then range key.
    pub keys: &'a [Key],
    /// All that was seen of the table; after a managed crawl, a page of its items.
    pub known: &'a Shape,
    /// The items that shares are taken of; `None` after a managed crawl, which tells nothing of them.
    pub shares: Option<&'a Shape>,
}

impl Entry<'_> {
    /// Whether it shows the columns of `schema`, by name, type and order.
    pub fn has_columns_of(self, schema: &TableSchema) -> bool {
        let wanted = schema.columns.iter().map(|column| (column.name.as_str(), column.glue_type.to_string()));
        self.columns().iter().map(|c| (c.name(), c.r#type().unwrap_or("").to_owned())).eq(wanted)
    }

    /// Whether both have the same columns once each is completed: a crawler of Glue writes them in no order and in words of its
    /// own. A table that hides its columns counts as the same.
    pub fn has_columns_like(self, other: Entry) -> bool {
        let portable = |glue_type: &str| glue_type.parse::<GlueType>().map(|parsed| parsed.normalised().to_string());
        let completed = |entry: Entry| -> BTreeMap<String, String> {
            let column = |column: &GlueColumn| {
                let glue_type = column.r#type().unwrap_or_default();
                (column.name().to_owned(), portable(glue_type).unwrap_or_else(|_| glue_type.to_owned()))
            };
            entry.columns().iter().map(column).collect()
        };
        self.hides_columns() || other.hides_columns() || completed(self) == completed(other)
    }
}

/// The columns of a schema as Glue has them. Comments and parameters that people wrote on `existing` ones stay.
///
/// # Errors
/// [`Kind::Data`] if Glue would not take a column.
pub(super) fn glue_columns(
    schema: &TableSchema,
    facts: &AttributeFacts,
    existing: &[GlueColumn],
) -> Result<Vec<GlueColumn>, Error> {
    let old: HashMap<&str, &GlueColumn> = existing.iter().map(|column| (column.name(), column)).collect();
    schema
        .columns
        .iter()
        .map(|column| {
            let old = old.get(column.name.as_str()).copied();
            GlueColumn::builder()
                .name(&column.name)
                .r#type(column.glue_type.to_string())
                .set_comment(old.and_then(|old| old.comment.clone()))
                .set_parameters(Some(parameters(facts, column, old)).filter(|parameters| !parameters.is_empty()))
                .build()
                .map_err(|e| Error::new(Kind::Data, format!("column {}: {e}", column.name)))
        })
        .collect()
}

/// Whether the columns say what is known of their attributes. Shares of items are statistics: they don't count.
pub(super) fn have_facts(schema: &TableSchema, facts: &AttributeFacts, existing: &[GlueColumn]) -> bool {
    let told = |parameters: Option<&HashMap<String, String>>| {
        [ATTRIBUTE, TYPES].map(|name| parameters.and_then(|parameters| parameters.get(name)).cloned())
    };
    schema
        .columns
        .iter()
        .zip(existing)
        .all(|(column, existing)| told(Some(&parameters(facts, column, Some(existing)))) == told(existing.parameters()))
}

/// The parameters of a column: those of `old`, with what is known now.
fn parameters(facts: &AttributeFacts, column: &Column, old: Option<&GlueColumn>) -> HashMap<String, String> {
    let AttributeFacts { keys, known, shares } = facts;
    let mut all = old.and_then(|old| old.parameters.clone()).unwrap_or_default();
    let attribute = column.attribute.as_str();
    let seen = known.attribute(attribute);
    let key = keys.iter().find(|key| key.name == attribute);

    // A crawler of Glue writes names in lower case: such a name is the attribute's own only if somebody saw it.
    if seen.is_some() || key.is_some() || attribute != column.name {
        all.insert(ATTRIBUTE.into(), attribute.to_owned());
    }
    let mut types = seen.map(|seen| seen.types).unwrap_or_default();
    if types.is_empty() {
        types.extend(key.map(|key| match key.kind {
            KeyKind::S => "S",
            KeyKind::N => "N",
            KeyKind::B => "B",
        }));
    }
    // A page of items is no reason to forget what was seen elsewhere.
    let before = all.get(TYPES).filter(|_| shares.is_none()).cloned().unwrap_or_default();
    types.extend(before.split(','));
    let types: Vec<&str> = TYPE_ORDER.into_iter().filter(|name| types.contains(name)).collect();
    if !types.is_empty() {
        all.insert(TYPES.into(), types.join(","));
    }
    all.remove(PRESENCE);
    all.extend(shares.and_then(|shares| presence(shares, attribute)).map(|share| (PRESENCE.to_owned(), share)));
    all
}

/// The share of the items that have an attribute, in three digits; `None` where there are no items.
///
/// Few are not none, and most are not all: what some have is `0.001` at least, and what some lack `0.999` at most.
fn presence(shape: &Shape, attribute: &str) -> Option<String> {
    let having = shape.attribute(attribute).map_or(0, |seen| seen.items);
    match (having, shape.items()) {
        (_, 0) => None,
        (0, _) => Some("0.000".to_owned()),
        (having, items) if having >= items => Some("1.000".to_owned()),
        (having, items) => Some(format!("{:.3}", (having as f64 / items as f64).clamp(0.001, 0.999))),
    }
}

/// `column:Attribute,…`, as the EMR DynamoDB connector reads its `dynamodb.column.mapping`: it splits at `,`, then once at
/// `:` (its earlier releases at every `:`), so that an attribute with either has no place in it. `None` if it would be empty, or
/// longer than a listing of tables should carry.
pub(super) fn emr_mapping(schema: &TableSchema) -> Option<String> {
    let spelled = |column: &&Column| !column.attribute.is_empty() && !column.attribute.contains([',', ':']);
    let pairs = schema.columns.iter().filter(spelled).map(|column| format!("{}:{}", column.name, column.attribute));
    let mapping = pairs.collect::<Vec<_>>().join(",");
    (!mapping.is_empty() && mapping.len() <= MAX_EMR_MAPPING).then_some(mapping)
}

/// Column by attribute name in lower case and as columns are named, so that the attributes of a page of items are found
/// by what a crawler made of their names.
pub(super) fn by_folded_name<'a>(attributes: impl Iterator<Item = &'a str>) -> BTreeMap<String, &'a str> {
    let mut folded = BTreeMap::new();
    for attribute in attributes {
        for name in [attribute.to_owned(), attribute.to_lowercase(), schema::naming::fold(attribute)] {
            // An attribute that is itself spelled so wins; else the first one.
            if name == attribute {
                folded.insert(name, attribute);
            } else {
                folded.entry(name).or_insert(attribute);
            }
        }
    }
    folded
}

#[cfg(test)]
mod tests {
    use schema::{Reader, TypeOptions};

    use super::*;

    #[test]
    fn few_are_not_none_and_most_are_not_all() {
        let mut reader = Reader::new(&TypeOptions::default());
        reader.lines(b"{\"id\":{\"S\":\"\"},\"rare\":{\"S\":\"\"}}\n").unwrap();
        reader.lines("{\"id\":{\"S\":\"\"},\"most\":{\"NULL\":true}}\n".repeat(3999).as_bytes()).unwrap();
        let shape = reader.finish().unwrap();
        let share = |attribute| presence(&shape, attribute);
        assert_eq!(
            [share("id"), share("most"), share("rare"), share("gone")].map(Option::unwrap),
            ["1.000", "0.999", "0.001", "0.000"]
        );
        assert_eq!(presence(&Shape::default(), "id"), None);
    }

    #[test]
    fn the_mapping_of_emr_has_every_attribute_that_it_can_spell() {
        let column = |(name, attribute): (&str, &str)| Column {
            name: name.into(),
            attribute: attribute.into(),
            glue_type: GlueType::String,
        };
        let columns = [("id", "Id"), ("same", "same"), ("a_b", "a,b"), ("a_b_1", "a:b"), ("a_b_2", "a=b")];
        let schema = TableSchema { columns: columns.into_iter().map(column).collect() };
        assert_eq!(emr_mapping(&schema).as_deref(), Some("id:Id,same:same,a_b_2:a=b"));
        assert_eq!(emr_mapping(&TableSchema::default()), None);
        let long = "a".repeat(60_000);
        let schema = TableSchema { columns: vec![column(("a", &long)), column(("b", &long))] };
        assert_eq!(emr_mapping(&schema), None);
    }

    #[test]
    fn an_attribute_that_is_spelled_so_is_stronger_than_one_that_folds_to_it() {
        let folded = by_folded_name(["UserId", "userid", "Ship-To", "USERID"].into_iter());
        assert_eq!(folded["userid"], "userid");
        assert_eq!(folded["ship_to"], "Ship-To");
        assert_eq!(folded["ship-to"], "Ship-To");
    }
}
