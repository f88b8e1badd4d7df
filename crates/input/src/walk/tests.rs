use super::*;
use crate::{Form, Input, ItemError};

/// The items of a text as `table|line`.
#[derive(Default)]
struct Collected(Vec<String>);

impl Sink for Collected {
    fn lines(&mut self, chunk: &[u8]) -> Result<(), ItemError> {
        panic!("a chunk of {} bytes", chunk.len());
    }

    fn item(&mut self, item: Item<'_>) -> Result<(), ItemError> {
        let line = std::str::from_utf8(item.line).unwrap().replace(' ', "");
        self.0.push(format!("{}|{line}", item.table.unwrap_or_default()));
        Ok(())
    }
}

fn read(text: &str, table: Option<&str>) -> Result<(Vec<String>, Summary), Error> {
    let input = Input::new(text.as_bytes())?;
    assert_eq!(input.form(), Form::Documents);
    let mut collected = Collected::default();
    let summary = input.read(table, &mut collected)?;
    Ok((collected.0, summary))
}

/// The lines of the items, with their table, and the notes.
fn items(text: &str) -> (String, String) {
    let (items, summary) = read(text, None).unwrap_or_else(|error| panic!("{text}: {error}"));
    (items.join(" "), summary.notes.join("; "))
}

fn error(text: &str) -> String {
    read(text, None).err().unwrap_or_else(|| panic!("{text} was read")).to_string()
}

const A: &str = r#"{"pk":{"S":"a"}}"#;
const B: &str = r#"{"pk":{"S":"b"}}"#;

fn fill(text: &str) -> String {
    text.replace("$A", A).replace("$B", B)
}

#[test]
fn every_form_gives_its_items() {
    for (text, expected) in [
        // Items, one after the other, over lines, in arrays.
        ("$A$B", "|$A |$B"),
        ("{\"pk\":\n{\"S\":\n\"a\"}}\n$B", "|$A |$B"),
        ("[$A,$B]", "|$A |$B"),
        ("[[$A],[$B]]", "|$A |$B"),
        ("[{\"Item\":$A},\n{\"Item\":$B}]", "|$A |$B"),
        ("[]", ""),
        // Answers.
        (r#"{"Items":[$A,$B],"Count":2,"ScannedCount":2}"#, "|$A |$B"),
        (r#"{"ScannedCount":5,"Count":2,"Items":[$A,$B]}"#, "|$A |$B"),
        (r#"{"Items":[],"Count":0,"ScannedCount":0}"#, ""),
        (r#"{"Items":null,"Count":0,"ScannedCount":0}"#, ""),
        (r#"{"$metadata":{"attempts":1},"Items":[$A]}"#, "|$A"),
        (r#"{"ConsumedCapacity":{"TableName":"t","CapacityUnits":0.5},"Items":[$A],"Count":1}"#, "|$A"),
        (r#"{"LastEvaluatedKey":$B,"Items":[$A]}{"Items":[$B]}"#, "|$A |$B"),
        (r#"[{"Items":[$A]},{"Items":[$B]}]"#, "|$A |$B"),
        (r#"{"ResponseMetadata":{},"Item":$A}"#, "|$A"),
        (r#"{"Item":$A,"ConsumedCapacity":{"TableName":"t"}}"#, "|$A"),
        (r#"{"Responses":{"t":[$A]},"UnprocessedKeys":{}}"#, "t|$A"),
        (r#"{"Responses":[{"Item":$A},{"Item":$B}]}"#, "|$A |$B"),
        (r#"{"Responses":[{"TableName":"t","Item":$A},{"Item":$B,"TableName":"t"}]}"#, "t|$A t|$B"),
        // Requests.
        (r#"{"ttt":[{"PutRequest":{"Item":$A}},{"PutRequest":{"Item":$B}}]}"#, "ttt|$A ttt|$B"),
        (r#"{"RequestItems":{"ttt":[{"PutRequest":{"Item":$A}}]},"ReturnConsumedCapacity":"NONE"}"#, "ttt|$A"),
        (r#"{"ReturnConsumedCapacity":"NONE","RequestItems":{"t":[{"PutRequest":{"Item":$A}}]}}"#, "t|$A"),
        ("{\"PutRequest\":{\"Item\":$A}}\n{\"PutRequest\":{\"Item\":$B}}", "|$A |$B"),
        (r#"{"TableName":"t","Item":$A}"#, "t|$A"),
        (r#"{"Item":$A,"TableName":"t","ExpressionAttributeValues":{":v":{"S":"x"}}}"#, "t|$A"),
        (r#"{"TransactItems":[{"Put":{"TableName":"t","Item":$A}},{"Put":{"Item":$B,"TableName":"t"}}]}"#, "t|$A t|$B"),
        // A model, exports, streams.
        (
            r#"{"ModelName":"m","DataModel":[{"TableName":"t","KeyAttributes":{"PartitionKey":{"AttributeName":"pk"}},
            "NonKeyAttributes":[{"AttributeName":"x"}],"TableData":[$A,$B]}]}"#,
            "t|$A t|$B",
        ),
        (r#"{"Metadata":{"WriteTimestampMicros":{"N":"1"}},"Keys":$A,"OldImage":$B,"NewImage":$A}"#, "|$A"),
        (
            r#"{"Records":[{"eventID":"1","eventName":"MODIFY","dynamodb":{"Keys":$B,"NewImage":$A,"OldImage":$B,"SizeBytes":4},
            "eventSourceARN":"arn:aws:dynamodb:us-east-1:1:table/ttt/stream/2026","userIdentity":null}]}"#,
            "ttt|$A",
        ),
        (
            r#"{"tableName":"t","dynamodb":{"Keys":$A,"NewImage":$A}}{"tableName":"t","dynamodb":{"NewImage":$B}}"#,
            "t|$A t|$B",
        ),
        (r#"{"ApproximateCreationDateTime":1,"Keys":$A,"NewImage":$A,"SequenceNumber":"1"}"#, "|$A"),
        // Other spellings.
        (r#"{"pk":{"s":"a"}}"#, "|$A"),
        (r#"{"Items":[{"pk":{"S":"a","N":null,"BOOL":null}}]}"#, "|$A"),
    ] {
        assert_eq!(items(&fill(text)).0, fill(expected), "{text}");
    }
}

#[test]
fn attributes_may_have_any_name() {
    for item in [
        r#"{"Items":{"L":[{"S":"x"}]},"pk":{"S":"a"}}"#,
        r#"{"Item":{"S":"x"},"pk":{"S":"a"}}"#,
        r#"{"Item":{"M":{}}}"#,
        r#"{"Item":{"M":{"pk":{"S":"x"}}},"TableName":{"S":"a"}}"#,
        r#"{"Responses":{"SS":["x"]},"Count":{"N":"1"}}"#,
        r#"{"Responses":{"L":[{"M":{"Item":{"M":{}}}}]},"Count":{"N":"1"}}"#,
        r#"{"Responses":{"M":{"SS":{"SS":["a"]}}},"Count":{"N":"1"}}"#,
        r#"{"RequestItems":{"M":{}}}"#,
        r#"{"Keys":{"M":{"M":{"S":"x"}}},"NewImage":{"S":"x"},"KeySchema":{"L":[]}}"#,
        r#"{"PutRequest":{"M":{"Item":{"S":"x"}}}}"#,
        r#"{"S":{"S":"x"},"M":{"M":{"M":{"M":{}}}}}"#,
        r#"{"DataModel":{"S":"x"},"Table":{"S":"x"}}"#,
    ] {
        let expected = format!("|{item}");
        // In an array, under Items and under Item, whatever comes with it.
        for wrapped in
            [format!("[{item}]"), format!("{{\"Items\":[{item}]}}"), format!("{{\"$metadata\":{{}},\"Item\":{item}}}")]
        {
            assert_eq!(items(&wrapped).0, expected);
        }
    }
}

#[test]
fn what_is_left_out_is_counted() {
    for (text, expected) in [
        (
            r#"{"ttt":[{"PutRequest":{"Item":$A}},{"DeleteRequest":{"Key":$B}},{"DeleteRequest":{"Key":$A}}]}"#,
            "left out, since they are no items: DeleteRequest (2)",
        ),
        (
            r#"{"TransactItems":[{"Put":{"Item":$A}},{"Update":{"Key":$B}},{"ConditionCheck":{"Key":$B}},{"Delete":{"Key":$A}}]}"#,
            "left out, since they are no items: ConditionCheck (1), Delete (1), Update (1)",
        ),
        (
            r#"{"Responses":[{"Item":$A},{},{"Error":{"Code":"x"},"TableName":"t"}]}"#,
            "left out, since they are no items: answers with an Error (1), answers without an Item (1)",
        ),
        (
            r#"{"Records":[{"dynamodb":{"Keys":$A,"OldImage":$A}},{"dynamodb":{"Keys":$A}}]}"#,
            "left out, since they are no items: stream records with their Keys alone (1); \
             stream records without a NewImage, read from their OldImage: 1",
        ),
        (
            r#"{"Metadata":{"WriteTimestampMicros":{"N":"1"}},"Keys":$A,"OldImage":$A}
               {"Metadata":{"WriteTimestampMicros":{"N":"1"}},"Keys":$A,"NewImage":$A}"#,
            "left out, since they are no items: deletions in an incremental export (1)",
        ),
        (
            r#"{"Items":[$A],"LastEvaluatedKey":$A}"#,
            "the last answer is not the last page (it has a LastEvaluatedKey or a NextToken): the table holds more items",
        ),
        (
            r#"[{"PutRequest":{"{":[]}},{"Item":null},$A]"#,
            "left out, since they are no items: answers or requests without an Item (2)",
        ),
        (
            // An item with a type that was lost looks like that.
            r#"[{"Responses":{"":[]}},$A]"#,
            "left out, since they are no items: empty lists of a table (1)",
        ),
        (
            r#"{"Responses":{"t":[$A]},"UnprocessedKeys":{"t":{"Keys":[$B]}}}"#,
            "an answer has UnprocessedKeys or UnprocessedItems: these items are missing",
        ),
    ] {
        let (items, notes) = items(&fill(text));
        assert_eq!(
            (&*items, &*notes),
            (&*format!("{}|{A}", if items.starts_with('|') { "" } else { items.split('|').next().unwrap() }), expected)
        );
    }
}

#[test]
fn one_of_several_tables_is_read() {
    let text =
        fill(r#"{"one":[{"PutRequest":{"Item":$A}},{"DeleteRequest":{"Key":$A}}],"two":[{"PutRequest":{"Item":$B}}]}"#);
    assert_eq!(error(&text), "it holds items of several tables: choose one with --table NAME, of one, two");
    let (items, summary) = read(&text, Some("two")).unwrap();
    assert_eq!((items.join(" "), summary.table, summary.notes), (format!("two|{B}"), Some("two".into()), vec![]));
    let (_, summary) = read(&text, Some("one")).unwrap();
    assert_eq!(summary.notes, ["left out, since they are no items: DeleteRequest (1)"]);
    assert_eq!(read(&text, Some("three")).unwrap_err().to_string(), "it holds no table three: it names one, two");
}

#[test]
fn what_holds_no_items_is_refused() {
    for (text, expected) in [
        (
            r#"{"Count":3,"ScannedCount":3,"ConsumedCapacity":null}"#,
            "it holds no items, only answers with a Count alone",
        ),
        (r#"{"ttt":[{"DeleteRequest":{"Key":$A}}]}"#, "it holds no items, only DeleteRequest (1)"),
        (r#"{"id":1,"name":"x"}"#, "line 1 (byte 0 of the input): plain JSON without DynamoDB's type tags"),
        (r#"{"users":[{"id":1}]}"#, "line 1 (byte 10 of the input): plain JSON"),
        (r#"[{"id":"x"}]"#, "line 1 (byte 1 of the input): plain JSON"),
        ("[1]", "line 1 (byte 1 of the input): plain JSON"),
        (r#"{"Items":[{"id":"x"}]}"#, "line 1 (byte 16 of the input): plain JSON"),
        (r#"{"tags":[],"x":{}}"#, "line 1 (byte 0 of the input): plain JSON"),
        (r#"{"Items":[$A],"Count":2}"#, "line 1 (byte 0 of the input): the answer says Count 2, but has 1 Items"),
        (r#"{"Items":[$A],"Items":[$B]}"#, "line 1 (byte 36 of the input): a name that stands twice"),
        (r#"{"Items":[$A],"pk":{"S":"x"}}"#, "line 1 (byte 33 of the input): attribute values under \"pk\""),
        (r#"{"data":{"Items":[$A]}}"#, "line 1 (byte 8 of the input): attribute values under \"data\""),
        (r#"{"Items":[$A],"More":[$B]}"#, "line 1 (byte 35 of the input): attribute values under \"More\""),
        (r#"{"More":[$B],"Items":[$A]}"#, "line 1 (byte 0 of the input): expected one form of items"),
        (r#"{"Item":$A,"NewImage":$A}"#, "line 1 (byte 0 of the input): expected one form of items"),
        (r#"{"Items":[$A],"Attributes":$A}"#, "line 1 (byte 41 of the input): attribute values under"),
        (r#"{"Table":{"TableName":"t","KeySchema":[]}}"#, "line 1 (byte 9 of the input): the definition of a table"),
        (r#"{"TableName":"t","KeySchema":[{"AttributeName":"x"}]}"#, "line 1 (byte 29 of the input): the definition"),
        (r#"{"version":"2020-06-30","exportArn":"arn"}"#, "line 1 (byte 36 of the input): the manifest of an export"),
        (r#"{"RequestItems":{"t":{"Keys":[$A]}}}"#, "line 1 (byte 21 of the input): a request for items"),
        (r#"[$A,$B"#, "line 1 (byte 34 of the input): the text ends inside"),
        (r#"[$A $B]"#, "line 1 (byte 18 of the input): expected a comma"),
        (r#"{"Items":[$A],"Count":1}x"#, "line 1 (byte 38 of the input): expected an item or an answer"),
        (r#"{"pk":{"S":"a"},"n":{"N":1}}"#, "line 1 (byte 25 of the input): expected a string after the type"),
        ("[\n{\"pk\":\n{\"S\":\"a\"},\"n\":\n1}]", "line 4 (byte 24 of the input): expected"),
        (r#"{"Items":[$A,{"pk":{"s":"x","n":"1"}}]}"#, "line 1 (byte 42 of the input): plain JSON"),
    ] {
        let error = error(&fill(text));
        assert!(error.starts_with(expected), "{text}: {error}");
        assert!(!error.contains("\"x\""), "no value in {error}");
    }
}

#[test]
fn a_sink_tells_the_place_in_a_line() {
    struct Refusing;
    impl Sink for Refusing {
        fn lines(&mut self, _: &[u8]) -> Result<(), ItemError> {
            Ok(())
        }
        fn item(&mut self, item: Item<'_>) -> Result<(), ItemError> {
            assert_eq!((item.place, item.line), (Place { line: 3, offset: 3 }, &b"{\"pk\":  {\"S\":\"a\"}}"[..]));
            Err(ItemError { place: Place { line: 1, offset: 15 }, error: "wrong".into() })
        }
    }
    let input = Input::new(&b"[\n\n{\"pk\":\r\n{\"S\":\"a\"}}]"[..]).unwrap();
    let error = input.read(None, &mut Refusing).unwrap_err();
    assert_eq!(error.to_string(), "line 4 (byte 18 of the input): wrong");
}
