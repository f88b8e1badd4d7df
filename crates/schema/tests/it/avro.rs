//! The Avro schema accepts every item: encoded and decoded by another implementation.

use std::collections::BTreeMap;

use apache_avro::schema::{DecimalSchema, RecordSchema, Schema};
use apache_avro::types::Value as Avro;
use apache_avro::{AvroResult, reader::datum::GenericDatumReader, writer::datum::GenericDatumWriter};
use proptest::prelude::*;
use schema::{GlueType, TableSchema, avro};

use crate::generate;
use crate::oracle::Decimal;
use crate::oracle::{Item, Value};
use crate::reading::{policy, shape_of};

/// Whether whole numbers above 2^53 may be stored in a double, as where an earlier crawl saw fractions.
#[derive(Clone, Copy, PartialEq)]
enum Whole {
    Exact,
    MayRound,
}

/// The value in the first branch that holds it; `None` if none does.
fn encode(value: &Value, schema: &Schema, whole: Whole) -> Option<Avro> {
    match (value, schema) {
        (value, Schema::Union(union)) => {
            let mut branches = union.variants().iter().enumerate();
            branches.find_map(|(i, branch)| Some(Avro::Union(i as u32, Box::new(encode(value, branch, whole)?))))
        }
        (Value::Null, Schema::Null) => Some(Avro::Null),
        (Value::Null, _) => None,
        (Value::Bool(value), Schema::Boolean) => Some(Avro::Boolean(*value)),
        (Value::B(bytes), Schema::Bytes) => Some(Avro::Bytes(bytes.clone())),
        (Value::N(text), Schema::Long) => Decimal::of(text)?.plain().parse().ok().map(Avro::Long),
        (Value::N(text), Schema::Double) => {
            let number = Decimal::of(text)?;
            let fits = number.is_double() || (whole == Whole::MayRound && number.scale() == 0);
            fits.then(|| Avro::Double(number.plain().parse().unwrap()))
        }
        (Value::N(text), Schema::Decimal(decimal)) => encode_decimal(&Decimal::of(text)?, decimal),
        (Value::L(list), Schema::Array(array)) => {
            list.iter().map(|value| encode(value, &array.items, whole)).collect::<Option<_>>().map(Avro::Array)
        }
        (Value::Ss(set), Schema::Array(_)) => {
            encode(&Value::L(set.iter().cloned().map(Value::S).collect()), schema, whole)
        }
        (Value::Ns(set), Schema::Array(_)) => {
            encode(&Value::L(set.iter().cloned().map(Value::N).collect()), schema, whole)
        }
        (Value::Bs(set), Schema::Array(_)) => {
            encode(&Value::L(set.iter().cloned().map(Value::B).collect()), schema, whole)
        }
        (Value::M(item), Schema::Map(map)) => {
            let all = item.iter().map(|(name, value)| Some((name.clone(), encode(value, &map.types, whole)?)));
            all.collect::<Option<_>>().map(Avro::Map)
        }
        (Value::M(item), Schema::Record(record)) => encode_record(item, record, whole),
        (Value::S(text), Schema::String) => Some(Avro::String(text.clone())),
        // The JSON text of anything else.
        (value, Schema::String) => Some(Avro::String(format!("{value:?}"))),
        _ => None,
    }
}

fn encode_record(item: &Item, record: &RecordSchema, whole: Whole) -> Option<Avro> {
    let mut left: Vec<&String> = item.keys().collect();
    let fields = record.fields.iter().map(|field| {
        let attribute =
            field.custom_attributes.get("attribute").map_or(field.name.as_str(), |name| name.as_str().unwrap());
        left.retain(|name| *name != attribute);
        let value = item.get(attribute).unwrap_or(&Value::Null);
        Some((field.name.clone(), encode(value, &field.schema, whole)?))
    });
    let fields = fields.collect::<Option<Vec<_>>>()?;
    left.is_empty().then_some(Avro::Record(fields))
}

fn encode_decimal(number: &Decimal, schema: &DecimalSchema) -> Option<Avro> {
    let (precision, scale) = (schema.precision as u64, schema.scale as u64);
    if number.scale() > scale || number.integer_digits() > precision - scale {
        return None;
    }
    let zeros = number.point + scale as i64 - number.digits.len() as i64;
    let digits = format!("{}{}", number.digits, "0".repeat(zeros.max(0) as usize));
    let unscaled: i128 = if digits.is_empty() { 0 } else { digits.parse().unwrap() };
    let bytes = if number.negative { -unscaled } else { unscaled }.to_be_bytes();
    Some(Avro::Decimal(bytes.to_vec().into()))
}

fn settle(items: &[Item], limit: usize) -> TableSchema {
    shape_of(items, limit).settle(&[], &BTreeMap::new(), &policy(limit))
}

fn write(schema: &Schema, value: Avro) -> AvroResult<Vec<u8>> {
    GenericDatumWriter::builder(schema).build()?.write_value_to_vec(value)
}

fn read(writer: &Schema, reader: Option<&Schema>, bytes: &[u8]) -> AvroResult<Avro> {
    GenericDatumReader::builder(writer).maybe_reader_schema(reader).build()?.read_value(&mut &bytes[..])
}

/// Every item goes through Avro bytes and back.
fn accepts(definition: &str, items: &[Item], whole: Whole) -> Result<(), TestCaseError> {
    let schema =
        Schema::parse_str(definition).map_err(|error| TestCaseError::fail(format!("{error}\n{definition}")))?;
    let Schema::Record(record) = &schema else {
        return Err(TestCaseError::fail("no record"));
    };
    for item in items {
        let Some(value) = encode_record(item, record, whole) else {
            return Err(TestCaseError::fail(format!("{item:?} does not fit {definition}")));
        };
        let bytes = write(&schema, value.clone()).map_err(|error| TestCaseError::fail(error.to_string()))?;
        let back = read(&schema, None, &bytes).unwrap();
        prop_assert_eq!(back, value);
    }
    Ok(())
}

/// As Hive sees it, without what Avro can't spell.
fn spelled(glue_type: &GlueType) -> bool {
    match glue_type {
        GlueType::Struct(fields) => fields.iter().all(|field| {
            !field.name.contains(['.', '-'])
                && !field.name.starts_with(|c: char| c.is_ascii_digit())
                && spelled(&field.glue_type)
        }),
        GlueType::Array(inner) | GlueType::Map(_, inner) => spelled(inner),
        _ => true,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 250, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_schema_accepts_every_item(items in generate::items(), limit in 0..8usize) {
        let schema = settle(&items, limit);
        let definition = avro::definition(&schema, "2nd table", "ddb_tables", None).unwrap();
        accepts(&definition, &items, Whole::Exact)?;
        // Glue derives the settled columns, wherever Avro can spell them.
        let derived = avro::columns(&definition).unwrap();
        prop_assert_eq!(derived.len(), schema.columns.len());
        for ((name, glue_type), column) in derived.iter().zip(&schema.columns).filter(|(_, column)| spelled(&column.glue_type)) {
            prop_assert_eq!((name, glue_type), (&column.name, &column.glue_type));
        }
    }

    #[test]
    fn a_widened_schema_accepts_old_and_new_items(old in generate::items(), new in generate::items(), limit in 0..8usize) {
        let schema = settle(&old, limit);
        let first = avro::definition(&schema, "t", "d", None).unwrap();
        // The catalog remembers which attribute a column is.
        let names: BTreeMap<_, _> = schema.columns.into_iter().map(|column| (column.attribute, column.name)).collect();
        let settle = |items: &[Item], limit| shape_of(items, limit).settle(&[], &names, &policy(limit));
        let second = avro::definition(&settle(&new, limit), "t", "d", Some(&first)).unwrap();
        accepts(&second, &new, Whole::MayRound)?;
        accepts(&second, &old, Whole::MayRound)?;
        // A reader with the new schema reads what was written with the old one.
        let [writer, reader] = [&first, &second].map(|text| Schema::parse_str(text).unwrap());
        let Schema::Record(record) = &writer else { unreachable!() };
        for item in &old {
            let bytes = write(&writer, encode_record(item, record, Whole::Exact).unwrap()).unwrap();
            let result = read(&writer, Some(&reader), &bytes);
            prop_assert!(result.is_ok(), "{result:?}\n{first}\n{second}");
        }
        // Neither the old nor the new items bring anything more to register.
        for items in [&old, &new] {
            prop_assert_eq!(&avro::definition(&settle(items, limit), "t", "d", Some(&second)).unwrap(), &second);
        }
    }
}
