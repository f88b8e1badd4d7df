//! What DynamoDB items look like: DynamoDB JSON to a [`Shape`], a `Shape` to a [`TableSchema`], and that to Glue
//! columns, Avro, JSON Schema and Athena DDL.
//!
//! ```
//! use schema::{Key, KeyKind, TypeOptions, Reader};
//!
//! let options = TypeOptions::default();
//! let mut reader = Reader::new(&options);
//! reader.lines(b"{\"Id\":{\"S\":\"a\"},\"price\":{\"N\":\"1.50\"}}\n")?;
//! reader.lines(b"{\"Id\":{\"S\":\"b\"},\"price\":{\"N\":\"2\"}}\n")?;
//! let shape = reader.finish()?;
//!
//! let keys = [Key { name: "Id".into(), kind: KeyKind::S }];
//! let schema = shape.settle(&keys, &Default::default(), &options);
//! let columns: Vec<String> = schema.columns.iter().map(|c| format!("{} {}", c.name, c.glue_type)).collect();
//! assert_eq!(columns, ["id string", "price double"]);
//! assert_eq!(schema.column_mapping().as_deref(), Some("id=Id"));
//! # Ok::<(), schema::ReadError>(())
//! ```
//!
//! Nothing here does I/O, reads a clock or keeps a value: a `Shape` holds names and counts, and errors hold positions.

pub mod avro;
pub mod ddl;
pub mod escape;
pub mod json_schema;
pub mod naming;
pub mod odcs;
pub mod profile;

mod error;
mod fit;
mod number;
mod options;
mod read;
mod settle;
mod shape;
mod simd;
mod table;
mod types;

pub use error::{ReadError, ReadErrorKind, TooManyPlaces};
pub use fit::{Baseline, Misfit};
pub use options::{Dialect, NumberPolicy, TypeOptions};
pub use read::{ReadPlace, Reader, ScanPage};
pub use settle::{Key, KeyKind};
pub use shape::{Attribute, Shape, ShapeBytesError};
pub use table::{Column, TableSchema};
pub use types::{Field, GlueType, ParseTypeError};
