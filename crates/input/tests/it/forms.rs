//! Generated items, and every form that they come in.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use proptest::prelude::*;

/// An attribute value.
#[derive(Debug, Clone)]
pub(crate) enum Attribute {
    /// S, N or B with its content.
    Scalar(&'static str, String),
    Bool(bool),
    Null,
    /// SS, NS or BS.
    Set(&'static str, Vec<String>),
    List(Vec<Attribute>),
    Map(Item),
}

/// An item, or a map.
pub(crate) type Item = BTreeMap<String, Attribute>;

/// How JSON is written.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Style {
    /// What stands between tokens.
    pub(crate) space: &'static str,
    /// Tags as EMR writes them.
    pub(crate) lower: bool,
    /// The members of wrappers the other way around.
    pub(crate) reversed: bool,
}

pub(crate) const USUAL: Style = Style { space: "", lower: false, reversed: false };

/// Names that mean something elsewhere come as attributes too.
fn name() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z]{1,6}",
        prop::sample::select(vec![
            "Items",
            "Item",
            "Responses",
            "RequestItems",
            "Keys",
            "NewImage",
            "OldImage",
            "Count",
            "TableName",
            "PutRequest",
            "dynamodb",
            "Records",
            "DataModel",
            "TableData",
            "Table",
            "KeySchema",
            "Metadata",
            "M",
            "S",
            "L",
            "SS",
            "BOOL",
            "m",
            "é\"\\\n",
            "a b",
        ])
        .prop_map(str::to_owned),
    ]
}

fn attribute() -> impl Strategy<Value = Attribute> {
    let text = prop_oneof![Just(String::new()), "[ -~]{1,8}", "[\\PC\"\\\\]{1,4}"];
    let number = (-99999_i64..99999).prop_map(|number| number.to_string());
    let binary = prop::sample::select(vec!["", "AA==", "aGk="]).prop_map(str::to_owned);
    let leaf = prop_oneof![
        text.clone().prop_map(|text| Attribute::Scalar("S", text)),
        number.clone().prop_map(|number| Attribute::Scalar("N", number)),
        binary.prop_map(|binary| Attribute::Scalar("B", binary)),
        any::<bool>().prop_map(Attribute::Bool),
        Just(Attribute::Null),
        prop::collection::vec(text, 1..3).prop_map(|set| Attribute::Set("SS", set)),
        prop::collection::vec(number, 1..3).prop_map(|set| Attribute::Set("NS", set)),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Attribute::List),
            prop::collection::btree_map(name(), inner, 0..3).prop_map(Attribute::Map),
        ]
    })
}

pub(crate) fn items() -> impl Strategy<Value = Vec<Item>> {
    prop::collection::vec(prop::collection::btree_map(name(), attribute(), 1..4), 1..5)
}

pub(crate) fn styles() -> impl Strategy<Value = Style> {
    (prop::sample::select(vec!["", " ", "\n  ", "\r\n\t"]), any::<bool>(), any::<bool>())
        .prop_map(|(space, lower, reversed)| Style { space, lower, reversed })
}

fn quoted(text: &str) -> String {
    serde_json::to_string(text).unwrap()
}

/// An object of such members.
fn object(members: &[(&str, String)], style: Style) -> String {
    let space = style.space;
    let mut members: Vec<String> =
        members.iter().map(|(name, value)| format!("{}{space}:{space}{value}", quoted(name))).collect();
    if style.reversed {
        members.reverse();
    }
    format!("{{{space}{}{space}}}", members.join(&format!("{space},{space}")))
}

fn array(elements: &[String], style: Style) -> String {
    let space = style.space;
    format!("[{space}{}{space}]", elements.join(&format!("{space},{space}")))
}

pub(crate) fn item(item: &Item, style: Style) -> String {
    let style = Style { reversed: false, ..style };
    let members: Vec<(&str, String)> = item.iter().map(|(name, value)| (&**name, value_text(value, style))).collect();
    object(&members, style)
}

fn value_text(value: &Attribute, style: Style) -> String {
    let (tag, content) = match value {
        Attribute::Scalar(tag, text) => (*tag, quoted(text)),
        Attribute::Bool(value) => ("BOOL", value.to_string()),
        Attribute::Null => ("NULL", "true".to_owned()),
        Attribute::Set(tag, set) => (*tag, array(&set.iter().map(|text| quoted(text)).collect::<Vec<_>>(), style)),
        Attribute::List(list) => {
            ("L", array(&list.iter().map(|value| value_text(value, style)).collect::<Vec<_>>(), style))
        }
        Attribute::Map(map) => ("M", item(map, style)),
    };
    let lower = match tag {
        "SS" => "sS",
        "NS" => "nS",
        "BOOL" => "bOOL",
        "NULL" => "nULLValue",
        "S" => "s",
        "N" => "n",
        "B" => "b",
        "L" => "l",
        _ => "m",
    };
    object(&[(if style.lower { lower } else { tag }, content)], style)
}

/// The number of forms.
pub(crate) const FORMS: usize = 22;

/// A document, and how many items are in it.
pub(crate) type Document = (String, usize);

/// The items in a form: one document, or one for each.
pub(crate) fn documents(form: usize, items: &[Item], style: Style) -> Vec<Document> {
    let texts: Vec<String> = items.iter().map(|one| item(one, style)).collect();
    let count = ("Count", items.len().to_string());
    let meta = ("$metadata", object(&[("httpStatusCode", "200".into()), ("attempts", "1".into())], style));
    let each = |wrap: &dyn Fn(&String) -> String| texts.iter().map(|text| (wrap(text), 1)).collect::<Vec<_>>();
    let list = |wrap: &dyn Fn(&String) -> String| array(&texts.iter().map(wrap).collect::<Vec<_>>(), style);
    let whole = |text: String| vec![(text, items.len())];
    let one = |name: &str, text: &String| object(&[(name, text.clone())], style);
    let put = |text: &String| one("PutRequest", &one("Item", text));
    let keys = ("Keys", item(&items[0], style));
    let table = ("TableName", "\"Orders\"".to_owned());
    match form {
        0 => each(&|text| text.clone()),
        1 => each(&|text| one("Item", text)),
        2 => whole(list(&|text| text.clone())),
        3 => whole(object(&[meta, count, ("Items", list(&|text| text.clone()))], style)),
        4 => each(&|text| object(&[("Items", array(std::slice::from_ref(text), style)), ("Count", "1".into())], style)),
        5 => each(&|text| object(&[meta.clone(), ("Item", text.clone())], style)),
        6 => whole(one("Responses", &one("Orders", &list(&|text| text.clone())))),
        7 => whole(one("Responses", &list(&|text| object(&[("Item", text.clone()), table.clone()], style)))),
        8 => whole(one("Orders", &list(&put))),
        9 => whole(object(
            &[("RequestItems", one("Orders", &list(&put))), ("ReturnConsumedCapacity", "\"NONE\"".into())],
            style,
        )),
        10 => each(&put),
        11 => each(&|text| object(&[table.clone(), ("Item", text.clone())], style)),
        12 => whole(one(
            "TransactItems",
            &list(&|text| one("Put", &object(&[table.clone(), ("Item", text.clone())], style))),
        )),
        13 => whole(object(
            &[("ModelName", "\"m\"".into()), ("DataModel", array(&[model(&list(&|text| text.clone()), style)], style))],
            style,
        )),
        14 => {
            let meta = ("Metadata", "{\"WriteTimestampMicros\":{\"N\":\"1\"}}".to_owned());
            each(&|text| {
                object(&[meta.clone(), keys.clone(), ("OldImage", text.clone()), ("NewImage", text.clone())], style)
            })
        }
        15 => whole(one("Records", &list(&|text| record(text, "NewImage", style)))),
        16 => whole(one("Records", &list(&|text| record(text, "OldImage", style)))),
        17 => each(&|text| record(text, "NewImage", style)),
        18 => each(&|text| array(std::slice::from_ref(text), style)),
        19 => whole(array(&[array(&texts, style), array(&[], style)], style)),
        20 => whole(object(&[("Items", array(&texts, style)), ("LastEvaluatedKey", item(&items[0], style))], style)),
        _ => whole(array(&[object(&[("Items", array(&texts, style)), meta], style)], style)),
    }
}

/// A table of a model. Its name comes first.
fn model(items: &str, style: Style) -> String {
    object(
        &[
            ("TableName", "\"Orders\"".into()),
            ("NonKeyAttributes", "[{\"AttributeName\":\"x\"}]".into()),
            ("TableData", items.into()),
        ],
        Style { reversed: false, ..style },
    )
}

fn record(item: &str, image: &str, style: Style) -> String {
    let dynamodb =
        object(&[("Keys", "{\"k\":{\"S\":\"x\"}}".into()), (image, item.into()), ("SizeBytes", "26".into())], style);
    object(&[("eventName", "\"MODIFY\"".into()), ("dynamodb", dynamodb), ("awsRegion", "\"us-east-1\"".into())], style)
}

/// All documents with a line end after each.
pub(crate) fn text(documents: &[Document]) -> String {
    documents.iter().fold(String::new(), |mut text, (document, _)| {
        let _ = writeln!(text, "{document}");
        text
    })
}
