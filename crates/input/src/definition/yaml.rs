//! YAML as JSON, with the short forms of CloudFormation's functions: `!Ref X` is `{"Ref": "X"}`.

use std::collections::HashMap;

use saphyr_parser::{Event, Parser, ScalarStyle, Tag};
use serde_json::{Map, Value};

/// How deep YAML may nest.
const MAX_DEPTH: usize = 64;
/// The most values, aliases written out. A long text counts for several.
const MAX_VALUES: usize = 200_000;

/// Parses the first document.
///
/// # Errors
/// What is wrong, and where.
pub(super) fn parse(text: &[u8]) -> Result<Value, String> {
    let text = std::str::from_utf8(text).map_err(|_| "the text is not UTF-8".to_owned())?;
    // Some hundred bytes of them take the parser gigabytes.
    if let Some(line) = text.lines().position(has_complex_key) {
        return Err(format!("neither JSON nor YAML of a template: line {}: a complex key, `? `", line + 1));
    }
    let mut building = Building::default();
    for event in Parser::new_from_str(text) {
        let (event, _) = event.map_err(|error| {
            let place = error.marker();
            format!("neither JSON nor YAML: line {}, column {}: {}", place.line(), place.col() + 1, error.info())
        })?;
        if let Some(document) = building.take(event)? {
            return Ok(document);
        }
    }
    Err("there is nothing in it".to_owned())
}

/// Whether a line begins with the mark of a key that may be a collection.
fn has_complex_key(line: &str) -> bool {
    let rest = line.trim_start_matches(|c: char| c.is_whitespace() || matches!(c, '-' | ':' | '\u{feff}'));
    rest.strip_prefix('?').is_some_and(|rest| rest.is_empty() || rest.starts_with(char::is_whitespace))
}

#[derive(Default)]
struct Building {
    /// The collections that are open.
    open: Vec<Open>,
    anchors: HashMap<usize, (Value, usize)>,
    values: usize,
}

/// A collection, and what it takes to close it.
struct Open {
    content: Content,
    anchor: usize,
    tag: Option<String>,
    /// How many values there were before.
    before: usize,
}

enum Content {
    List(Vec<Value>),
    Map(Map<String, Value>, Option<String>),
}

impl Building {
    /// Takes an event; gives the document when it is whole.
    fn take(&mut self, event: Event<'_>) -> Result<Option<Value>, String> {
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let tag = short(tag.as_deref());
                let values = 1 + text.len() / 32;
                let value = match style {
                    ScalarStyle::Plain if tag.is_none() => plain(&text),
                    _ => Value::String(text.into_owned()),
                };
                self.add(tagged(value, tag), anchor, values)
            }
            Event::Alias(anchor) => {
                let (value, values) =
                    self.anchors.get(&anchor).cloned().ok_or("an alias inside of what it stands for")?;
                self.add(value, 0, values)
            }
            Event::SequenceStart(anchor, tag) => self.begin(Content::List(Vec::new()), anchor, short(tag.as_deref())),
            Event::MappingStart(anchor, tag) => {
                self.begin(Content::Map(Map::new(), None), anchor, short(tag.as_deref()))
            }
            Event::SequenceEnd | Event::MappingEnd => {
                let Some(open) = self.open.pop() else { return Ok(None) };
                let value = match open.content {
                    Content::List(list) => Value::Array(list),
                    Content::Map(map, _) => Value::Object(map),
                };
                let values = self.values - open.before;
                self.values = open.before;
                self.add(tagged(value, open.tag), open.anchor, values + 1)
            }
            _ => Ok(None),
        }
    }

    fn begin(&mut self, content: Content, anchor: usize, tag: Option<String>) -> Result<Option<Value>, String> {
        if self.open.len() == MAX_DEPTH {
            return Err("it is nested too deep".to_owned());
        }
        self.open.push(Open { content, anchor, tag, before: self.values });
        Ok(None)
    }

    /// Adds a value, of so many values, where the text is.
    fn add(&mut self, value: Value, anchor: usize, values: usize) -> Result<Option<Value>, String> {
        self.values += values;
        if self.values > MAX_VALUES {
            return Err(format!("it has more than {MAX_VALUES} values"));
        }
        if anchor > 0 {
            // What anchors keep is bounded like the document.
            let kept: usize = self.anchors.values().map(|(_, values)| values).sum();
            if kept + values > MAX_VALUES {
                return Err(format!("it has more than {MAX_VALUES} values"));
            }
            self.anchors.insert(anchor, (value.clone(), values));
        }
        match self.open.last_mut().map(|open| &mut open.content) {
            None => return Ok(Some(value)),
            Some(Content::List(list)) => list.push(value),
            Some(Content::Map(map, name)) => match name.take() {
                None => {
                    *name = Some(match value {
                        Value::String(text) => text,
                        other => other.to_string(),
                    });
                }
                Some(name) => drop(map.insert(name, value)),
            },
        }
        Ok(None)
    }
}

/// The function that a tag stands for.
fn short(tag: Option<&Tag>) -> Option<String> {
    let tag = tag.filter(|tag| tag.handle == "!" && !tag.suffix.is_empty())?;
    Some(if tag.suffix == "Ref" || tag.suffix == "Condition" {
        tag.suffix.clone()
    } else {
        format!("Fn::{}", tag.suffix)
    })
}

fn tagged(value: Value, tag: Option<String>) -> Value {
    match tag {
        None => value,
        Some(function) => Value::Object(Map::from_iter([(function, value)])),
    }
}

/// A scalar without quotes. Names and types stay text: only what definitions have as something else is read so.
fn plain(text: &str) -> Value {
    match text {
        "true" | "True" | "TRUE" => Value::Bool(true),
        "false" | "False" | "FALSE" => Value::Bool(false),
        "" | "~" | "null" | "Null" | "NULL" => Value::Null,
        _ => text.parse().map_or_else(|_| Value::String(text.to_owned()), |number: u64| Value::Number(number.into())),
    }
}
