//! An Avro schema as merging needs it: unions with null are the rule, everything foreign is kept as it is.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::types::{Field as GlueField, GlueType};

/// Properties that mean nothing here and are kept.
pub(super) type Properties = BTreeMap<String, Value>;

/// A record.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Record {
    /// With its namespace; `None` until one is given.
    pub(super) full_name: Option<String>,
    pub(super) fields: Vec<Field>,
    pub(super) properties: Properties,
}

/// A field of a record.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Field {
    /// Empty until one is given.
    pub(super) name: String,
    pub(super) attribute: String,
    pub(super) slot: Slot,
    /// Whether the default is null.
    pub(super) nullable_by_default: bool,
    pub(super) properties: Properties,
}

/// The place of a type: a union of branches, usually of null and one other.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Slot {
    pub(super) nullable: bool,
    /// All but null.
    pub(super) branches: Vec<Branch>,
}

/// A type that is not null.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Branch {
    Primitive(&'static str),
    /// A primitive with a logical type.
    Logical(&'static str, String),
    Decimal {
        precision: u32,
        scale: u32,
        fixed: Option<Fixed>,
    },
    Array(Slot),
    Map(Slot),
    Record(Record),
    /// Enums, other fixed types, and what else Avro has, with its name if it has one.
    Other(Option<String>, Value),
}

/// Which of its two names a field is called by.
pub(super) type Spelling = fn(&Field) -> &String;

/// The name and size of a `fixed`.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Fixed {
    /// With its namespace; `None` until one is given.
    pub(super) full_name: Option<String>,
    pub(super) size: u64,
}

impl Record {
    /// Whether two records are the same but for the order of fields.
    pub(super) fn same(&self, other: &Record) -> bool {
        let alike = |field: &Field| {
            other.fields.iter().find(|other| other.name == field.name).is_some_and(|other| {
                field.attribute == other.attribute
                    && field.nullable_by_default == other.nullable_by_default
                    && field.properties == other.properties
                    && field.slot.same(&other.slot)
            })
        };
        self.full_name == other.full_name
            && self.properties == other.properties
            && self.fields.len() == other.fields.len()
            && self.fields.iter().all(alike)
    }
}

impl Slot {
    /// Null or `branch`.
    pub(super) fn from_branch(branch: Branch) -> Slot {
        Slot { nullable: true, branches: vec![branch] }
    }

    fn same(&self, other: &Slot) -> bool {
        let alike = |(a, b): (&Branch, &Branch)| match (a, b) {
            (Branch::Record(a), Branch::Record(b)) => a.same(b),
            (Branch::Array(a), Branch::Array(b)) | (Branch::Map(a), Branch::Map(b)) => a.same(b),
            (a, b) => a == b,
        };
        self.nullable == other.nullable
            && self.branches.len() == other.branches.len()
            && self.branches.iter().zip(&other.branches).all(alike)
    }

    /// The type with its fields spelled in one of two ways.
    pub(super) fn glue_type(&self, spelling: Spelling) -> GlueType {
        match &self.branches[..] {
            [] => GlueType::Void,
            [branch] => branch.glue_type(spelling),
            branches => GlueType::Union(branches.iter().map(|branch| branch.glue_type(spelling)).collect()),
        }
    }
}

impl Branch {
    fn glue_type(&self, spelling: Spelling) -> GlueType {
        match self {
            Branch::Logical("int", logical) if logical == "date" => GlueType::Date,
            Branch::Logical("long", logical) if logical == "timestamp-millis" => GlueType::Timestamp,
            Branch::Primitive(primitive) | Branch::Logical(primitive, _) => match *primitive {
                "boolean" => GlueType::Boolean,
                "int" => GlueType::Int,
                "long" => GlueType::BigInt,
                "float" => GlueType::Float,
                "double" => GlueType::Double,
                "bytes" => GlueType::Binary,
                _ => GlueType::String,
            },
            Branch::Decimal { precision, scale, .. } => {
                GlueType::Decimal { precision: *precision as u8, scale: *scale as u8 }
            }
            Branch::Array(items) => GlueType::array(items.glue_type(spelling)),
            Branch::Map(values) => GlueType::map(values.glue_type(spelling)),
            Branch::Record(record) => GlueType::Struct(
                record
                    .fields
                    .iter()
                    .map(|field| GlueField { name: spelling(field).clone(), glue_type: field.slot.glue_type(spelling) })
                    .collect(),
            ),
            Branch::Other(_, value) if value["type"] == "enum" => GlueType::String,
            Branch::Other(..) => GlueType::Binary,
        }
    }

    /// What may stand only once in a union, because it has no name.
    pub(super) fn kind(&self) -> Option<&'static str> {
        match self {
            Branch::Primitive(primitive) | Branch::Logical(primitive, _) => Some(primitive),
            Branch::Decimal { fixed: None, .. } => Some("bytes"),
            Branch::Array(_) => Some("array"),
            Branch::Map(_) => Some("map"),
            Branch::Decimal { fixed: Some(_), .. } | Branch::Record(_) | Branch::Other(..) => None,
        }
    }
}
