//! XML for answers of IAM and STS: elements and text, no attributes.

use quick_xml::escape::escape;

/// A run of XML elements.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Xml(String);

impl Xml {
    /// `<name>text</name>`, escaped.
    pub(crate) fn text(&mut self, name: &str, text: &str) {
        self.wrap(name, |xml| xml.content(text));
    }

    /// Text without its own element, escaped. Characters that XML cannot contain become U+FFFD.
    pub(crate) fn content(&mut self, text: &str) {
        let holds = |c| matches!(c, '\t' | '\n' | '\r' | ' '..='\u{fffd}' | '\u{10000}'..);
        self.0.push_str(&escape(text.replace(|c| !holds(c), "\u{fffd}")));
    }

    /// `<name>…</name>` around what `content` writes.
    pub(crate) fn wrap(&mut self, name: &str, content: impl FnOnce(&mut Xml)) {
        self.0.push('<');
        self.0.push_str(name);
        self.0.push('>');
        content(self);
        self.0.push_str("</");
        self.0.push_str(name);
        self.0.push('>');
    }

    /// `<name><member>…</member>…</name>`, as the query protocol writes lists.
    pub(crate) fn list<T>(
        &mut self,
        name: &str,
        members: impl IntoIterator<Item = T>,
        mut member: impl FnMut(&mut Xml, T),
    ) {
        self.wrap(name, |xml| {
            for item in members {
                xml.wrap("member", |xml| member(xml, item));
            }
        });
    }

    /// A whole document: `root` with its namespace around these elements.
    pub(crate) fn document(self, root: &str, namespace: &str) -> String {
        format!("<{root} xmlns=\"{namespace}\">{}</{root}>", self.0)
    }

    /// Appends other elements.
    pub(crate) fn append(&mut self, other: Xml) {
        self.0.push_str(&other.0);
    }

    /// Whether no element was written.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_text_makes_well_formed_xml() {
        let mut xml = Xml::default();
        xml.text("T", "a<b>&\u{0}\u{1b}\u{ffff}\t\u{1f600}");
        assert_eq!(xml.0, "<T>a&lt;b&gt;&amp;\u{fffd}\u{fffd}\u{fffd}\t\u{1f600}</T>");
    }
}
