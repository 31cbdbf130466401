//! Doc comments out of descriptions, which are plain text and not markdown.

use super::text::Text;
use crate::model::Docs;

/// Where descriptions are broken.
const WIDTH: usize = 100;

/// `//!` above a module.
pub(crate) fn module(to: &mut Text, name: &str, text: Option<&str>) {
    to.line(&format!("//! `{name}`"));
    if let Some(text) = text.filter(|text| !text.trim().is_empty()) {
        to.line("//!");
        comment(to, "//!", text);
    }
}

/// `///` above an item, and `#[deprecated]` where the description says so.
pub(crate) fn item(to: &mut Text, docs: &Docs) {
    match docs.text.as_deref().filter(|text| !text.trim().is_empty()) {
        Some(text) => {
            comment(to, "///", text);
            deprecated(to, text);
        }
        None => to.line(&format!("/// {}", docs.fallback)),
    }
}

/// `///` above a field. Fields are not marked as deprecated: whoever builds the struct has to name
/// them.
pub(crate) fn field(to: &mut Text, docs: &Docs) {
    match docs.text.as_deref().filter(|text| !text.trim().is_empty()) {
        Some(text) => comment(to, "///", text),
        None => to.line(&format!("/// {}", docs.fallback)),
    }
}

/// `///` above a variant.
pub(crate) fn variant(to: &mut Text, text: Option<&str>, wire: &str) {
    match text.filter(|text| !text.trim().is_empty()) {
        Some(text) => {
            comment(to, "///", text);
            to.line("///");
            to.line(&format!("/// On the wire: {}", code(wire)));
            deprecated(to, text);
        }
        None => to.line(&format!("/// {}", code(wire))),
    }
}

fn code(wire: &str) -> String {
    if wire.is_empty() || wire.contains(['`', '\n', '\r']) {
        format!("{:?}", wire).replace('`', "\\`")
    } else {
        format!("`{wire}`")
    }
}

fn deprecated(to: &mut Text, text: &str) {
    if is_deprecated(text) {
        to.line("#[deprecated = \"the lexicon says so\"]");
    }
}

/// Whether a sentence of the description begins with the word, or it stands there in capitals.
fn is_deprecated(text: &str) -> bool {
    let mut starts = true;
    for word in text.split_whitespace() {
        let bare = word.trim_matches(|c: char| !c.is_ascii_alphanumeric());
        if bare == "DEPRECATED" || (starts && bare.eq_ignore_ascii_case("deprecated")) {
            return true;
        }
        starts = word.ends_with(['.', '!', '?', ';']);
    }
    false
}

/// The description, line by line, broken at spaces, with nothing in it that markdown would take for
/// its own, except code between backticks.
fn comment(to: &mut Text, mark: &str, text: &str) {
    let room = WIDTH.min(to.room()).saturating_sub(mark.len() + 1);
    let mut blank = true;
    for line in text.lines() {
        let line = escape(line);
        let mut words = line.split_whitespace().peekable();
        if words.peek().is_none() {
            if !blank {
                to.line(mark);
            }
            blank = true;
            continue;
        }
        blank = false;
        let mut current = escape_start(words.next().unwrap_or_default());
        for word in words {
            if current.chars().count() + 1 + word.chars().count() > room {
                to.line(&format!("{mark} {current}"));
                current = escape_start(word);
            } else {
                current.push(' ');
                current.push_str(word);
            }
        }
        to.line(&format!("{mark} {current}"));
    }
}

/// A word that would start a list, a heading, a quotation or a table at the start of a line.
fn escape_start(word: &str) -> String {
    let numbered = word.trim_end_matches(['.', ')']);
    let number = numbered.len() < word.len() && numbered.bytes().all(|b| b.is_ascii_digit());
    if number {
        let at = numbered.len();
        return format!("{}\\{}", &word[..at], &word[at..]);
    }
    match word.chars().next() {
        Some('#' | '-' | '+' | '=' | '|' | '~') => format!("\\{word}"),
        _ => word.to_owned(),
    }
}

/// A line with everything escaped that is neither a link nor, where backticks come in pairs, code.
fn escape(line: &str) -> String {
    let paired = line.matches('`').count().is_multiple_of(2) && !line.contains("``");
    if !paired {
        return escape_words(line);
    }
    let mut escaped = String::with_capacity(line.len());
    for (index, part) in line.split('`').enumerate() {
        if index % 2 == 1 {
            escaped.push('`');
            escaped.extend(part.chars().filter(|c| !is_hidden(*c)));
            escaped.push('`');
        } else {
            escaped.push_str(&escape_words(part));
        }
    }
    escaped
}

fn escape_words(text: &str) -> String {
    let words: Vec<String> = text.split(' ').map(escape_word).collect();
    words.join(" ")
}

fn escape_word(word: &str) -> String {
    let bare = word.trim_end_matches(['.', ',', ';', ':', ')', '>']);
    let link = bare.find("https://").or_else(|| bare.find("http://"));
    if let Some(start) = link.filter(|_| !bare.contains(['<', '>', '[', ']', '`', '"'])) {
        let (before, url) = bare.split_at(start);
        return format!(
            "{}<{url}>{}",
            escape_marks(before),
            escape_marks(&word[bare.len()..])
        );
    }
    escape_marks(word)
}

fn escape_marks(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars().filter(|c| !is_hidden(*c)) {
        if matches!(c, '[' | ']' | '<' | '>' | '*' | '`' | '\\' | '_') {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    escaped
}

/// Characters that turn text around or hide in it have no place in source code.
fn is_hidden(c: char) -> bool {
    let turns = matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    turns || c.is_control() && c != '\t' || matches!(c, '\u{200b}'..='\u{200f}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn printed(text: &str) -> String {
        let mut to = Text::new();
        comment(&mut to, "///", text);
        to.finish()
    }

    #[test]
    fn markdown_is_disarmed() {
        assert_eq!(
            printed("See [this] <b> a_b"),
            "/// See \\[this\\] \\<b\\> a\\_b\n"
        );
        assert_eq!(
            printed("at https://a.b/c_d."),
            "/// at <https://a.b/c_d>.\n"
        );
        assert_eq!(
            printed("```\n    code\n```"),
            "/// \\`\\`\\`\n/// code\n/// \\`\\`\\`\n"
        );
        assert_eq!(printed("the `a_b` <x>"), "/// the `a_b` \\<x\\>\n");
        assert_eq!(printed("1. one\n# two"), "/// 1\\. one\n/// \\# two\n");
    }

    #[test]
    fn deprecation_is_a_word_of_weight() {
        assert!(is_deprecated("DEPRECATED: use x"));
        assert!(is_deprecated("A thing. Deprecated since then."));
        assert!(is_deprecated("(deprecated) old"));
        assert!(!is_deprecated("Whether the label is deprecated."));
    }
}
