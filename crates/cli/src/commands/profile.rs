//! The profile of items as a table for people.

use std::io::IsTerminal;

use comfy_table::Cell;
use indicatif::HumanBytes;
use schema::escape;
use schema::profile::{Place, Profile};

use crate::output;

/// Cells of a full bar.
const BAR: usize = 10;

/// A row for each place, what is inside of one below it.
pub(crate) fn text(profile: &Profile) -> String {
    let terminal = std::io::stdout().is_terminal();
    let mut table = output::grid(&["ATTRIBUTE", "PRESENT", "GLUE TYPE", "WHY"], terminal);
    for place in &profile.attributes {
        add(&mut table, place, 0, terminal);
    }
    format!("{}{} items, {}\n", output::lines(table, 0..0), profile.items, HumanBytes(profile.bytes))
}

fn add(table: &mut comfy_table::Table, place: &Place, depth: usize, terminal: bool) {
    let name = format!("{}{}", "  ".repeat(depth), escape::line(&place.name));
    table.add_row([name, present(place, terminal), word(&place.r#type).to_owned(), why(place)].map(Cell::new));
    for inside in &place.within {
        add(table, inside, depth + 1, terminal);
    }
}

/// How often it is there: as a share, or as a number where it can be there any number of times.
fn present(place: &Place, terminal: bool) -> String {
    let Some(share) = place.share else { return format!("{} times", place.count) };
    let percent = percent(share);
    if !terminal {
        return percent;
    }
    let full = (share * BAR as f64).round() as usize;
    format!("{}{} {percent}", "█".repeat(full.min(BAR)), "░".repeat(BAR.saturating_sub(full)))
}

/// Without a type's brackets: what is in them stands below.
fn word(glue_type: &str) -> &str {
    glue_type.split_once('<').map_or(glue_type, |(word, _)| word)
}

fn why(place: &Place) -> String {
    let null = place.types.iter().find(|of_type| of_type.r#type == "NULL" && of_type.count < place.count);
    let null = null.map(|of_type| format!("; NULL in {}", percent(of_type.share))).unwrap_or_default();
    format!("{}{null}", place.why)
}

/// What is rare is not shown as nothing, nor what is almost always there as always.
fn percent(share: f64) -> String {
    let percent = share * 100.0;
    match percent {
        0.0 | 100.0 => format!("{percent:.0} %"),
        _ if !(1.0..=99.0).contains(&percent) => format!("{percent:.2} %"),
        _ => format!("{percent:.0} %"),
    }
}
