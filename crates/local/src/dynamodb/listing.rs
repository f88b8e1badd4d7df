//! Which tables the files of a folder make, and which files are whose.

use std::collections::BTreeMap;
use std::fs::Metadata;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use input::Content;
use input::definition::{Definitions, Table};

use super::check::table_name_problem;
use super::naming::{owner, stem, unpacked, without};

/// The folder of the data in a dump of dynamodump, and the definition beside it.
pub(super) const DUMP: (&str, &str) = ("data", "schema.json");

/// Changes when a file does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stamp {
    pub(super) size: u64,
    pub(super) modified: SystemTime,
}

impl Stamp {
    pub(super) fn of(metadata: &Metadata) -> io::Result<Stamp> {
        Ok(Stamp { size: metadata.len(), modified: metadata.modified()? })
    }
}

/// A file and what it is.
#[derive(Clone)]
pub(super) struct Found {
    pub(super) stamp: Stamp,
    pub(super) content: Arc<Content>,
}

/// What has a name in the folder.
pub(super) enum Entry {
    File(Found),
    /// A folder, and its `schema.json`, as dumps have one.
    Folder(Option<Found>),
    /// Something else, or what can't be read: why.
    Unreadable(String),
}

/// All that a folder holds.
#[derive(Default)]
pub(super) struct Listing {
    /// The tables by name, those with wrong files too.
    pub(super) tables: BTreeMap<String, Arc<Parts>>,
    /// Which files are not served, and why.
    pub(super) notes: Vec<String>,
}

/// Where a table lies.
#[derive(Default)]
pub(super) struct Parts {
    definitions: Vec<Definition>,
    /// Why there is no definition.
    problem: String,
    data: Vec<Source>,
    /// Files that may be meant as its data and are not, with the reasons.
    others: Vec<(PathBuf, String)>,
    /// All its files that lie in the folder itself.
    pub(super) files: Vec<(PathBuf, Option<Stamp>)>,
}

/// A file that defines the table.
#[derive(Clone)]
pub(super) struct Definition {
    pub(super) path: PathBuf,
    pub(super) stamp: Stamp,
    content: Arc<Content>,
    /// The file is named after the table.
    is_named: bool,
}

/// Where the items of a table are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Source {
    File(PathBuf, Stamp),
    /// Files of items, side by side.
    Folder(PathBuf),
    /// A model of NoSQL Workbench, which may hold items of several tables.
    Model(PathBuf, Stamp),
}

impl Source {
    pub(super) fn path(&self) -> &Path {
        match self {
            Source::File(path, _) | Source::Folder(path) | Source::Model(path, _) => path,
        }
    }
}

impl Definition {
    /// The table of this name.
    ///
    /// # Errors
    /// If the definition is that of another one, or none that DynamoDB accepts.
    pub(super) fn table(&self, name: &str) -> Result<Table, String> {
        let found = self.content.definitions().ok_or("not a definition")?;
        match found.names().first() {
            Some(other) if self.is_named && *other != name => {
                Err(format!("TableName is {other:?}, but the file is the definition of {name:?}"))
            }
            _ => found.table(Some(name)).map_err(|error| error.to_string()),
        }
    }
}

impl Parts {
    /// The one definition.
    ///
    /// # Errors
    /// If there is none, or there are several.
    pub(super) fn definition(&self) -> Result<&Definition, String> {
        match &self.definitions[..] {
            [] => Err(self.problem.clone()),
            [one] => Ok(one),
            [one, two, ..] if one.path == two.path => Err(format!("{} defines the table twice", one.path.display())),
            [one, two, ..] => {
                Err(format!("{} and {} both define the table: remove one", one.path.display(), two.path.display()))
            }
        }
    }

    /// Where the items are; `holds_items` tells whether a model has some of the table.
    ///
    /// # Errors
    /// If they are in several places, or what lies in their place holds none.
    pub(super) fn source(&self, holds_items: impl Fn(&Path) -> bool) -> Result<Option<&Source>, String> {
        let is_used = |source: &&Source| match source {
            Source::Model(path, _) if self.data.len() > 1 => holds_items(path),
            _ => true,
        };
        let mut used = self.data.iter().filter(is_used);
        match (used.next(), used.next(), self.others.first()) {
            (Some(one), Some(two), _) => Err(format!(
                "{} and {} are both data of the table: remove one",
                one.path().display(),
                two.path().display()
            )),
            (None, _, Some((path, reason))) => Err(format!("{}: {reason}", path.display())),
            (source, ..) => Ok(source),
        }
    }

    /// The folders with items.
    pub(super) fn folders(&self) -> impl Iterator<Item = &Path> {
        self.data.iter().filter_map(|source| match source {
            Source::Folder(path) => Some(path.as_path()),
            Source::File(..) | Source::Model(..) => None,
        })
    }
}

impl Listing {
    /// Finds the tables; `notes` are told with those that are made here.
    pub(super) fn new(folder: &Path, entries: &BTreeMap<String, Entry>, notes: Vec<String>) -> Listing {
        let mut sorting = Sorting { folder, tables: BTreeMap::new(), notes };
        let rest: Vec<(&str, &Entry)> = match whole_dump(entries) {
            Some((schema, definitions)) => {
                let name = folder.file_name().and_then(|name| name.to_str()).unwrap_or_default();
                let [data, file] = [DUMP.0, DUMP.1].map(|name| folder.join(name));
                sorting.dump(definitions.names().first().unwrap_or(&name), file, schema, data);
                entries
                    .iter()
                    .map(|(name, entry)| (name.as_str(), entry))
                    .filter(|(name, _)| *name != DUMP.0 && *name != DUMP.1)
                    .collect()
            }
            None => entries.iter().map(|(name, entry)| (name.as_str(), entry)).collect(),
        };
        // Whose the other files are can be told once all definitions are known.
        let rest: Vec<_> = rest.into_iter().filter(|(name, entry)| !sorting.define(name, entry)).collect();
        let rest: Vec<_> = rest.into_iter().filter(|(name, entry)| !sorting.give(name, entry)).collect();
        let undefined: Vec<_> = rest.into_iter().filter(|(name, entry)| !sorting.miss(name, entry)).collect();
        for (name, entry) in undefined {
            sorting.leave_out(name, entry);
        }
        sorting.finish()
    }
}

/// The definition of the one table of which the folder itself is a dump.
fn whole_dump(entries: &BTreeMap<String, Entry>) -> Option<(&Found, &Definitions)> {
    let (Entry::Folder(_), Entry::File(schema)) = (entries.get(DUMP.0)?, entries.get(DUMP.1)?) else { return None };
    let definitions = schema.content.definitions()?;
    (!definitions.is_collection()).then_some((schema, definitions))
}

/// Files on their way to the tables.
struct Sorting<'f> {
    folder: &'f Path,
    tables: BTreeMap<String, Parts>,
    notes: Vec<String>,
}

impl Sorting<'_> {
    /// Takes a file with definitions, or a folder that is a dump; whether it is one.
    fn define(&mut self, name: &str, entry: &Entry) -> bool {
        let path = self.folder.join(name);
        match entry {
            Entry::File(found) => {
                let Some(definitions) = found.content.definitions() else { return false };
                self.define_all(name, path, found, definitions);
                true
            }
            Entry::Folder(Some(schema)) => {
                let Some(definitions) = schema.content.definitions() else { return false };
                if definitions.is_collection() {
                    self.notes.push(format!("{name} is not served: its {} is not the definition of one table", DUMP.1));
                } else {
                    let table = definitions.names().first().copied().unwrap_or(name).to_owned();
                    self.dump(&table, path.join(DUMP.1), schema, path);
                }
                true
            }
            Entry::Folder(None) | Entry::Unreadable(_) => false,
        }
    }

    fn define_all(&mut self, file: &str, path: PathBuf, found: &Found, definitions: &Definitions) {
        let definition = |is_named| Definition {
            path: path.clone(),
            stamp: found.stamp,
            content: Arc::clone(&found.content),
            is_named,
        };
        if !definitions.is_collection() {
            match stem(file) {
                Some(name) => drop(self.add(file, name, definition(true))),
                None => self.notes.push(format!(
                    "{file} is not served: the definition of a table is called NAME.json, .yaml, .yml or .template"
                )),
            }
            return;
        }
        let names = definitions.names();
        if names.is_empty() {
            self.notes.push(format!("{file} is not served: it defines a table without a name"));
        }
        for name in names {
            let has_items = matches!(*found.content, Content::Both(_)) && definitions.is_model();
            if let Some(parts) = self.add(file, name, definition(false))
                && has_items
            {
                parts.data.push(Source::Model(path.clone(), found.stamp));
            }
        }
    }

    /// Takes the definition and the folder of the data of a dump.
    fn dump(&mut self, table: &str, path: PathBuf, schema: &Found, data: PathBuf) {
        let content = Arc::clone(&schema.content);
        let definition = Definition { path, stamp: schema.stamp, content, is_named: false };
        if let Some(parts) = self.add(DUMP.1, table, definition) {
            parts.data.push(Source::Folder(data));
        }
    }

    fn add(&mut self, file: &str, name: &str, definition: Definition) -> Option<&mut Parts> {
        if let Some(problem) = table_name_problem(name) {
            let name = name.escape_debug();
            self.notes.push(format!("the table {name} of {file} is not served: a table's name must {problem}"));
            return None;
        }
        let parts = self.tables.entry(name.to_owned()).or_default();
        parts.files.push((definition.path.clone(), Some(definition.stamp)));
        parts.definitions.push(definition);
        Some(parts)
    }

    /// Gives a file to the table it is named after; whether there is one.
    fn give(&mut self, name: &str, entry: &Entry) -> bool {
        let Some(owner) = owner(name, &self.tables).map(str::to_owned) else { return false };
        let is_own_name = owner == name;
        let Some(parts) = self.tables.get_mut(&owner) else { return false };
        let path = self.folder.join(name);
        let (stamp, other) = match entry {
            Entry::Folder(_) if is_own_name => {
                parts.data.push(Source::Folder(path));
                return true;
            }
            Entry::Folder(_) => (None, Some("it is a folder, not a file")),
            Entry::Unreadable(reason) => (None, Some(reason.as_str())),
            Entry::File(found) => match &*found.content {
                Content::Other(reason) => (Some(found.stamp), Some(reason.as_str())),
                _ => (Some(found.stamp), None),
            },
        };
        match (stamp, other) {
            (_, Some(reason)) => parts.others.push((path.clone(), reason.to_owned())),
            (Some(stamp), None) => parts.data.push(Source::File(path.clone(), stamp)),
            (None, None) => {}
        }
        parts.files.push((path, stamp));
        true
    }

    /// Takes `NAME.json` that is no definition as a table that can't be read; whether it is one.
    fn miss(&mut self, name: &str, entry: &Entry) -> bool {
        let table = without(name, ".json").filter(|table| table_name_problem(table).is_none());
        let (Some(table), Entry::File(_) | Entry::Unreadable(_)) = (table, entry) else { return false };
        let path = self.folder.join(name);
        let (stamp, problem) = match entry {
            Entry::File(found) => (Some(found.stamp), not_a_definition(table, &found.content)),
            Entry::Unreadable(reason) => (None, reason.clone()),
            Entry::Folder(_) => return false,
        };
        let parts = self.tables.entry(table.to_owned()).or_default();
        parts.problem = format!("{}: {problem}", path.display());
        parts.files.push((path, stamp));
        true
    }

    /// Notes that a file is nobody's, unless it is that of a table without a definition.
    fn leave_out(&mut self, name: &str, entry: &Entry) {
        let is_undefined = |table: &str| self.tables.get(table).is_some_and(|parts| parts.definitions.is_empty());
        if owner(name, &self.tables).is_some_and(is_undefined) {
            return;
        }
        let reason = match entry {
            Entry::Folder(_) => format!("no table {name} is defined beside the folder"),
            Entry::Unreadable(reason) => reason.clone(),
            Entry::File(found) => match &*found.content {
                Content::Other(reason) => reason.clone(),
                _ => {
                    let name = unpacked(name);
                    let table = name.rsplit_once('.').map_or(name, |(table, _)| table);
                    format!(
                        "{table}.json, the definition of its table, is missing: `aws dynamodb describe-table --table-name \
                         {table} > {table}.json` writes it"
                    )
                }
            },
        };
        self.notes.push(format!("{name} is not served: {reason}"));
    }

    fn finish(mut self) -> Listing {
        for parts in self.tables.values() {
            // Without data the table fails, and says so.
            for (path, reason) in parts.others.iter().filter(|_| !parts.data.is_empty()) {
                let file = path.file_name().unwrap_or_default().display();
                self.notes.push(format!("{file} is not served: {reason}"));
            }
        }
        Listing {
            tables: self.tables.into_iter().map(|(name, parts)| (name, Arc::new(parts))).collect(),
            notes: self.notes,
        }
    }
}

/// What `NAME.json` is, if it doesn't define the table, and what to do.
fn not_a_definition(table: &str, content: &Content) -> String {
    let save = format!("save what `aws dynamodb describe-table --table-name {table}` prints as {table}.json");
    match content {
        Content::Empty => format!("there is nothing in it: {save}"),
        Content::Items => format!(
            "it holds items, and the definition of their table is missing: rename it to {table}.items.json, and {save}"
        ),
        Content::Damaged(reason) | Content::Other(reason) => {
            let what = "not the definition of a table";
            let reason = reason.strip_prefix(what).and_then(|reason| reason.strip_prefix(": ")).unwrap_or(reason);
            format!("{what}: {reason}")
        }
        Content::Definition(_) | Content::Both(_) => String::new(),
    }
}
