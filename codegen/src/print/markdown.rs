//! Plain text as markdown that reads the same.
//!
//! Descriptions are written as plain text, at most with code between backticks. rustdoc takes them
//! for markdown, so whatever it would make a link, a tag, a list or emphasis of is escaped, and
//! nothing else is.

/// A description as lines of at most this many columns, broken at spaces, without empty
/// lines around it and without two of them together. Code between backticks is never broken.
pub(crate) fn lines(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for line in text.lines() {
        let mut words = words(line).into_iter();
        let Some(first) = words.next() else {
            if lines.last().is_some_and(|last| !last.is_empty()) {
                lines.push(String::new());
            }
            continue;
        };
        let mut current = escape_start(first);
        for word in words {
            if current.chars().count() + 1 + word.chars().count() > width {
                lines.push(current);
                current = escape_start(word);
            } else {
                current.push(' ');
                current.push_str(&word);
            }
        }
        lines.push(current);
    }
    while lines.last().is_some_and(String::is_empty) {
        lines.pop();
    }
    lines
}

/// The words of a line, escaped; a span of code is one word or a part of one.
fn words(line: &str) -> Vec<String> {
    let line: String = line.chars().filter(|c| !is_hidden(*c)).collect();
    let mut words = Words::default();
    let mut rest = line.as_str();
    while let Some(start) = rest.find('`') {
        let (before, from) = rest.split_at(start);
        words.plain(before);
        let inside = from.trim_start_matches('`');
        let ticks = &from[..from.len() - inside.len()];
        match length_of_code(inside, ticks.len()) {
            Some(length) => {
                let (code, after) = from.split_at(2 * ticks.len() + length);
                words.current.push_str(code);
                rest = after;
            }
            None => {
                words.current.push_str(&ticks.replace('`', "\\`"));
                rest = inside;
            }
        }
    }
    words.plain(rest);
    words.end();
    words.done
}

/// How much stands before as many backticks as there were in front, neither more nor less.
fn length_of_code(inside: &str, ticks: usize) -> Option<usize> {
    let mut at = 0;
    while let Some(found) = inside[at..].find('`') {
        let start = at + found;
        let rest = &inside[start..];
        let run = rest.len() - rest.trim_start_matches('`').len();
        if run == ticks {
            return Some(start);
        }
        at = start + run;
    }
    None
}

#[derive(Default)]
struct Words {
    done: Vec<String>,
    current: String,
}

impl Words {
    /// Text without code: the word so far goes on in it.
    fn plain(&mut self, text: &str) {
        for (index, part) in text.split(char::is_whitespace).enumerate() {
            if index > 0 {
                self.end();
            }
            self.current.push_str(&escape(part));
        }
    }

    fn end(&mut self) {
        if !self.current.is_empty() {
            self.done.push(std::mem::take(&mut self.current));
        }
    }
}

/// A word that would start a list, a heading, a quotation or a table at the start of a line.
fn escape_start(word: String) -> String {
    let numbered = word.trim_end_matches(['.', ')']);
    let number = numbered.len() < word.len() && numbered.bytes().all(|b| b.is_ascii_digit());
    if number {
        let at = numbered.len();
        return format!("{}\\{}", &word[..at], &word[at..]);
    }
    match word.chars().next() {
        Some('#' | '-' | '+' | '=' | '|' | '~' | '>') => format!("\\{word}"),
        Some('*') if word == "*" => "\\*".to_owned(),
        _ => word,
    }
}

/// A word, or a part of one; an address becomes a link.
fn escape(word: &str) -> String {
    let bare = word.trim_end_matches(['.', ',', ';', ':', ')', '>']);
    let link = bare.find("https://").or_else(|| bare.find("http://"));
    if let Some(start) = link.filter(|_| !bare.contains(['<', '>', '[', ']', '"'])) {
        let (before, url) = bare.split_at(start);
        let after = &word[bare.len()..];
        return format!("{}<{url}>{}", escape_marks(before), escape_marks(after));
    }
    escape_marks(word)
}

fn escape_marks(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    let mut before: Option<char> = None;
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        let after = rest.peek().copied();
        let misread = match c {
            '[' => true,
            '<' => after.is_some_and(|c| c.is_ascii_alphabetic() || "/!?".contains(c)),
            '*' => before.is_some() || after.is_some(),
            // Within a word it means nothing.
            '_' => !(is_of_word(before) && is_of_word(after)),
            '\\' => after.is_none_or(|c| c.is_ascii_punctuation()),
            _ => false,
        };
        if misread {
            escaped.push('\\');
        }
        escaped.push(c);
        before = Some(c);
    }
    escaped
}

fn is_of_word(c: Option<char>) -> bool {
    c.is_some_and(|c| c.is_alphanumeric() || c == '_')
}

/// Characters that turn text around or hide in it have no place in source code.
fn is_hidden(c: char) -> bool {
    let turns = matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    turns || c.is_control() && c != '\t' || matches!(c, '\u{200b}'..='\u{200f}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(text: &str) -> String {
        lines(text, 40).join("\n")
    }

    #[test]
    fn what_markdown_would_misread_is_escaped() {
        assert_eq!(
            all("See [this] <b> a_b _c * d *e*"),
            "See \\[this] \\<b> a_b \\_c * d \\*e\\*"
        );
        assert_eq!(all("at https://a.b/c_d."), "at <https://a.b/c_d>.");
        assert_eq!(all("1. one\n# two\n> 3"), "1\\. one\n\\# two\n\\> 3");
        assert_eq!(all("* a\n- b\nc < d"), "\\* a\n\\- b\nc < d");
        assert_eq!(all("\n\na\n\n\nb\n\n"), "a\n\nb");
    }

    #[test]
    fn code_stays_as_it_is() {
        assert_eq!(all("the `a_b[0]` <x>"), "the `a_b[0]` \\<x>");
        assert_eq!(all("(``a ` b``, `c`)"), "(``a ` b``, `c`)");
        assert_eq!(all("a ` b [c]"), "a \\` b \\[c]");
        assert_eq!(all("```\n    code\n```"), "\\`\\`\\`\ncode\n\\`\\`\\`");
    }

    #[test]
    fn code_is_not_broken() {
        assert_eq!(
            all("a rather long line of text with `some - code` in it"),
            "a rather long line of text with\n`some - code` in it"
        );
    }
}
