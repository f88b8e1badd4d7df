//! Describing and listing DynamoDB tables.

use aws_sdk_dynamodb::types::{KeyType, ScalarAttributeType, TableDescription};
use schema::{Key, KeyKind, TooManyPlaces};

use crate::Clients;
use crate::error::{Error, Kind};

/// Describes a DynamoDB table; `None` if it does not exist.
///
/// # Errors
/// If DynamoDB refuses or does not answer.
pub async fn describe(clients: &Clients, table: &str) -> Result<Option<TableDescription>, Error> {
    let answer = clients.dynamodb.describe_table().table_name(table).send().await;
    match answer.map_err(Error::aws("dynamodb:DescribeTable")) {
        Ok(answer) => Ok(answer.table),
        Err(error) if error.is_not_found() => Ok(None),
        Err(error) => Err(error),
    }
}

/// Hash key, then range key, with their types.
pub fn keys(description: &TableDescription) -> Vec<Key> {
    let kind_of = |name: &str| {
        let definition = description.attribute_definitions().iter().find(|d| d.attribute_name() == name);
        match definition.map(|d| d.attribute_type()) {
            Some(ScalarAttributeType::N) => KeyKind::N,
            Some(ScalarAttributeType::B) => KeyKind::B,
            _ => KeyKind::S,
        }
    };
    let of_type = |key_type: KeyType| description.key_schema().iter().filter(move |key| *key.key_type() == key_type);
    of_type(KeyType::Hash)
        .chain(of_type(KeyType::Range))
        .map(|key| Key { name: key.attribute_name().to_owned(), kind: kind_of(key.attribute_name()) })
        .collect()
}

/// The error of a table whose items have too many places for one Shape.
pub fn too_many_places(table: &str) -> impl Fn(TooManyPlaces) -> Error {
    move |error| Error::new(Kind::Data, format!("the DynamoDB table {table}: {error}"))
}

/// The error of a table that does not exist.
pub fn table_not_found(table: &str) -> Error {
    Error::new(Kind::NotFound, format!("the DynamoDB table {table} does not exist"))
}

/// The names of the region's DynamoDB tables.
///
/// # Errors
/// If DynamoDB refuses or does not answer.
pub async fn tables(clients: &Clients) -> Result<Vec<String>, Error> {
    let mut pages = clients.dynamodb.list_tables().into_paginator().items().send();
    let mut names = Vec::new();
    while let Some(name) = pages.next().await {
        names.push(name.map_err(Error::aws("dynamodb:ListTables"))?);
    }
    names.sort();
    Ok(names)
}
