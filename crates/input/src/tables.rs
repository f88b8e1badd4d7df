//! The tables that an input names, which of them is read, and what is left out.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use schema::escape;

use crate::error::Error;

/// What changes without a new image are.
pub(crate) const DELETIONS: &str = "deletions in an incremental export";

/// The most tables that are named.
const MAX_NAMED: usize = 20;
/// The most tables that are told apart.
const MAX_KNOWN: usize = 1000;

/// The tables of an input.
#[derive(Debug, Default)]
pub(crate) struct Tables {
    choice: Option<String>,
    known: BTreeSet<Rc<str>>,
    /// Items of no named table.
    unnamed: bool,
}

impl Tables {
    pub(crate) fn new(choice: Option<&str>) -> Tables {
        Tables { choice: choice.map(str::to_owned), ..Tables::default() }
    }

    /// Notes that the input names a table.
    pub(crate) fn add(&mut self, table: &Rc<str>) {
        if self.known.len() < MAX_KNOWN && !self.known.contains(table) {
            self.known.insert(Rc::clone(table));
        }
    }

    /// Whether an item of this table is to be read.
    pub(crate) fn wants(&mut self, table: Option<&Rc<str>>) -> bool {
        match table {
            Some(table) => self.add(table),
            None => self.unnamed = true,
        }
        match (&self.choice, table) {
            (Some(choice), table) => table.is_some_and(|table| **table == **choice),
            // Once there are two the rest is read only to name all of them.
            (None, _) => self.known.len() < 2,
        }
    }

    /// Whether what is not an item of this table is of interest.
    pub(crate) fn chooses(&self, table: Option<&Rc<str>>) -> bool {
        match (&self.choice, table) {
            (Some(choice), Some(table)) => **table == **choice,
            _ => true,
        }
    }

    /// The table that was read, if the input names it.
    ///
    /// # Errors
    /// If there are several and none was chosen, or the chosen one isn't there.
    pub(crate) fn finish(self) -> Result<Option<String>, Error> {
        let known = || listed(self.known.iter().map(|name| &**name));
        match self.choice {
            None if self.known.len() > 1 => Err(Error::SeveralTables(known())),
            None => Ok(self.known.first().map(|name| (**name).to_owned())),
            Some(choice) if self.known.is_empty() => Err(Error::NoTables(escape::line(&choice))),
            Some(choice) if !self.known.contains(&*choice) => {
                Err(Error::NoSuchTable { name: escape::line(&choice), known: known() })
            }
            // Whose the others are can't be told.
            Some(_) if self.unnamed => Err(Error::SeveralTables(format!("{}, and items of no named table", known()))),
            Some(choice) => Ok(Some(choice)),
        }
    }
}

/// The names, as people may see them, and not too many.
pub(crate) fn listed<'n>(names: impl ExactSizeIterator<Item = &'n str>) -> String {
    let more = names.len().saturating_sub(MAX_NAMED);
    let mut text = names.take(MAX_NAMED).map(shown).collect::<Vec<_>>().join(", ");
    if more > 0 {
        text += &format!(" and {more} more");
    }
    text
}

/// A name as people may see it. Tables' names are short; whatever else is in its place may be long.
pub(crate) fn shown(name: &str) -> String {
    let end = name.char_indices().nth(255).map_or(name.len(), |(end, _)| end);
    escape::line(name.get(..end).unwrap_or_default())
}

/// What is known of an input that was read to its end.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Summary {
    /// The table that the items are of, if the input names one.
    pub table: Option<String>,
    /// What people should know: what was left out and how often, and that an answer is not all of the table.
    pub notes: Vec<String>,
    /// How many things were left out, deletions for example.
    pub left_out: u64,
}

impl Summary {
    pub(crate) fn new(table: Option<String>, left_out: &LeftOut, mut notes: Vec<String>) -> Summary {
        if !left_out.is_empty() {
            notes.insert(0, format!("left out, since they are no items: {}", left_out.listed()));
        }
        Summary { table, notes, left_out: left_out.count() }
    }
}

/// What was found and is no item, by what it is called, and how often.
#[derive(Debug, Default)]
pub(crate) struct LeftOut(BTreeMap<&'static str, u64>);

impl LeftOut {
    pub(crate) fn add(&mut self, what: &'static str, count: u64) {
        if count > 0 {
            *self.0.entry(what).or_default() += count;
        }
    }

    pub(crate) fn merge(&mut self, other: LeftOut) {
        for (what, count) in other.0 {
            self.add(what, count);
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The error if there is nothing else.
    pub(crate) fn no_items(&self) -> Error {
        Error::NoItems { left_out: self.listed(), count: self.count() }
    }

    fn count(&self) -> u64 {
        self.0.values().sum()
    }

    /// As `DeleteRequest (2), Update (1)`.
    fn listed(&self) -> String {
        self.0.iter().map(|(what, count)| format!("{what} ({count})")).collect::<Vec<_>>().join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tables(choice: Option<&str>, names: &[&str]) -> Result<Option<String>, String> {
        let mut tables = Tables::new(choice);
        for name in names {
            tables.wants(Some(&Rc::from(*name)));
        }
        tables.finish().map_err(|error| error.to_string())
    }

    #[test]
    fn one_of_several_is_chosen() {
        assert_eq!(tables(None, &[]), Ok(None));
        assert_eq!(tables(None, &["a", "a"]), Ok(Some("a".into())));
        assert_eq!(tables(Some("b"), &["a", "b"]), Ok(Some("b".into())));
        let error = "it holds items of several tables: choose one with --table NAME, of a\\n, b";
        assert_eq!(tables(None, &["b", "a\n"]), Err(error.into()));
        assert_eq!(tables(Some("c"), &["b"]), Err("it holds no table c: it names b".into()));
        assert!(tables(Some("c"), &[]).is_err());
        let many: Vec<String> = (0..30).map(|nth| format!("t{nth:02}")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        assert!(tables(None, &many).unwrap_err().ends_with("t19 and 10 more"));
    }
}
