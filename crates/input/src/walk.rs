//! A walk through any JSON that may hold items: what wraps them is read as a stream, and each item as a whole.
//!
//! Whether an object is an item or wraps some follows from its first member. An attribute value is one type and its content,
//! and nothing that wraps items has such a member; so an attribute may have any name, `Items` too.

use std::io::BufRead;
use std::rc::Rc;

use schema::{ReadErrorKind, Reader, TypeOptions};

use crate::error::{Error, Place, Problem};
use crate::json::Cursor;
use crate::sink::{Item, Sink};
use crate::tables::{LeftOut, Summary, Tables};
use crate::value::{self, Spelling};

mod object;

use object::{Found, Object};

/// The most bytes of an item. The largest possible one, of 400 KB, takes under 6 MB of DynamoDB JSON without white space.
const MAX_ITEM: usize = 16 << 20;
/// The most bytes of a member that is no item.
const MAX_ELSE: usize = 1 << 20;
/// How deep wrappers nest in one another.
const MAX_WRAPPERS: u32 = 12;

/// Members that hold lists of items, or of what wraps one, by table.
const TABLE_MAPS: [&str; 2] = ["Responses", "RequestItems"];

/// A walk through a text.
pub(crate) struct Walk<'a, 's> {
    cursor: Cursor<'a>,
    sink: &'s mut dyn Sink,
    tables: Tables,
    left_out: LeftOut,
    /// The items so far, of whatever table.
    items: u64,
    /// Stream records of which the old image was read.
    old_images: u64,
    /// The last answer says that there is more.
    cut_off: bool,
    /// An answer says that it lacks something.
    unprocessed: bool,
}

/// Where an object or array stands.
#[derive(Clone, Default)]
struct Context {
    table: Option<Rc<str>>,
    depth: u32,
    list: List,
}

/// What the list is that an object is in.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum List {
    #[default]
    Any,
    /// Items, and nothing that wraps them.
    Items,
    /// Answers, of which some hold nothing.
    Answers,
    /// Tables of a model of NoSQL Workbench, or facets of one.
    Models,
}

impl Context {
    fn inside(&self, list: List) -> Context {
        Context { table: self.table.clone(), depth: self.depth + 1, list }
    }
}

impl<'a, 's> Walk<'a, 's> {
    pub(crate) fn new(text: &'a mut dyn BufRead, sink: &'s mut dyn Sink, tables: Tables) -> Walk<'a, 's> {
        Walk {
            cursor: Cursor::new(text),
            sink,
            tables,
            left_out: LeftOut::default(),
            items: 0,
            old_images: 0,
            cut_off: false,
            unprocessed: false,
        }
    }

    /// Reads all of the text: documents one after the other.
    pub(crate) fn run(mut self) -> Result<Summary, Error> {
        let context = Context::default();
        while self.cursor.peek()?.is_some() {
            self.document(&context)?;
        }
        let table = self.tables.finish()?;
        if self.items == 0 && !self.left_out.is_empty() {
            return Err(self.left_out.no_items());
        }
        let mut notes = Vec::new();
        if self.old_images > 0 {
            notes.push(format!("stream records without a NewImage, read from their OldImage: {}", self.old_images));
        }
        if self.cut_off {
            notes.push(
                "the last answer is not the last page (it has a LastEvaluatedKey or a NextToken): the table holds more items".into(),
            );
        }
        if self.unprocessed {
            notes.push("an answer has UnprocessedKeys or UnprocessedItems: these items are missing".into());
        }
        Ok(Summary::new(table, &self.left_out, notes))
    }

    fn document(&mut self, context: &Context) -> Result<(), Error> {
        let next = self.cursor.peek()?;
        let place = self.cursor.place();
        if context.depth > MAX_WRAPPERS {
            return Err(Problem::TooDeep.at(place));
        }
        match next {
            Some(b'{') => self.object(context),
            Some(b'[') => self.array(context).map(drop),
            None => Err(Problem::Truncated.at(place)),
            Some(b',' | b']' | b'}' | b':') if context.depth > 0 => Err(Problem::Expected("an item").at(place)),
            Some(_) if context.depth > 0 => Err(Problem::Plain.at(place)),
            Some(_) => Err(Problem::Expected("an item or an answer, which starts with '{' or '['").at(place)),
        }
    }

    /// Reads a list of objects; how many items were in it.
    fn array(&mut self, context: &Context) -> Result<u64, Error> {
        let before = self.items;
        let inside = Context { depth: context.depth + 1, ..context.clone() };
        let more = self.cursor.open(b'[', b']')?;
        self.elements(more, &inside)?;
        Ok(self.items - before)
    }

    /// Reads the rest of a list, if there is `more` of it.
    fn elements(&mut self, mut more: bool, inside: &Context) -> Result<(), Error> {
        while more {
            self.document(inside)?;
            more = self.cursor.has_more(b']')?;
        }
        Ok(())
    }

    /// Reads an object: an item, or what wraps some.
    fn object(&mut self, context: &Context) -> Result<(), Error> {
        let start = self.cursor.place();
        self.cursor.begin_record(MAX_ITEM, Problem::TooLong);
        if context.list == List::Items {
            self.cursor.value()?;
            let (text, place) = self.cursor.end_record();
            return self.give(&Found { text, place }, context.table.as_ref());
        }
        if !self.cursor.open(b'{', b'}')? {
            let (text, place) = self.cursor.end_record();
            return self.empty(context, Found { text, place });
        }
        let mut object = Object::new(context.table.clone());
        let name = self.cursor.name()?;
        let next = self.cursor.peek()?;
        match next {
            Some(b'{') if TABLE_MAPS.contains(&&*name) => {
                if self.table_map(&name, context)? {
                    return self.rest_of_item(context);
                }
                object.known = true;
            }
            Some(b'{') => {
                let (from, place) = (self.cursor.recorded().len(), self.cursor.place());
                self.cursor.value()?;
                if value::is_attribute_value(self.cursor.recorded().get(from..).unwrap_or_default()) {
                    return self.rest_of_item(context);
                }
                let (mut text, _) = self.cursor.end_record();
                object.add(&name, Found { text: text.split_off(from), place })?;
            }
            _ => {
                self.cursor.end_record();
                self.member(&mut object, &name, context)?;
            }
        }
        while self.cursor.has_more(b'}')? {
            let name = self.cursor.name()?;
            self.member(&mut object, &name, context)?;
        }
        self.finish(object, start, context)
    }

    /// Reads the rest of an item, of which the first member was read and recorded.
    fn rest_of_item(&mut self, context: &Context) -> Result<(), Error> {
        while self.cursor.has_more(b'}')? {
            self.cursor.name()?;
            self.cursor.value()?;
        }
        let (text, place) = self.cursor.end_record();
        self.give(&Found { text, place }, context.table.as_ref())
    }

    fn empty(&mut self, context: &Context, found: Found) -> Result<(), Error> {
        match context.list {
            List::Any | List::Items => self.give(&found, context.table.as_ref()),
            List::Answers => {
                self.left_out.add("answers without an Item", 1);
                Ok(())
            }
            List::Models => Err(Problem::Plain.at(found.place)),
        }
    }

    /// Reads a map of lists by table, the member `name` of an object. A first member may also be an attribute value, which is
    /// recorded, if there is a record: whether it is.
    fn table_map(&mut self, name: &str, context: &Context) -> Result<bool, Error> {
        let list = if name == "Responses" { List::Items } else { List::Any };
        let recorded = self.cursor.is_recording();
        let mut more = self.cursor.open(b'{', b'}')?;
        if more && recorded {
            let table = self.cursor.name()?;
            if self.cursor.peek()?.is_some_and(|next| value::may_begin(&table, next)) {
                loop {
                    self.cursor.value()?;
                    if !self.cursor.has_more(b'}')? {
                        return Ok(true);
                    }
                    self.cursor.name()?;
                }
            }
            self.cursor.end_record();
            self.table(&table, list, context)?;
            more = self.cursor.has_more(b'}')?;
        }
        self.cursor.end_record();
        while more {
            let table = self.cursor.name()?;
            self.table(&table, list, context)?;
            more = self.cursor.has_more(b'}')?;
        }
        Ok(false)
    }

    /// Reads the list of a table.
    fn table(&mut self, name: &str, list: List, context: &Context) -> Result<(), Error> {
        match self.cursor.peek()? {
            Some(b'[') => {
                let table: Rc<str> = name.into();
                self.tables.add(&table);
                let inside = Context { table: Some(table), ..context.inside(list) };
                let more = self.cursor.open(b'[', b']')?;
                if !more && self.tables.chooses(inside.table.as_ref()) {
                    // It does not say that the table is empty, and a damaged item may look like it.
                    self.left_out.add("empty lists of a table", 1);
                }
                self.elements(more, &inside)
            }
            Some(b'{') => Err(Problem::Request.at(self.cursor.place())),
            _ => Err(Problem::Expected("a list for each table").at(self.cursor.place())),
        }
    }

    /// Reads a member of an object that is no item.
    fn member(&mut self, object: &mut Object, name: &str, context: &Context) -> Result<(), Error> {
        let next = self.cursor.peek()?;
        match next {
            Some(b'[') => self.list(object, name, context),
            Some(b'{') if TABLE_MAPS.contains(&name) => {
                object.known = true;
                self.table_map(name, context).map(drop)
            }
            _ => {
                let (limit, problem): (usize, fn(usize) -> Problem) = match object::holds_items(name) {
                    true => (MAX_ITEM, Problem::TooLong),
                    false => (MAX_ELSE, Problem::TooMuchElse),
                };
                self.cursor.begin_record(limit, problem);
                self.cursor.value()?;
                let (text, place) = self.cursor.end_record();
                object.add(name, Found { text, place })
            }
        }
    }

    /// Reads a list that is a member of an object.
    fn list(&mut self, object: &mut Object, name: &str, context: &Context) -> Result<(), Error> {
        let place = self.cursor.place();
        let list = match name {
            "Items" | "TableData" => List::Items,
            "Records" | "TransactItems" => List::Any,
            "Responses" => List::Answers,
            "DataModel" => List::Models,
            // Views of a table, each with items of its own.
            "TableFacets" if context.list == List::Models => List::Models,
            _ => return self.other_list(object, name, context),
        };
        let inside = Context { table: object.table.clone(), depth: context.depth, list };
        if context.list == List::Models && object.table.is_none() {
            return Err(Problem::Expected("TableName before TableData").at(place));
        }
        object.known = true;
        let items = self.array(&inside)?;
        if name == "Items" && object.items.replace(items).is_some() {
            return Err(Problem::DuplicateName.at(place));
        }
        Ok(())
    }

    /// Reads a list of which only what is in it can tell what it is: the requests for a table, its items, or something else.
    fn other_list(&mut self, object: &mut Object, name: &str, context: &Context) -> Result<(), Error> {
        object::refuse(name).map_err(|problem| problem.at(self.cursor.place()))?;
        self.cursor.begin_record(MAX_ELSE, Problem::TooMuchElse);
        let mut more = self.cursor.open(b'[', b']')?;
        let may_be = !object.is_answer() && context.list == List::Any;
        let is_table = may_be && more && self.cursor.peek()? == Some(b'{');
        if is_table {
            self.cursor.end_record();
            let table: Rc<str> = name.into();
            self.tables.add(&table);
            let inside = Context { table: Some(table), ..context.inside(List::Any) };
            object.has_tables = true;
            return self.elements(more, &inside);
        }
        while more {
            self.cursor.value()?;
            more = self.cursor.has_more(b']')?;
        }
        let (text, place) = self.cursor.end_record();
        object.add(name, Found { text, place })
    }

    /// Gives what an object held.
    fn finish(&mut self, mut object: Object, start: Place, context: &Context) -> Result<(), Error> {
        // A table or a facet may have no items.
        object.known |= context.list == List::Models;
        object.check(start)?;
        let table = object.table.take();
        if let (List::Models, Some(table)) = (context.list, &table) {
            self.tables.add(table);
        }
        if object.items.is_some() {
            self.cut_off = object.cut_off;
        }
        self.unprocessed |= object.unprocessed;
        let old_image = object.is_old_image();
        match object.item() {
            Some(found) => {
                self.old_images += u64::from(old_image);
                self.give(&found, table.as_ref())
            }
            None => {
                if self.tables.chooses(table.as_ref()) {
                    self.left_out.merge(object.left_out());
                }
                Ok(())
            }
        }
    }

    /// Gives an item to the sink.
    fn give(&mut self, found: &Found, table: Option<&Rc<str>>) -> Result<(), Error> {
        let Found { text, place } = found;
        let at = |at: usize| place.after(text.get(..at).unwrap_or(text));
        if let Err(error) = std::str::from_utf8(text) {
            return Err(Problem::Utf8.at(at(error.valid_up_to())));
        }
        let spelling = value::item(text).map_err(|wrong| match value::has_tags(text) {
            true => refusal_of_reader(text)
                .map_or(Problem::NotAnItem.at(at(wrong)), |(wrong, kind)| Problem::Item(kind).at(at(wrong))),
            false => Problem::Plain.at(at(wrong)),
        })?;
        self.items += 1;
        if !self.tables.wants(table) {
            return Ok(());
        }
        let mut copy = Vec::new();
        let line = match spelling {
            Spelling::Usual if memchr::memchr2(b'\n', b'\r', text).is_none() => text,
            Spelling::Usual => {
                copy.extend(text.iter().map(|byte| if matches!(byte, b'\n' | b'\r') { b' ' } else { *byte }));
                &copy
            }
            Spelling::Unusual => {
                copy = value::respelled(text);
                &copy
            }
        };
        self.sink.item(Item { line, place: *place, table: table.map(|table| &**table) }).map_err(|refused| {
            // The place in another spelling is no place in the text.
            let in_item = usize::try_from(refused.place.offset).unwrap_or(usize::MAX);
            let place = if spelling == Spelling::Usual { at(in_item) } else { *place };
            Error::Item { place, error: refused.error }
        })
    }
}

/// What the reader of lines says of an item that is none, and where.
#[cold]
fn refusal_of_reader(text: &[u8]) -> Option<(usize, ReadErrorKind)> {
    let line: Vec<u8> = text.iter().map(|byte| if *byte == b'\n' { b' ' } else { *byte }).collect();
    let mut reader = Reader::new(&TypeOptions::default());
    let error = reader.lines(&line).and_then(|()| reader.end_text()).err()?;
    Some((usize::try_from(error.offset).ok()?, error.kind))
}

#[cfg(test)]
mod tests;
