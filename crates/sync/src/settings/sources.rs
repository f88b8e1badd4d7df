//! Settings from a JSON object or the environment, which override those there are.

use std::collections::BTreeMap;

use crawl::error::{Error, Kind};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::Settings;

/// The prefix of every environment variable that holds a setting.
const PREFIX: &str = "GLUE_DDB_CRAWLER_";
/// Variables with that prefix that are not settings of a run: the command line's configuration file, the Lambda function's log
/// level, and the wire log of the embedded endpoint.
const OTHERS: [&str; 3] = ["CONFIG", "LOG", "WIRE_LOG"];

/// The variable that holds any settings as one JSON object. The stack's parameter `Settings` sets it.
const ALL: &str = "SETTINGS";

impl Settings {
    /// These settings, overridden by `changes`, which have the names of `docs/settings.md`. A nested object changes only the
    /// members that it has.
    ///
    /// # Errors
    /// [`Kind::Settings`], naming the key, and listing the known keys if it is unknown.
    pub fn with(&self, changes: &Map<String, Value>) -> Result<Settings, Error> {
        let mut settings = self.clone();
        for (name, value) in changes {
            settings = settings.changed(vec![name], value)?;
        }
        Ok(settings)
    }

    /// These settings, overridden by the environment. A variable is `GLUE_DDB_CRAWLER_` and the setting's name in capitals, with
    /// two underscores in nested names (`GLUE_DDB_CRAWLER_TYPES__NUMBERS`). Lists are separated by commas. An empty variable
    /// counts as unset. `GLUE_DDB_CRAWLER_SETTINGS` is a JSON object of settings that no other variable sets.
    ///
    /// # Errors
    /// [`Kind::Settings`], naming the variable, if the setting is unknown, its value is invalid, or it is set twice.
    pub fn with_environment(&self) -> Result<Settings, Error> {
        let text = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        };
        self.with_variables(std::env::vars_os().filter_map(text))
    }

    fn with_variables(&self, variables: impl Iterator<Item = (String, String)>) -> Result<Settings, Error> {
        let mut settings = self.clone();
        // Sorted, so that of two invalid variables always the same one is reported.
        let variables: BTreeMap<_, _> = variables.filter(|(_, text)| !text.is_empty()).collect();
        for (variable, text) in &variables {
            let Some(name) = variable.strip_prefix(PREFIX) else { continue };
            if OTHERS.contains(&name) {
                continue;
            }
            if name == ALL {
                let wrong = |error: Error| Error { message: format!("{variable}: {}", error.message), ..error };
                let changes = object(text).map_err(wrong)?;
                refuse_duplicates(&changes, &variables).map_err(wrong)?;
                Settings::default().with(&changes).and_then(|alone| alone.validate()).map_err(wrong)?;
                settings = settings.with(&changes)?;
                continue;
            }
            let name = name.to_ascii_lowercase();
            let path: Vec<&str> = name.split("__").collect();
            let wrong = |error: Error| Error { message: format!("{variable}: {}", error.message), ..error };
            // Validated on its own, so that any error is about this variable.
            Settings::default().read(&path, text).and_then(|alone| alone.validate()).map_err(wrong)?;
            settings = settings.read(&path, text).map_err(wrong)?;
        }
        Ok(settings)
    }

    /// Sets one setting from text. The setting decides whether the text is a string, a number, a boolean or a list.
    fn read(&self, path: &[&str], text: &str) -> Result<Settings, Error> {
        let scalar = serde_json::from_str(text).ok().filter(|value: &Value| value.is_boolean() || value.is_number());
        let list = split_list(text).into_iter().map(str::trim).filter(|part| !part.is_empty()).collect::<Value>();
        self.set(path, text.into()).or_else(|error| {
            let others = scalar.into_iter().chain([list]);
            others.map(|value| self.set(path, value)).find_map(Result::ok).ok_or(error)
        })
    }

    /// Sets the settings in `value` below `path`, one after the other.
    fn changed(&self, path: Vec<&str>, value: &Value) -> Result<Settings, Error> {
        let Some(nested) = value.as_object() else { return self.set(&path, value.clone()) };
        let mut settings = self.clone();
        for (name, value) in nested {
            settings = settings.changed([&path[..], &[name.as_str()]].concat(), value)?;
        }
        Ok(settings)
    }

    fn set(&self, path: &[&str], value: Value) -> Result<Settings, Error> {
        let wrong = |reason: serde_json::Error| Error::new(Kind::Settings, format!("{}: {reason}", path.join(".")));
        let mut all = serde_json::to_value(self).map_err(wrong)?;
        put(&mut all, path, value);
        Settings::deserialize(all).map_err(wrong)
    }
}

fn object(text: &str) -> Result<Map<String, Value>, Error> {
    let wrong = |reason: serde_json::Error| {
        Error::new(Kind::Settings, format!("not a JSON object of settings, like {{\"max_running\": 50}}: {reason}"))
    };
    serde_json::from_str(text).map_err(wrong)
}

/// Refuses settings that also have a variable of their own, since either could be meant.
fn refuse_duplicates(changes: &Map<String, Value>, variables: &BTreeMap<String, String>) -> Result<(), Error> {
    for name in changes.keys() {
        let own = format!("{PREFIX}{}", name.to_ascii_uppercase());
        if let Some(own) = variables.keys().find(|other| **other == own || other.starts_with(&format!("{own}__"))) {
            let message =
                format!("{name}: {own} already sets it; change it there (in a stack: in the parameter of that name)");
            return Err(Error::new(Kind::Settings, message));
        }
    }
    Ok(())
}

/// Splits a list at its commas, except those in a glob's braces and brackets (`{a,b}*`) and after a backslash.
fn split_list(text: &str) -> Vec<&str> {
    let (mut parts, mut from, mut braces, mut brackets, mut escaped) = (Vec::new(), 0, 0_usize, false, false);
    for (at, character) in text.char_indices() {
        match character {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '[' => brackets = true,
            ']' => brackets = false,
            _ if brackets => {}
            '{' => braces += 1,
            '}' => braces = braces.saturating_sub(1),
            ',' if braces == 0 => {
                parts.push(&text[from..at]);
                from = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&text[from..]);
    parts
}

fn put(target: &mut Value, path: &[&str], value: Value) {
    match path {
        [] => *target = value,
        [first, rest @ ..] => {
            if !target.is_object() {
                *target = Value::Object(Map::new());
            }
            put(&mut target[*first], rest, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::settings::Engine;

    fn from_variables(variables: &[(&str, &str)]) -> Result<Settings, Error> {
        Settings::default().with_variables(variables.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())))
    }

    fn from_json(changes: Value) -> Result<Settings, Error> {
        Settings::default().with(changes.as_object().unwrap())
    }

    #[test]
    fn a_variable_is_read_as_its_setting_wants_it() {
        let settings = from_variables(&[
            ("GLUE_DDB_CRAWLER_DATABASE", "2026"),
            ("GLUE_DDB_CRAWLER_ENGINE", "native"),
            ("GLUE_DDB_CRAWLER_INCLUDE", "orders*, users,"),
            ("GLUE_DDB_CRAWLER_EXCLUDE", "5"),
            ("GLUE_DDB_CRAWLER_WAIT", "true"),
            ("GLUE_DDB_CRAWLER_SCAN_RATE", "1"),
            ("GLUE_DDB_CRAWLER_CONCURRENCY", "4"),
            ("GLUE_DDB_CRAWLER_TYPES__MAX_STRUCT_FIELDS", "7"),
            ("GLUE_DDB_CRAWLER_REGISTRY", ""),
            ("GLUE_DDB_CRAWLER_CONFIG", "settings.toml"),
            ("GLUE_DDB_CRAWLER_LOG", "debug"),
            ("AWS_REGION", "eu-west-1"),
        ]);
        let expected = Settings {
            database: "2026".into(),
            engine: Engine::Native,
            include: vec!["orders*".into(), "users".into()],
            exclude: vec!["5".into()],
            wait: true,
            scan_rate: Some(1.0),
            concurrency: 4,
            types: schema::TypeOptions { max_struct_fields: 7, ..schema::TypeOptions::default() },
            ..Settings::default()
        };
        assert_eq!(settings.unwrap(), expected);
    }

    #[test]
    fn a_comma_in_braces_or_brackets_belongs_to_the_glob() {
        let read = |text: &str| from_variables(&[("GLUE_DDB_CRAWLER_INCLUDE", text)]);
        for (text, globs) in [
            ("{a,b}*, users", &["{a,b}*", "users"][..]),
            ("{a,{b,c}}-x,d", &["{a,{b,c}}-x", "d"]),
            ("x[,{]y,z", &["x[,{]y", "z"]),
            (r"a\{b,c", &[r"a\{b", "c"]),
        ] {
            assert_eq!(read(text).unwrap().include, globs);
        }
        let chosen = read("{a,b}*").unwrap().validate().unwrap();
        assert_eq!(["ax", "bx", "cx"].map(|name| chosen.selection().contains(name)), [true, true, false]);
        insta::assert_snapshot!(read("{a,b").unwrap_err().message, @r#"GLUE_DDB_CRAWLER_INCLUDE: include "{a,b": unclosed alternate group; missing '}' (maybe escape '{' with '[{]'?)"#);
    }

    #[test]
    fn a_wrong_variable_is_named() {
        let message = |name: &str, value: &str| from_variables(&[(name, value)]).unwrap_err().message;
        insta::assert_snapshot!(message("GLUE_DDB_CRAWLER_WAIT", "perhaps"), @r#"GLUE_DDB_CRAWLER_WAIT: wait: invalid type: string "perhaps", expected a boolean"#);
        insta::assert_snapshot!(message("GLUE_DDB_CRAWLER_ENGINE", "glue"), @"GLUE_DDB_CRAWLER_ENGINE: engine: unknown variant `glue`, expected `managed` or `native`");
        insta::assert_snapshot!(message("GLUE_DDB_CRAWLER_SCAN_RATE", "9"), @"GLUE_DDB_CRAWLER_SCAN_RATE: scan_rate 9: use 0.1 to 1.5");
        insta::assert_snapshot!(message("GLUE_DDB_CRAWLER_INCLUDE", "a["), @r#"GLUE_DDB_CRAWLER_INCLUDE: include "a[": unclosed character class; missing ']'"#);
        insta::assert_snapshot!(message("GLUE_DDB_CRAWLER_TYPES__NUMBERS", "exact"), @"GLUE_DDB_CRAWLER_TYPES__NUMBERS: types.numbers: unknown variant `exact`, expected one of `lossless`, `double`, `decimal`");
        insta::assert_snapshot!(message("GLUE_DDB_CRAWLER_TYPES__NUMBER", "double"), @"GLUE_DDB_CRAWLER_TYPES__NUMBER: types.number: unknown field `number`, expected one of `max_struct_fields`, `numbers`, `dialect`");
        assert!(
            message("GLUE_DDB_CRAWLER_SCAN_RAET", "1")
                .contains("scan_raet: unknown field `scan_raet`, expected one of `database`")
        );
    }

    #[test]
    fn settings_without_a_variable_of_their_own_come_as_json() {
        let all = ("GLUE_DDB_CRAWLER_SETTINGS", r#"{"max_running": 50, "types": {"numbers": "double"}}"#);
        let settings = from_variables(&[all, ("GLUE_DDB_CRAWLER_SCAN_RATE", "1")]).unwrap();
        assert_eq!((settings.max_running, settings.scan_rate), (50, Some(1.0)));
        assert_eq!((settings.types.numbers, settings.types.max_struct_fields), (schema::NumberPolicy::Double, 200));

        let message = |all: &str| {
            let database = ("GLUE_DDB_CRAWLER_DATABASE", "other");
            from_variables(&[("GLUE_DDB_CRAWLER_SETTINGS", all), database]).unwrap_err().message
        };
        insta::assert_snapshot!(message("max_running=50"), @r#"GLUE_DDB_CRAWLER_SETTINGS: not a JSON object of settings, like {"max_running": 50}: expected value at line 1 column 1"#);
        insta::assert_snapshot!(message("[]"), @r#"GLUE_DDB_CRAWLER_SETTINGS: not a JSON object of settings, like {"max_running": 50}: invalid type: sequence, expected a map at line 1 column 0"#);
        insta::assert_snapshot!(message(r#"{"max_running": 0}"#), @"GLUE_DDB_CRAWLER_SETTINGS: max_running 0: use 1 to 1000");
        insta::assert_snapshot!(message(r#"{"database": "mine"}"#), @"GLUE_DDB_CRAWLER_SETTINGS: database: GLUE_DDB_CRAWLER_DATABASE already sets it; change it there (in a stack: in the parameter of that name)");
        assert!(message(r#"{"max_runing": 1}"#).starts_with("GLUE_DDB_CRAWLER_SETTINGS: max_runing: unknown field"));
        let twice = [("GLUE_DDB_CRAWLER_SETTINGS", r#"{"types": {}}"#), ("GLUE_DDB_CRAWLER_TYPES__NUMBERS", "double")];
        assert!(
            from_variables(&twice).unwrap_err().message.contains("GLUE_DDB_CRAWLER_TYPES__NUMBERS already sets it")
        );
    }

    #[test]
    fn json_changes_what_it_names() {
        let settings = from_json(json!({"include": ["a"], "scan_rate": 0.2, "types": {"numbers": "double"}})).unwrap();
        assert_eq!((settings.include, settings.scan_rate), (vec!["a".to_owned()], Some(0.2)));
        assert_eq!(settings.types.max_struct_fields, 200);

        let base = from_json(json!({"scan_rate": 0.2, "database": "other"})).unwrap();
        let changed = base.with(json!({"scan_rate": null}).as_object().unwrap()).unwrap();
        assert_eq!((changed.scan_rate, changed.database.as_str()), (None, "other"));
    }

    #[test]
    fn a_wrong_key_is_named() {
        let message = |changes| from_json(changes).unwrap_err().message;
        insta::assert_snapshot!(message(json!({"dry_run": "yes"})), @r#"dry_run: invalid type: string "yes", expected a boolean"#);
        insta::assert_snapshot!(message(json!({"include": "orders"})), @r#"include: invalid type: string "orders", expected a sequence"#);
        insta::assert_snapshot!(message(json!({"types": {"numbers": 5}})), @"types.numbers: invalid type: integer `5`, expected string or map");
        insta::assert_snapshot!(message(json!({"types": {"digits": 5}})), @"types.digits: unknown field `digits`, expected one of `max_struct_fields`, `numbers`, `dialect`");
        insta::assert_snapshot!(message(json!({"database": {"name": "x"}})), @"database.name: invalid type: map, expected a string");
        assert!(
            message(json!({"dryrun": true})).starts_with("dryrun: unknown field `dryrun`, expected one of `database`")
        );
    }
}
