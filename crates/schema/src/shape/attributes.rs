//! What a Shape tells of the items' attributes, without their values.

use super::{Node, Shape, ValueKind};

/// One attribute, as the items have it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attribute<'a> {
    /// Its name, as the items spell it.
    pub name: &'a str,
    /// How many items have it, a NULL included.
    pub items: u64,
    /// The DynamoDB types that it was seen as: `S`, `N`, `B`, `BOOL`, `NULL`, `M`, `L`, `SS`, `NS`, `BS`, in this order.
    pub types: Vec<&'static str>,
}

impl Shape {
    /// The attributes of the items, by name in byte order.
    pub fn attributes(&self) -> impl Iterator<Item = Attribute<'_>> {
        self.attributes.sorted().map(|(name, node)| Attribute::from_node(name, node))
    }

    /// The attribute called `name`; `None` if no item has it.
    pub fn attribute(&self, name: &str) -> Option<Attribute<'_>> {
        let field = &self.attributes.list[self.attributes.find(name)?];
        Some(Attribute::from_node(&field.name, &field.value))
    }
}

impl<'a> Attribute<'a> {
    fn from_node(name: &'a str, node: &Node) -> Attribute<'a> {
        let seen = |kind: &ValueKind| node.count(*kind) > 0;
        Attribute {
            name,
            items: ValueKind::ALL.iter().fold(0, |items: u64, kind| items.saturating_add(node.count(*kind))),
            types: ValueKind::ALL.into_iter().filter(seen).map(ValueKind::as_str).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::{Reader, TypeOptions};

    use super::*;

    #[test]
    fn an_attribute_has_the_items_that_have_it_and_all_types_it_was_seen_as() {
        let mut reader = Reader::new(&TypeOptions::default());
        let items = r#"{"tags":{"SS":["a"]},"Id":{"S":"1"}}
{"tags":{"L":[{"N":"1"}]},"Id":{"S":"2"}}
{"tags":{"NULL":true}}"#;
        reader.lines(items.as_bytes()).unwrap();
        let shape = reader.finish().unwrap();
        let tags = Attribute { name: "tags", items: 3, types: vec!["NULL", "L", "SS"] };
        let id = Attribute { name: "Id", items: 2, types: vec!["S"] };
        assert_eq!(shape.attributes().collect::<Vec<_>>(), [id, tags.clone()]);
        assert_eq!(shape.attribute("tags"), Some(tags));
        assert_eq!(shape.attribute("id"), None, "names are told apart by case");
    }
}
