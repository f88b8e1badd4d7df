//! What the members of an object say that wraps items.

use std::rc::Rc;

use crate::error::{Error, Place, Problem};
use crate::tables::{DELETIONS, LeftOut, shown};
use crate::value;

/// JSON text, and where it stands.
pub(super) struct Found {
    pub(super) text: Vec<u8>,
    pub(super) place: Place,
}

/// An object that wraps items, as far as it was read.
#[derive(Default)]
pub(super) struct Object {
    /// The table that its items are of.
    pub(super) table: Option<Rc<str>>,
    /// It has a member that items come with.
    pub(super) known: bool,
    /// It has lists of requests or items by table.
    pub(super) has_tables: bool,
    /// How many items its `Items` are.
    pub(super) items: Option<u64>,
    /// It is a page, and there are more.
    pub(super) cut_off: bool,
    /// It says that it lacks something.
    pub(super) unprocessed: bool,
    item: Option<Found>,
    new_image: Option<Found>,
    old_image: Option<Found>,
    count: Option<u64>,
    scanned: bool,
    keys: bool,
    /// It is a stream record, or part of one.
    streamed: bool,
    /// It is a line of an incremental export.
    exported: bool,
    /// It has something that an item is expected in.
    wraps: bool,
    other: LeftOut,
}

/// Members with attribute values that are not items.
const NO_ITEMS: [&str; 11] = [
    "ConsumedCapacity",
    "Expected",
    "ExclusiveStartKey",
    "ExpressionAttributeValues",
    "ItemCollectionMetrics",
    "Key",
    "KeyConditions",
    "QueryFilter",
    "ScanFilter",
    "$metadata",
    "ResponseMetadata",
];

/// Whether a member of this name may be as long as an item.
pub(super) fn holds_items(name: &str) -> bool {
    ["Item", "NewImage", "OldImage", "PutRequest", "Put", "dynamodb"].contains(&name)
}

/// Refuses what names known files without items.
///
/// # Errors
/// What it is.
pub(super) fn refuse(name: &str) -> Result<(), Problem> {
    match name {
        "Table"
        | "TableDescription"
        | "Resources"
        | "AWSTemplateFormatVersion"
        | "KeySchema"
        | "AttributeDefinitions"
        | "planned_values"
        | "terraform_version" => Err(Problem::Definition),
        "exportArn" | "manifestFilesS3Key" | "dataFileS3Key" => Err(Problem::Manifest),
        _ => Ok(()),
    }
}

impl Object {
    pub(super) fn new(table: Option<Rc<str>>) -> Object {
        Object { table, ..Object::default() }
    }

    /// Takes a member that was read as a whole.
    pub(super) fn add(&mut self, name: &str, value: Found) -> Result<(), Error> {
        refuse(name).map_err(|problem| problem.at(value.place))?;
        match value.text.first() {
            Some(b'{') => self.add_object(name, value),
            // A resource of CloudFormation.
            Some(b'"') if name == "Type" && value.text.starts_with(b"\"AWS::") => {
                Err(Problem::Definition.at(value.place))
            }
            Some(b'"') => {
                self.add_string(name, &value);
                Ok(())
            }
            Some(b'[') => unread(name, &value),
            Some(b'n') => {
                // Go's and Java's serializers write what is not there.
                let named = ["Items", "Item", "Responses", "UnprocessedKeys"].contains(&name);
                self.known |= named;
                if name == "Items" {
                    self.items = Some(0);
                }
                self.wraps |= name == "Item";
                Ok(())
            }
            Some(b'0'..=b'9') if name == "Count" => {
                self.count = std::str::from_utf8(&value.text).ok().and_then(|text| text.trim().parse().ok());
                Ok(())
            }
            _ => {
                self.scanned |= name == "ScannedCount";
                Ok(())
            }
        }
    }

    fn add_object(&mut self, name: &str, value: Found) -> Result<(), Error> {
        let slot = match name {
            "Item" => &mut self.item,
            "NewImage" => &mut self.new_image,
            "OldImage" => &mut self.old_image,
            _ => return self.add_other(name, &value),
        };
        self.known = true;
        let place = value.place;
        match slot.replace(value) {
            None => Ok(()),
            Some(_) => Err(Problem::DuplicateName.at(place)),
        }
    }

    fn add_other(&mut self, name: &str, value: &Found) -> Result<(), Error> {
        let members = value::members(&value.text);
        match name {
            "PutRequest" | "Put" | "dynamodb" => {
                self.known = true;
                self.wraps = true;
                self.streamed |= name == "dynamodb";
                let before = value.place;
                return members.iter().try_for_each(|member| {
                    let place = before.after(value.text.get(..member.at).unwrap_or_default());
                    self.add(&member.name, Found { text: member.value.to_vec(), place })
                });
            }
            "DeleteRequest" => self.leave_out("DeleteRequest"),
            "Delete" => self.leave_out("Delete"),
            "Update" => self.leave_out("Update"),
            "ConditionCheck" => self.leave_out("ConditionCheck"),
            "Get" => return Err(Problem::Request.at(value.place)),
            "Error" => self.leave_out("answers with an Error"),
            "Keys" => self.keys = true,
            "Metadata" => {
                self.exported |= members.iter().any(|member| member.name == "WriteTimestampMicros");
                self.known |= self.exported;
            }
            "LastEvaluatedKey" => self.cut_off |= !members.is_empty(),
            "UnprocessedKeys" | "UnprocessedItems" => {
                self.known = true;
                self.unprocessed |= !members.is_empty();
            }
            _ if NO_ITEMS.contains(&name) => {}
            _ => return unread(name, value),
        }
        Ok(())
    }

    fn add_string(&mut self, name: &str, value: &Found) {
        let text = serde_json::from_slice::<String>(&value.text).unwrap_or_default();
        match name {
            "TableName" | "tableName" => self.table = Some(text.into()),
            // arn:aws:dynamodb:REGION:ACCOUNT:table/NAME/stream/TIME
            "eventSourceARN" if self.table.is_none() => {
                self.table = text.split_once(":table/").and_then(|(_, rest)| rest.split('/').next()).map(Into::into);
            }
            "NextToken" => self.cut_off = true,
            "SequenceNumber" | "StreamViewType" => self.streamed = true,
            _ => {}
        }
    }

    fn leave_out(&mut self, what: &'static str) {
        self.known = true;
        self.other.add(what, 1);
    }

    /// Whether it was seen to be something else than lists by table.
    pub(super) fn is_answer(&self) -> bool {
        self.known || self.scanned || self.count.is_some()
    }

    /// Checks the object once all of it was read.
    pub(super) fn check(&mut self, start: Place) -> Result<(), Error> {
        if let (Some(said), Some(found)) = (self.count, self.items)
            && said != found
        {
            return Err(Problem::Count { said, found }.at(start));
        }
        if self.items.is_none() && self.count.is_some() && self.scanned {
            self.known = true;
            if self.count != Some(0) {
                self.other.add("answers with a Count alone, as of `--select COUNT`", 1);
            }
        }
        let images = self.new_image.is_some() || self.old_image.is_some();
        if images && self.item.is_some() || self.known && self.has_tables {
            return Err(Problem::Expected("one form of items in an object").at(start));
        }
        self.known |= self.keys && self.streamed;
        if !self.known && !self.has_tables {
            return Err(Problem::Plain.at(start));
        }
        if self.item.is_none() && !images && self.keys && !self.exported {
            self.other.add("stream records with their Keys alone", 1);
        }
        if self.wraps && self.item.is_none() && !images && self.other.is_empty() {
            // Nothing was found, or it was damaged.
            self.other.add("answers or requests without an Item", 1);
        }
        if self.item.is_none() && self.new_image.is_none() && self.exported {
            self.other.add(DELETIONS, 1);
            self.old_image = None;
        }
        Ok(())
    }

    /// Whether the only image is the old one.
    pub(super) fn is_old_image(&self) -> bool {
        self.item.is_none() && self.new_image.is_none() && self.old_image.is_some()
    }

    /// The item, if there is one.
    pub(super) fn item(&mut self) -> Option<Found> {
        self.item.take().or_else(|| self.new_image.take()).or_else(|| self.old_image.take())
    }

    /// What it holds beside items.
    pub(super) fn left_out(self) -> LeftOut {
        self.other
    }
}

/// Refuses a member with attribute values, since nobody would read them.
fn unread(name: &str, value: &Found) -> Result<(), Error> {
    match value::holds_attribute_values(&value.text) {
        true => Err(Problem::Unread(format!("{:?}", shown(name))).at(value.place)),
        false => Ok(()),
    }
}
