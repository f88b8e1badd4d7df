//! Whether items fit a schema that is already there.

use std::collections::BTreeMap;

use crate::escape;
use crate::naming;
use crate::number::Numbers;
use crate::options::{Dialect, NumberPolicy, TypeOptions};
use crate::shape::{Fields, Map, Node, Shape, ValueKind};
use crate::table::{Column, TableSchema};
use crate::types::GlueType;

/// A schema that items have to fit.
///
/// ```
/// use schema::{Baseline, Reader, TypeOptions};
///
/// let definition = r#"{"type":"record","name":"orders","fields":[{"name":"total","type":["null","long"]}]}"#;
/// let baseline: Baseline = schema::avro::baseline(definition)?;
/// let options = TypeOptions::default();
/// let mut reader = Reader::new(&options);
/// reader.lines(br#"{"total":{"N":"1.5"}}"#)?;
/// let misfit = &baseline.misfits(&reader.finish()?, &options)[0];
/// assert_eq!((&*misfit.path, &*misfit.wanted, &*misfit.found), ("total", "bigint", "N with a fraction"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct Baseline {
    /// By attribute.
    columns: BTreeMap<String, Column>,
    /// The attributes that every item has to have.
    required: Vec<String>,
}

/// Something in the items that a schema has no room for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Misfit {
    /// Where: the attribute, then `.name` of a field, `[]` for elements, `{}` for values of a map. Fit to be shown.
    pub path: String,
    /// The type that the schema has there, or `nothing`.
    pub wanted: String,
    /// What the items have there: a type of DynamoDB, and what is wrong with it.
    pub found: String,
}

impl Baseline {
    /// The baseline that a table's columns are. No attribute has to be there.
    pub fn new(schema: TableSchema) -> Baseline {
        let mut columns = BTreeMap::new();
        for column in schema.columns {
            columns.entry(column.attribute.clone()).or_insert(column);
        }
        Baseline { columns, required: Vec::new() }
    }

    /// The same, with attributes that have to be there.
    pub(crate) fn requiring(self, required: Vec<String>) -> Baseline {
        Baseline { required, ..self }
    }

    /// What in the items of a Shape doesn't fit, by path. Where that is nothing, each of the items fits for itself.
    ///
    /// | column | what fits |
    /// | --- | --- |
    /// | `string`, `char`, `varchar` | anything: readers get the text of what is none |
    /// | `boolean`; `binary` | BOOL; B |
    /// | `bigint` | whole numbers of 64 bits; `int`, `smallint` and `tinyint` are judged by the number of digits |
    /// | `double`, `float` | N that a double keeps, or any if [`TypeOptions::numbers`] are `double` or the dialect is the crawler's |
    /// | `decimal(p,s)` | N with at most s digits after the point and p - s before it |
    /// | `array<T>`; `set<T>` | L, SS, NS, BS; without L |
    /// | `map<K,V>` | M, each value fits V |
    /// | `struct<…>` | M, each name is a field, regardless of ASCII case, and fits; any, if it has no fields |
    /// | `uniontype<…>` | what fits one of its types |
    /// | `date`, `timestamp` … | S and N, whatever they hold |
    ///
    /// NULL fits everywhere, and so does an attribute that is missing, but for those that the baseline requires. An attribute
    /// without a column doesn't fit.
    ///
    /// # Cost
    /// A walk over the Shape.
    pub fn misfits(&self, shape: &Shape, options: &TypeOptions) -> Vec<Misfit> {
        let mut fit = Fit { rounds: rounds(options), path: String::new(), misfits: Vec::new() };
        for (name, node) in shape.attributes.sorted() {
            let wanted = self.column(name).map(|column| &column.glue_type);
            fit.below(&escape::line(name), |fit| match wanted {
                Some(wanted) => fit.node(node, wanted),
                None => fit.misfit("nothing", "an attribute without a column"),
            });
        }
        for name in &self.required {
            let seen = shape.attributes.get(name).map_or(0, Node::values);
            if seen < shape.items {
                fit.below(&escape::line(name), |fit| fit.misfit("a value", "none, or NULL"));
            }
        }
        fit.misfits.sort();
        // Lists and sets of one place share their elements.
        fit.misfits.dedup();
        fit.misfits
    }

    fn column(&self, attribute: &str) -> Option<&Column> {
        // A column may not say which attribute it shows.
        let unsaid = || self.columns.get(&naming::column(attribute)).filter(|column| column.name == column.attribute);
        self.columns.get(attribute).or_else(unsaid)
    }
}

/// Whether `double` is the word for any number.
fn rounds(options: &TypeOptions) -> bool {
    options.numbers == NumberPolicy::Double || options.dialect == Dialect::Crawler
}

/// A walk over what was seen.
struct Fit {
    rounds: bool,
    path: String,
    misfits: Vec<Misfit>,
}

impl Fit {
    fn below(&mut self, step: &str, check: impl FnOnce(&mut Fit)) {
        let length = self.path.len();
        self.path.push_str(step);
        check(self);
        self.path.truncate(length);
    }

    fn misfit(&mut self, wanted: impl Into<String>, found: impl Into<String>) {
        self.misfits.push(Misfit { path: self.path.clone(), wanted: wanted.into(), found: found.into() });
    }

    fn node(&mut self, node: &Node, wanted: &GlueType) {
        for kind in ValueKind::ALL.into_iter().filter(|kind| node.count(*kind) > 0) {
            self.values(node, kind, wanted);
        }
    }

    /// Checks the values of one DynamoDB type.
    fn values(&mut self, node: &Node, kind: ValueKind, wanted: &GlueType) {
        use ValueKind::{B, Bool, Bs, L, M, N, Ns, Null, S, Ss};
        match (wanted, kind) {
            (_, Null) | (GlueType::String | GlueType::Char(_) | GlueType::Varchar(_), _) => {}
            (GlueType::Boolean, Bool) | (GlueType::Binary, B) => {}
            (GlueType::Date | GlueType::Timestamp | GlueType::TimestampTz | GlueType::TimestampLocalTz, S | N) => {}
            (GlueType::Array(element), L | Ss | Ns | Bs) | (GlueType::Set(element), Ss | Ns | Bs) => {
                let elements = node.element.as_deref();
                self.below("[]", |fit| elements.into_iter().for_each(|elements| fit.node(elements, element)));
            }
            (GlueType::Map(_, value), M) => self.map(node, value),
            (GlueType::Struct(fields), M) if fields.is_empty() => {}
            (GlueType::Struct(_), M) => self.fields(node, wanted),
            (GlueType::Union(branches), _) => {
                let fits = |branch: &GlueType| {
                    let mut fit = Fit { rounds: self.rounds, path: String::new(), misfits: Vec::new() };
                    fit.values(node, kind, branch);
                    fit.misfits.is_empty()
                };
                if !branches.iter().any(fits) {
                    self.misfit(wanted.to_string(), kind.as_str());
                }
            }
            (_, N) => match number(node.numbers, wanted, self.rounds) {
                Ok(()) => {}
                Err(found) => self.misfit(wanted.to_string(), found),
            },
            _ => self.misfit(word(wanted), kind.as_str()),
        }
    }

    fn map(&mut self, node: &Node, value: &GlueType) {
        self.below("{}", |fit| match node.map.as_deref() {
            Some(Map::Fields(fields)) => fields.sorted().for_each(|(_, node)| fit.node(node, value)),
            Some(Map::Folded(node)) => fit.node(node, value),
            None => {}
        });
    }

    fn fields(&mut self, node: &Node, wanted: &GlueType) {
        let GlueType::Struct(known) = wanted else { return };
        let names: Option<&Fields> = match node.map.as_deref() {
            Some(Map::Fields(names)) => Some(names),
            Some(Map::Folded(_)) => return self.misfit(word(wanted), "M with too many names, or one that is too long"),
            None => None,
        };
        for (name, node) in names.into_iter().flat_map(Fields::sorted) {
            let exact = known.iter().find(|field| field.name == name);
            let field = exact.or_else(|| known.iter().find(|field| field.name.eq_ignore_ascii_case(name)));
            self.below(&format!(".{}", escape::line(name)), |fit| match field {
                Some(field) => fit.node(node, &field.glue_type),
                None => fit.misfit("nothing", "a name that is no field"),
            });
        }
    }
}

/// The first word of a type: a whole struct is too long to be read.
fn word(glue_type: &GlueType) -> String {
    let text = glue_type.to_string();
    match text.split_once('<') {
        Some((word, _)) => format!("{word}<…>"),
        None => text,
    }
}

/// Whether all numbers of a place fit, or what is wrong with one.
fn number(numbers: Numbers, wanted: &GlueType, rounds: bool) -> Result<(), String> {
    let Numbers { integer_digits, scale, beyond_i64, lossy } = numbers;
    let whole = |digits: u8| match (scale, integer_digits <= digits && !beyond_i64) {
        (0, true) => Ok(()),
        (0, false) => Err("N that is too large".to_owned()),
        _ => Err("N with a fraction".to_owned()),
    };
    match wanted {
        GlueType::TinyInt => whole(3),
        GlueType::SmallInt => whole(5),
        GlueType::Int => whole(10),
        GlueType::BigInt => whole(19),
        GlueType::Double | GlueType::Float if lossy && !rounds => Err("N that a double does not keep".to_owned()),
        GlueType::Double | GlueType::Float => Ok(()),
        GlueType::Decimal { precision, scale: most } => {
            match (integer_digits <= precision.saturating_sub(*most), scale <= *most) {
                (true, true) => Ok(()),
                (true, false) => Err(format!("N with {scale} digits after the point")),
                (false, _) => Err(format!("N with {integer_digits} digits before the point")),
            }
        }
        _ => Err("N".to_owned()),
    }
}

#[cfg(test)]
mod tests;
