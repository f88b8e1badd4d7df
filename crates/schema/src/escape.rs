//! Names as they may be shown. Attributes, tables and files can be called anything: a name may hold the escapes of a
//! terminal, a line that looks like the program's own, or characters that turn the text beside it around.

use std::fmt::Write;

/// Whether a character does something to what shows it, rather than being seen: control characters, of C1 too, which
/// terminals take for escapes, and those that are invisible or change the direction of text.
fn is_unseen(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{ad}'
                | '\u{61c}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{feff}'
                | '\u{fff9}'..='\u{fffb}'
                | '\u{e0000}'..='\u{e007f}'
        )
}

/// The text as one line for people: what is not seen is spelled out, as `\n` or `\u{1b}`.
///
/// ```
/// assert_eq!(schema::escape::line("a\u{1b}[31m\nb é"), r"a\u{1b}[31m\nb é");
/// ```
pub fn line(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if is_unseen(c) { shown.extend(c.escape_default()) } else { shown.push(c) }
    }
    shown
}

/// What stands between the quotes of a JSON string or of a string in Hive's SQL, with what is not seen as `\u001b`: it means
/// the same to those who read it.
///
/// ```
/// assert_eq!(schema::escape::quoted("a\u{9b}31m\u{e0001}"), r"a\u009b31m\udb40\udc01");
/// ```
pub fn quoted(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if is_unseen(c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                let _ = write!(shown, "\\u{unit:04x}");
            }
        } else {
            shown.push(c);
        }
    }
    shown
}

/// A JSON document in lines, with the strings in it as [`quoted`].
pub fn json(document: &str) -> String {
    document.split('\n').map(quoted).collect::<Vec<_>>().join("\n")
}
