//! What AWS does not publish, each with a switch. A program that is right in every position is right on AWS.
//!
//! The default is what AWS's pages say or hint at, else the position that is harder on the program.

use std::str::FromStr;

/// The positions of all switches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unknowns {
    /// GetTable shows the columns of a table with a schema reference. Default true, as the Schema Registry's pages have it.
    pub get_shows_referenced: bool,
    /// GetTables, SearchTables and GetTableVersions show them too. Default true: then one such table denies the whole listing to
    /// readers without `glue:GetSchemaVersion`.
    pub list_shows_referenced: bool,
    /// Who reads a table with a schema reference without `glue:GetSchemaVersion` is denied; else the table shows no
    /// columns. Default true.
    pub reader_denied: bool,
    /// A crawl rewrites its table even if it found what the previous crawl found. Default true.
    pub crawl_rewrites: bool,
    /// A crawl that writes leaves the parameters that are not its own. Default false: UPDATE_IN_DATABASE "removes all
    /// metadata not set by the crawler" ("Configuring a crawler", AWS Glue guide).
    pub crawl_keeps_parameters: bool,
    /// A crawl that writes leaves descriptions and comments. Default false, as with parameters.
    pub crawl_keeps_comments: bool,
    /// A crawl that writes leaves the schema reference, and with it the columns. Default false, as with parameters.
    pub crawl_keeps_reference: bool,
    /// Glue tells its account, `aws:SourceAccount`, when it assumes a crawler's role. Default false: no public
    /// role of a crawler relies on it.
    pub sends_source_account: bool,
    /// Seconds after its creation during which a role cannot be assumed and may do nothing, and tags of a role or crawler meet
    /// no condition. Default 0.
    pub propagation: u32,
    /// How many crawlers of an account and region may run at once. Default 150, the quota of AWS.
    pub running_crawlers: u32,
    /// What StartCrawler answers beyond that. Default `ResourceNumberLimitExceededException`, which no SDK retries.
    pub start_limit_error: &'static str,
    /// Crawlers of an account and region. Default 1,000, the quota of AWS; old accounts have 50.
    pub crawlers: u32,
    /// Roles of an account. Default 1,000, the quota of AWS.
    pub roles: u32,
}

impl Default for Unknowns {
    fn default() -> Self {
        Unknowns {
            get_shows_referenced: true,
            list_shows_referenced: true,
            reader_denied: true,
            crawl_rewrites: true,
            crawl_keeps_parameters: false,
            crawl_keeps_comments: false,
            crawl_keeps_reference: false,
            sends_source_account: false,
            propagation: 0,
            running_crawlers: 150,
            start_limit_error: START_LIMIT_ERRORS[0],
            crawlers: 1_000,
            roles: 1_000,
        }
    }
}

const START_LIMIT_ERRORS: &[&str] = &[
    "ResourceNumberLimitExceededException",
    "ConcurrentRunsExceededException",
    "LimitExceededException",
    "OperationTimeoutException",
    "ThrottlingException",
];

/// A switch, which people set as `NAME=POSITION`.
pub struct Switch {
    /// Its name.
    pub name: &'static str,
    /// Its positions; empty if it takes a number.
    pub positions: &'static [&'static str],
    set: fn(&mut Unknowns, &str) -> Option<()>,
}

const YES_NO: &[&str] = &["yes", "no"];

/// All switches.
pub const SWITCHES: &[Switch] = &[
    Switch { name: "get-shows-referenced", positions: YES_NO, set: |u, p| put(&mut u.get_shows_referenced, yes(p)) },
    Switch { name: "list-shows-referenced", positions: YES_NO, set: |u, p| put(&mut u.list_shows_referenced, yes(p)) },
    Switch { name: "reader-denied", positions: YES_NO, set: |u, p| put(&mut u.reader_denied, yes(p)) },
    Switch { name: "crawl-rewrites", positions: YES_NO, set: |u, p| put(&mut u.crawl_rewrites, yes(p)) },
    Switch {
        name: "crawl-keeps-parameters",
        positions: YES_NO,
        set: |u, p| put(&mut u.crawl_keeps_parameters, yes(p)),
    },
    Switch { name: "crawl-keeps-comments", positions: YES_NO, set: |u, p| put(&mut u.crawl_keeps_comments, yes(p)) },
    Switch { name: "crawl-keeps-reference", positions: YES_NO, set: |u, p| put(&mut u.crawl_keeps_reference, yes(p)) },
    Switch { name: "sends-source-account", positions: YES_NO, set: |u, p| put(&mut u.sends_source_account, yes(p)) },
    Switch { name: "propagation", positions: &[], set: |u, p| put(&mut u.propagation, p.parse().ok()) },
    Switch { name: "running-crawlers", positions: &[], set: |u, p| put(&mut u.running_crawlers, p.parse().ok()) },
    Switch {
        name: "start-limit-error",
        positions: START_LIMIT_ERRORS,
        set: |u, p| put(&mut u.start_limit_error, START_LIMIT_ERRORS.iter().copied().find(|code| *code == p)),
    },
    Switch { name: "crawlers", positions: &[], set: |u, p| put(&mut u.crawlers, p.parse().ok()) },
    Switch { name: "roles", positions: &[], set: |u, p| put(&mut u.roles, p.parse().ok()) },
];

fn yes(position: &str) -> Option<bool> {
    match position {
        "yes" => Some(true),
        "no" => Some(false),
        _ => None,
    }
}

fn put<T>(field: &mut T, value: Option<T>) -> Option<()> {
    *field = value?;
    Some(())
}

/// A switch and a position for it, from `NAME=POSITION`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Position {
    name: String,
    position: String,
}

impl Unknowns {
    /// The same with one switch changed.
    pub fn with(mut self, position: &Position) -> Unknowns {
        let switch = SWITCHES.iter().find(|switch| switch.name == position.name);
        // A `Position` always has the name of a switch.
        switch.and_then(|switch| (switch.set)(&mut self, &position.position));
        self
    }
}

impl FromStr for Position {
    type Err = String;

    /// # Errors
    /// The list of names, or of the positions of the named switch.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (name, position) = text.split_once('=').unwrap_or((text, ""));
        let Some(switch) = SWITCHES.iter().find(|switch| switch.name == name) else {
            let names: Vec<&str> = SWITCHES.iter().map(|switch| switch.name).collect();
            return Err(format!(
                "there is no switch {name:?}: expected NAME=POSITION, with NAME of {}",
                names.join(", ")
            ));
        };
        if (switch.set)(&mut Unknowns::default(), position).is_none() {
            let positions = if switch.positions.is_empty() { "a number".into() } else { switch.positions.join(", ") };
            return Err(format!("{name} is not {position:?}: expected {positions}"));
        }
        Ok(Position { name: name.to_owned(), position: position.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn switches_are_set_by_name_and_wrong_ones_are_refused_with_what_there_is() {
        let position = ["crawl-rewrites=no", "propagation=3", "start-limit-error=ThrottlingException"];
        let unknowns = position.iter().fold(Unknowns::default(), |all, text| all.with(&text.parse().unwrap()));
        let expected = Unknowns {
            crawl_rewrites: false,
            propagation: 3,
            start_limit_error: "ThrottlingException",
            ..Unknowns::default()
        };
        assert_eq!(unknowns, expected);

        let refused = |text: &str| Position::from_str(text).unwrap_err();
        assert!(refused("crawl-writes=no").contains("crawl-rewrites, crawl-keeps-parameters"));
        assert_eq!(refused("crawl-rewrites"), r#"crawl-rewrites is not "": expected yes, no"#);
        assert_eq!(refused("propagation=soon"), r#"propagation is not "soon": expected a number"#);
    }

    /// Each position does something: no switch sets another's field, or none.
    #[test]
    fn every_position_is_another() {
        for switch in SWITCHES {
            let mut seen = Vec::new();
            for position in switch.positions.iter().copied().chain(switch.positions.is_empty().then_some("7")) {
                let unknowns = Unknowns::default().with(&format!("{}={position}", switch.name).parse().unwrap());
                assert!(!seen.contains(&unknowns), "{}={position}", switch.name);
                seen.push(unknowns);
            }
            assert!(seen.contains(&Unknowns::default()) || switch.positions.is_empty(), "{}", switch.name);
        }
    }
}
