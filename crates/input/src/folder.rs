//! What the files of a folder are: data, a definition, or left out, by their content.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::fs::{self, File, Metadata};
use std::io;
use std::path::{Path, PathBuf};

use schema::escape;

use crate::definition::{DefinitionError, Definitions, Table};
use crate::error::{Error, Place, Problem};
use crate::files;
use crate::form::Form;
use crate::reading::{Input, open};
use crate::sink::{Item, ItemError, Sink};

/// Files that are longer on disk define no table.
const MAX_DEFINITION: u64 = 4 << 20;
/// The folder of the data in a dump of dynamodump, and the definition beside it.
const DUMP: (&str, &str) = ("data", "schema.json");
/// The most files that an error names.
const MAX_NAMED: usize = 10;

/// The files of one table in a folder.
#[derive(Debug, Default)]
pub struct Folder {
    /// The files of items, by name.
    pub data: Vec<PathBuf>,
    /// The file that defines the table, and the table.
    pub definition: Option<(PathBuf, Table)>,
    /// The table was chosen among several by its definition; its files may name none.
    pub is_chosen: bool,
    /// What else is there. Hidden files, and empty ones like `_SUCCESS`, are not named.
    pub left_out: Vec<LeftOut>,
}

/// A file or folder that is not read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftOut {
    /// Which.
    pub path: PathBuf,
    /// Why.
    pub reason: String,
}

/// Why a folder can't be read as one table.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FolderError {
    /// A file or the folder can't be read.
    #[error("{}: {error}", shown(path))]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// Definitions of several tables.
    #[error(
        "{}: a folder of several tables ({definitions}): name one data file, or choose one with --table NAME",
        shown(path)
    )]
    SeveralTables {
        /// The folder.
        path: PathBuf,
        /// The files that define them.
        definitions: String,
    },
    /// A definition that is wrong.
    #[error("{}: {error}", shown(path))]
    Definition {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        error: DefinitionError,
    },
    /// There is no file of items.
    #[error("{}: no file of items in it{left_out}", shown(path))]
    NoData {
        /// The folder.
        path: PathBuf,
        /// The other files, with the reasons.
        left_out: String,
    },
}

/// What a file is.
pub enum Content {
    /// Nothing, or an answer without items.
    Empty,
    /// Items.
    Items,
    /// It may hold items, but can't be read as far as the first one, for this reason.
    Damaged(String),
    /// Definitions of tables.
    Definition(Definitions),
    /// A model with items.
    Both(Definitions),
    /// Neither items nor a definition: what it looks like, and what to do.
    Other(String),
}

impl Content {
    /// The definitions that the file holds.
    pub fn definitions(&self) -> Option<&Definitions> {
        match self {
            Content::Definition(found) | Content::Both(found) => Some(found),
            Content::Empty | Content::Items | Content::Damaged(_) | Content::Other(_) => None,
        }
    }
}

/// Finds the files of one table: a file with the definition in or beside it, or a folder. `-`, the standard input, has no more.
///
/// # Errors
/// As for [`open_folder`] and [`definition_beside`].
pub fn open_path(path: &Path, table: Option<&str>) -> Result<Folder, FolderError> {
    if path.is_dir() {
        return open_folder(path, table);
    }
    let mut found = Folder { data: vec![path.to_owned()], ..Folder::default() };
    if path.as_os_str() != "-" {
        let io = |error| FolderError::Io { path: path.to_owned(), error };
        let metadata = files::regular(path).map_err(io)?;
        found.definition = match definitions(path, &metadata).map_err(io)?.filter(Definitions::is_model) {
            Some(model) => Some(chosen(path.to_owned(), model, table)?),
            None => definition_beside(path, table)?,
        };
    }
    Ok(found)
}

/// Finds the data and the definition of the one table in a folder; `table` is chosen if the definition has several.
///
/// # Errors
/// If something can't be read, there are several tables, or no file of items.
pub fn open_folder(path: &Path, table: Option<&str>) -> Result<Folder, FolderError> {
    let mut folder = Folder::default();
    let mut definitions = Vec::new();
    let dump = path.join(DUMP.1).is_file();
    for (entry, metadata) in entries(path)? {
        let name = entry.file_name().unwrap_or_default().to_string_lossy();
        if name.starts_with('.') || name.starts_with('_') && metadata.is_file() && metadata.len() == 0 {
            continue;
        }
        if metadata.is_dir() && dump && name == DUMP.0 {
            let inner = open_folder(&entry, table)?;
            folder.data.extend(inner.data);
            folder.left_out.extend(inner.left_out);
            continue;
        }
        let content = if metadata.is_dir() {
            Content::Other("a folder: name it to read it".to_owned())
        } else if metadata.is_file() {
            content(&entry, &metadata).map_err(|error| FolderError::Io { path: entry.clone(), error })?
        } else {
            Content::Other("no regular file".to_owned())
        };
        match content {
            Content::Empty | Content::Items | Content::Damaged(_) => folder.data.push(entry),
            Content::Definition(found) => definitions.push((entry, found)),
            Content::Both(found) => {
                folder.data.push(entry.clone());
                definitions.push((entry, found));
            }
            Content::Other(reason) => folder.left_out.push(LeftOut { path: entry, reason }),
        }
    }
    if let (Some(table), true) = (table, definitions.len() > 1) {
        narrow(&mut folder, &mut definitions, table);
    }
    if definitions.len() > 1 {
        let names: Vec<String> = definitions.iter().take(MAX_NAMED).map(|(path, _)| file_name(path)).collect();
        return Err(FolderError::SeveralTables { path: path.to_owned(), definitions: names.join(", ") });
    }
    if folder.data.is_empty() {
        return Err(FolderError::NoData { path: path.to_owned(), left_out: listed(&folder.left_out) });
    }
    folder.definition = match definitions.pop() {
        Some((path, found)) => Some(chosen(path, found, table)?),
        None => definition_above(path, table)?,
    };
    Ok(folder)
}

/// Leaves what belongs to one of several tables: its definition, and the files that are named after it.
fn narrow(folder: &mut Folder, definitions: &mut Vec<(PathBuf, Definitions)>, table: &str) {
    let names_of = |(path, found): &(PathBuf, Definitions)| -> Vec<String> {
        match &found.names()[..] {
            [] => path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).into_iter().collect(),
            names => names.iter().map(|name| (*name).to_owned()).collect(),
        }
    };
    let names: BTreeSet<String> = definitions.iter().flat_map(names_of).collect();
    if !names.contains(table) {
        return;
    }
    folder.is_chosen = true;
    definitions.retain(|definition| names_of(definition).iter().any(|name| name == table));
    // Names hold dots: a file is of the longest name that fits.
    let owner = |file: &str| {
        let is_prefix = |name: &&String| {
            file.strip_prefix(name.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        names.iter().filter(is_prefix).max_by_key(|name| name.len())
    };
    let is_own = |path: &PathBuf| {
        definitions.iter().any(|(definition, _)| definition == path)
            || owner(&path.file_name().unwrap_or_default().to_string_lossy()).is_some_and(|name| name == table)
    };
    let (own, others): (Vec<PathBuf>, Vec<PathBuf>) = std::mem::take(&mut folder.data).into_iter().partition(is_own);
    folder.data = own;
    folder
        .left_out
        .extend(others.into_iter().map(|path| LeftOut { path, reason: "not of the chosen table".to_owned() }));
}

/// The definition that belongs to a data file: `NAME.json` beside it, or the one of a dump beside or above it.
///
/// # Errors
/// If one is there and can't be read, or defines something else than one table. A `NAME.json` that is no definition is
/// nobody's concern.
pub fn definition_beside(data: &Path, table: Option<&str>) -> Result<Option<(PathBuf, Table)>, FolderError> {
    let name = data.file_name().unwrap_or_default().to_string_lossy();
    // Names may hold dots themselves, and endings may be any.
    let stems = name.match_indices('.').map(|(dot, _)| &name[..dot]).chain([&*name]);
    let own = stems.filter(|stem| !stem.is_empty()).map(|stem| data.with_file_name(format!("{stem}.json")));
    for beside in own.chain([data.with_file_name(DUMP.1)]) {
        if beside != data
            && !beside.is_dir()
            && files::is_there(&beside).unwrap_or(false)
            && let Some(found) = defined(&beside)?
        {
            return chosen(beside, found, table).map(Some);
        }
    }
    match data.parent() {
        Some(folder) => definition_above(folder, table),
        None => Ok(None),
    }
}

/// The definition of a dump, if `folder` is its data.
fn definition_above(folder: &Path, table: Option<&str>) -> Result<Option<(PathBuf, Table)>, FolderError> {
    let above = folder.with_file_name(DUMP.1);
    if folder.file_name() != Some(DUMP.0.as_ref()) || !above.is_file() {
        return Ok(None);
    }
    defined(&above)?.map(|found| chosen(above, found, table)).transpose()
}

/// The definitions in a file, or `None` if it is something else.
fn defined(path: &Path) -> Result<Option<Definitions>, FolderError> {
    let io = |error| FolderError::Io { path: path.to_owned(), error };
    match Definitions::open(files::open(path).map_err(io)?) {
        Ok(found) => Ok(Some(found)),
        Err(DefinitionError::Input(Error::Io(error))) => Err(io(error)),
        Err(_) => Ok(None),
    }
}

fn chosen(path: PathBuf, found: Definitions, table: Option<&str>) -> Result<(PathBuf, Table), FolderError> {
    match found.table(table) {
        Ok(table) => Ok((path, table)),
        Err(error) => Err(FolderError::Definition { path, error }),
    }
}

/// The entries of a folder by name, links followed.
fn entries(path: &Path) -> Result<Vec<(PathBuf, Metadata)>, FolderError> {
    let io = |path: &Path, error| FolderError::Io { path: path.to_owned(), error };
    let mut found = Vec::new();
    for entry in fs::read_dir(path).map_err(|error| io(path, error))? {
        let entry = entry.map_err(|error| io(path, error))?.path();
        let metadata = fs::metadata(&entry).map_err(|error| io(&entry, error))?;
        found.push((entry, metadata));
    }
    found.sort_by(|(a, _), (b, _)| a.cmp(b));
    Ok(found)
}

/// Finds out what a regular file is.
///
/// # Errors
/// If it can't be read at all. Whatever else is wrong with data is told when it is read.
pub fn content(path: &Path, metadata: &Metadata) -> io::Result<Content> {
    let input = match open(File::open(path)?) {
        Ok(input) => input,
        Err(Error::Io(error)) => return Err(error),
        Err(Error::Refused(refusal)) => {
            return Ok(match definitions(path, metadata)? {
                Some(found) => Content::Definition(found),
                None => Content::Other(refusal.to_string()),
            });
        }
        Err(error) => return Ok(Content::Damaged(error.to_string())),
    };
    match input.form() {
        Form::Empty => return Ok(Content::Empty),
        Form::Lines | Form::Ion => return Ok(Content::Items),
        Form::Documents => {}
    }
    let found = definitions(path, metadata)?;
    match (probe(input), found) {
        (Ok(true), Some(found)) => Ok(Content::Both(found)),
        (_, Some(found)) => Ok(Content::Definition(found)),
        (Ok(true), None) => Ok(Content::Items),
        (Ok(false), None) => Ok(Content::Empty),
        (Err(Error::Io(error)), None) => Err(error),
        (Err(error), None) if is_other(&error) => Ok(Content::Other(error.to_string())),
        (Err(error), None) => Ok(Content::Damaged(error.to_string())),
    }
}

/// The definitions in a file that may be something else.
fn definitions(path: &Path, metadata: &Metadata) -> io::Result<Option<Definitions>> {
    if metadata.len() > MAX_DEFINITION {
        return Ok(None);
    }
    match Definitions::open(File::open(path)?) {
        Ok(found) => Ok(Some(found)),
        Err(DefinitionError::Input(Error::Io(error))) => Err(error),
        Err(_) => Ok(None),
    }
}

/// Whether a file with this error is none of items, rather than one that is damaged.
fn is_other(error: &Error) -> bool {
    match error {
        Error::NoItems { .. } => true,
        Error::Text { problem, .. } => {
            matches!(problem, Problem::Plain | Problem::Definition | Problem::Manifest | Problem::Request)
        }
        _ => false,
    }
}

/// Whether there is an item. What comes after it is not read.
fn probe(input: Input<impl io::BufRead>) -> Result<bool, Error> {
    struct First;
    impl Sink for First {
        fn lines(&mut self, _: &[u8]) -> Result<(), ItemError> {
            Ok(())
        }

        fn item(&mut self, _: Item<'_>) -> Result<(), ItemError> {
            Err(ItemError { place: Place::START, error: "an item".into() })
        }
    }
    match input.read(None, &mut First) {
        Err(Error::Item { .. }) => Ok(true),
        Ok(_) => Ok(false),
        Err(error) => Err(error),
    }
}

fn shown(path: &Path) -> String {
    escape::line(&path.to_string_lossy())
}

fn file_name(path: &Path) -> String {
    escape::line(&path.file_name().unwrap_or_default().to_string_lossy())
}

/// The files and the reasons, for an error.
fn listed(left_out: &[LeftOut]) -> String {
    let mut text = String::new();
    for LeftOut { path, reason } in left_out.iter().take(MAX_NAMED) {
        let _ = write!(text, "; {} is left out: {reason}", file_name(path));
    }
    if left_out.len() > MAX_NAMED {
        let _ = write!(text, "; and {} more", left_out.len() - MAX_NAMED);
    }
    text
}
