//! Items and attribute values in JSON that is at hand as a whole.
//!
//! Tags are read in whatever case: Java's serializers write `s`, `sS`, `bOOL` and `nULLValue`. Whether a name is a tag
//! or an attribute follows from its place. So do members that are null, as Go's and Java's serializers write for all types
//! that a value is not of.

use std::borrow::Cow;
use std::ops::Range;

use crate::json::MAX_DEPTH;

/// The types of attribute values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tag {
    Scalar(&'static str),
    Bool(&'static str),
    Set(&'static str),
    List,
    Map,
}

impl Tag {
    fn of(name: &str) -> Option<Tag> {
        const TAGS: [(&str, Tag); 12] = [
            ("S", Tag::Scalar("S")),
            ("N", Tag::Scalar("N")),
            ("B", Tag::Scalar("B")),
            ("M", Tag::Map),
            ("L", Tag::List),
            ("BOOL", Tag::Bool("BOOL")),
            ("NULL", Tag::Bool("NULL")),
            ("SS", Tag::Set("SS")),
            ("NS", Tag::Set("NS")),
            ("BS", Tag::Set("BS")),
            ("NULLVALUE", Tag::Bool("NULL")),
            ("NUL", Tag::Bool("NULL")),
        ];
        TAGS.iter().find(|(tag, _)| tag.eq_ignore_ascii_case(name)).map(|(_, tag)| *tag)
    }

    /// As DynamoDB spells it.
    fn name(self) -> &'static str {
        match self {
            Tag::Scalar(name) | Tag::Bool(name) | Tag::Set(name) => name,
            Tag::List => "L",
            Tag::Map => "M",
        }
    }
}

/// A member of an object: its name with the quotes, and where its value begins.
struct Member {
    name: Range<usize>,
    value: usize,
}

/// A name with a value, as [`members`] gives them.
pub(crate) struct Named<'s> {
    pub(crate) name: Cow<'s, str>,
    pub(crate) value: &'s [u8],
    /// Where the value begins.
    pub(crate) at: usize,
}

/// How an item is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Spelling {
    /// As DynamoDB writes it.
    Usual,
    /// With other tags, or with members that are null.
    Unusual,
}

/// How the item that `text` is, and nothing else, is written.
///
/// # Errors
/// The place from which on it can't be one.
pub(crate) fn item(text: &[u8]) -> Result<Spelling, usize> {
    let mut walk = Walk { lenient: true, ..Walk::new(text) };
    let end = walk.item(0, 0)?;
    let end = walk.space(end);
    match (end == text.len(), walk.usual) {
        (false, _) => Err(end),
        (true, true) => Ok(Spelling::Usual),
        (true, false) => Ok(Spelling::Unusual),
    }
}

/// The item as DynamoDB writes it. It has been checked by [`item`].
pub(crate) fn respelled(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let _ = Walk { lenient: true, out: Some(&mut out), ..Walk::new(text) }.item(0, 0);
    out
}

/// Whether `text` is one type and its content.
pub(crate) fn is_attribute_value(text: &[u8]) -> bool {
    Walk::new(text).attribute_value(0, 0).is_ok()
}

/// Whether an attribute of what should be an item, or anything in it, looks like an attribute value.
pub(crate) fn has_tags(text: &[u8]) -> bool {
    let is_tagged = |value: &[u8]| {
        value.starts_with(b"{")
            && members(value)
                .first()
                .is_some_and(|member| Tag::of(&member.name).is_some_and(|tag| tag.name() == member.name))
    };
    members(text).iter().any(|member| is_tagged(member.value)) || holds_attribute_values(text)
}

/// Whether an attribute value may begin with this name and this byte of the content.
pub(crate) fn may_begin(name: &str, content: u8) -> bool {
    Tag::of(name).is_some_and(|tag| match tag {
        _ if content == b'n' => true,
        Tag::Scalar(_) => content == b'"',
        Tag::Bool(_) => matches!(content, b't' | b'f'),
        Tag::Set(_) | Tag::List => content == b'[',
        Tag::Map => content == b'{',
    })
}

/// Whether an attribute value stands anywhere in `text`, which is JSON.
pub(crate) fn holds_attribute_values(text: &[u8]) -> bool {
    let mut at = 0;
    let walk = Walk::new(text);
    while let Some(next) = memchr::memchr2(b'{', b'"', text.get(at..).unwrap_or_default()) {
        at += next;
        at = match text.get(at) {
            Some(b'"') => match walk.string_end(at) {
                Ok(end) => end,
                Err(_) => return false,
            },
            _ if is_attribute_value(text.get(at..).unwrap_or_default()) => return true,
            _ => at + 1,
        };
    }
    false
}

/// The members of the object that `text` is.
pub(crate) fn members(text: &[u8]) -> Vec<Named<'_>> {
    let walk = Walk::new(text);
    let mut found = Vec::new();
    let mut at = walk.space(0);
    while let Ok(Some(member)) = walk.member(&mut at) {
        let Ok(end) = walk.any(member.value) else { break };
        let value = text.get(member.value..end).unwrap_or_default();
        found.push(Named { name: walk.decode(&member.name), value, at: member.value });
        at = end;
    }
    found
}

/// A walk over text. Errors are places.
struct Walk<'s, 'o> {
    text: &'s [u8],
    usual: bool,
    /// Maps may be wrapped twice.
    lenient: bool,
    out: Option<&'o mut Vec<u8>>,
}

impl<'s> Walk<'s, '_> {
    fn new(text: &'s [u8]) -> Self {
        Walk { text, usual: true, lenient: false, out: None }
    }

    /// Walks over the item at `at`; gives the place after it.
    fn item(&mut self, at: usize, depth: u32) -> Result<usize, usize> {
        let mut at = self.space(at);
        if self.text.get(at) != Some(&b'{') || depth > MAX_DEPTH {
            return Err(at);
        }
        self.write(b"{");
        let mut first = true;
        while let Some(member) = self.member(&mut at)? {
            if !first {
                self.write(b",");
            }
            first = false;
            self.copy(member.name);
            self.write(b":");
            at = self.attribute_value(member.value, depth + 1)?;
        }
        self.write(b"}");
        Ok(at)
    }

    /// Walks over an attribute value.
    fn attribute_value(&mut self, at: usize, depth: u32) -> Result<usize, usize> {
        let start = self.space(at);
        if self.text.get(start) != Some(&b'{') || depth > MAX_DEPTH {
            return Err(start);
        }
        let (mut at, mut known) = (start, false);
        while let Some(Member { name, value }) = self.member(&mut at)? {
            let tag = Tag::of(&self.decode(&name)).ok_or(name.start)?;
            if self.text.get(value..).is_some_and(|rest| rest.starts_with(b"null")) {
                self.usual = false;
                at = value + 4;
                continue;
            }
            if std::mem::replace(&mut known, true) {
                return Err(name.start);
            }
            let spelled = self.text.get(name.start + 1..name.end - 1) == Some(tag.name().as_bytes());
            self.usual &= spelled;
            self.write(b"{\"");
            self.write(tag.name().as_bytes());
            self.write(b"\":");
            at = self.content(tag, value, depth + 1)?;
            self.write(b"}");
        }
        if known { Ok(at) } else { Err(start) }
    }

    fn content(&mut self, tag: Tag, at: usize, depth: u32) -> Result<usize, usize> {
        match tag {
            Tag::Scalar(_) => {
                let end = self.string_end(at)?;
                self.copy(at..end);
                Ok(end)
            }
            Tag::Bool(_) => {
                let rest = self.text.get(at..).unwrap_or_default();
                let end = if rest.starts_with(b"true") { at + 4 } else { at + 5 };
                if !rest.starts_with(b"true") && !rest.starts_with(b"false") {
                    return Err(at);
                }
                self.copy(at..end);
                Ok(end)
            }
            Tag::Set(_) => self.array(at, |walk, at| walk.content(Tag::Scalar(""), at, depth)),
            Tag::List => self.array(at, |walk, at| walk.attribute_value(at, depth)),
            Tag::Map => match self.twice_wrapped(at) {
                Some(inner) if self.lenient => {
                    self.usual = false;
                    let end = self.item(inner, depth)?;
                    let end = self.space(end);
                    if self.text.get(end) == Some(&b'}') { Ok(end + 1) } else { Err(end) }
                }
                _ => self.item(at, depth),
            },
        }
    }

    /// The map inside of the map at `at`, if that is `{"M":{…}}` and could only be another map's wrapper: models of NoSQL
    /// Workbench have such. As a map it would have an attribute value under `M`, and no item is one.
    fn twice_wrapped(&self, at: usize) -> Option<usize> {
        let first = |mut at: usize| self.member(&mut at).ok().flatten();
        let is_object = |member: &Member| self.text.get(member.value) == Some(&b'{');
        let is_map = |member: &Member| is_object(member) && self.decode(&member.name).eq_ignore_ascii_case("M");
        let inner = first(at).filter(is_map)?.value;
        // Whether it is an item changes with each `M` around what tells.
        let (mut at, mut is_item) = (inner, true);
        loop {
            match first(at) {
                Some(member) if is_map(&member) => (at, is_item) = (member.value, !is_item),
                Some(member) if is_object(&member) => break,
                None => break,
                Some(_) => {
                    is_item = !is_item;
                    break;
                }
            }
        }
        is_item.then_some(inner)
    }

    fn array(
        &mut self,
        at: usize,
        mut element: impl FnMut(&mut Self, usize) -> Result<usize, usize>,
    ) -> Result<usize, usize> {
        if self.text.get(at) != Some(&b'[') {
            return Err(at);
        }
        self.write(b"[");
        let mut at = self.space(at + 1);
        if self.text.get(at) != Some(&b']') {
            loop {
                let end = element(self, at)?;
                at = self.space(end);
                match self.text.get(at) {
                    Some(b',') => self.write(b","),
                    Some(b']') => break,
                    _ => return Err(at),
                }
                at = self.space(at + 1);
            }
        }
        self.write(b"]");
        Ok(at + 1)
    }

    /// The next member of an object, `at` being its brace or the place after a member. At the end of the object `None`, and
    /// `at` is behind it.
    fn member(&self, at: &mut usize) -> Result<Option<Member>, usize> {
        let mut place = self.space(*at);
        match self.text.get(place) {
            Some(b'{') => {
                place = self.space(place + 1);
                if self.text.get(place) == Some(&b'}') {
                    *at = place + 1;
                    return Ok(None);
                }
            }
            Some(b',') => place = self.space(place + 1),
            Some(b'}') => {
                *at = place + 1;
                return Ok(None);
            }
            _ => return Err(place),
        }
        let end = self.string_end(place)?;
        let colon = self.space(end);
        if self.text.get(colon) != Some(&b':') {
            return Err(colon);
        }
        Ok(Some(Member { name: place..end, value: self.space(colon + 1) }))
    }

    /// Walks over any value, as far as its brackets and strings go.
    fn any(&self, at: usize) -> Result<usize, usize> {
        let (mut at, mut depth) = (at, 0_u32);
        loop {
            match self.text.get(at) {
                Some(b'{' | b'[') => (at, depth) = (at + 1, depth + 1),
                Some(b'}' | b']') if depth > 0 => (at, depth) = (at + 1, depth - 1),
                Some(b'"') => at = self.string_end(at)?,
                Some(b',' | b'}' | b']') if depth == 0 => return Ok(at),
                Some(_) => {
                    at += 1;
                    continue;
                }
                None => return Err(at),
            }
            if depth == 0 {
                return Ok(at);
            }
        }
    }

    fn space(&self, at: usize) -> usize {
        let rest = self.text.get(at..).unwrap_or_default();
        at + rest.iter().take_while(|byte| matches!(byte, b' ' | b'\t' | b'\r' | b'\n')).count()
    }

    /// The place after the string at `at`.
    fn string_end(&self, at: usize) -> Result<usize, usize> {
        if self.text.get(at) != Some(&b'"') {
            return Err(at);
        }
        let mut end = at + 1;
        loop {
            let rest = self.text.get(end..).unwrap_or_default();
            end += memchr::memchr2(b'"', b'\\', rest).ok_or(at)?;
            if self.text.get(end) == Some(&b'"') {
                return Ok(end + 1);
            }
            end += 2;
        }
    }

    /// The name in a string.
    fn decode(&self, string: &Range<usize>) -> Cow<'s, str> {
        let string = self.text.get(string.clone()).unwrap_or_default();
        if memchr::memchr(b'\\', string).is_some() {
            return Cow::Owned(serde_json::from_slice(string).unwrap_or_default());
        }
        let inner = string.get(1..string.len().saturating_sub(1)).unwrap_or_default();
        String::from_utf8_lossy(inner)
    }

    fn write(&mut self, bytes: &[u8]) {
        if let Some(out) = &mut self.out {
            out.extend_from_slice(bytes);
        }
    }

    fn copy(&mut self, range: Range<usize>) {
        let bytes = self.text.get(range).unwrap_or_default();
        self.write(bytes);
    }
}

#[cfg(test)]
mod tests;
