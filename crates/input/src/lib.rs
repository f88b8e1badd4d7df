//! Items and table definitions from whatever files people have.
//!
//! [`decode`] makes UTF-8 text of a file, [`Input`] recognises its form from the first bytes, and [`Input::read`] gives its
//! items, one line of DynamoDB JSON each, to a [`Sink`]. Endings of names are never looked at.
//!
//! ```
//! let answer = br#"{"Count": 1, "Items": [
//!     {"Id": {"S": "a"}, "price": {"N": "1.50"}}
//! ]}"#;
//! let input = input::open(&answer[..])?;
//! assert_eq!(input.form(), input::Form::Documents);
//! let (shape, _) = input::shape(input, None, &schema::TypeOptions::default())?;
//! assert_eq!(shape.items(), 1);
//! # Ok::<(), input::Error>(())
//! ```
//!
//! Memory is bounded: a few chunks of 256 KiB, and besides an item, or what comes with it, of at most 16 MiB.

pub mod definition;
pub mod files;

mod ahead;
mod error;
mod folder;
mod form;
mod ion;
mod json;
mod parallel;
mod reading;
mod refusal;
mod shape;
mod sink;
mod tables;
mod text;
mod value;
mod walk;

pub use error::{BoxError, Error, Place, Problem};
pub use folder::{Content, Folder, FolderError, LeftOut, content, definition_beside, open_folder, open_path};
pub use form::Form;
pub use ion::IonError;
pub use parallel::{FileError, Gather, Options, read_files};
pub use reading::{Input, open};
pub use refusal::Refusal;
pub use shape::{Shaping, shape};
pub use sink::{Item, ItemError, Sink};
pub use tables::Summary;
pub use text::{Text, begin_of_utf8, decode};
