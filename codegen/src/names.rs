//! From names on the wire to Rust names. The policy is written down in the crate's documentation.

use std::collections::BTreeSet;

/// Words that Rust keeps for itself but lets through as `r#word`.
const KEYWORDS: &[&str] = &[
    "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "do", "dyn",
    "else", "enum", "extern", "false", "final", "fn", "for", "gen", "if", "impl", "in", "let",
    "loop", "macro", "match", "mod", "move", "mut", "override", "priv", "pub", "ref", "return",
    "static", "struct", "trait", "true", "try", "type", "typeof", "unsafe", "unsized", "use",
    "virtual", "where", "while", "yield",
];

/// Words that cannot even be raw identifiers.
const UNRAWABLE: &[&str] = &["crate", "self", "super", "_"];

/// Module names that generated code uses itself, and the one whose file would be its parent's.
const OUR_MODULES: &[&str] = &["syntax", "xrpc", "mod"];

/// Type names that generated code takes from the prelude.
pub(crate) const PRELUDE: &[&str] = &[
    "Box", "Default", "Err", "None", "Ok", "Option", "Result", "Self", "Some", "String", "Vec",
];

/// The words of a name: split at anything that is no ASCII letter or digit, and at humps.
///
/// `backgroundRGB` is background, RGB; `HTMLParser` is HTML, Parser; `sha256Hash` is sha256, Hash.
fn words(name: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    for part in name
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|part| !part.is_empty())
    {
        let bytes = part.as_bytes();
        let mut start = 0;
        for at in 1..bytes.len() {
            let hump = bytes[at].is_ascii_uppercase()
                && (!bytes[at - 1].is_ascii_uppercase()
                    || bytes.get(at + 1).is_some_and(u8::is_ascii_lowercase));
            if hump {
                words.push(part[start..at].to_owned());
                start = at;
            }
        }
        words.push(part[start..].to_owned());
    }
    words
}

/// `registerNotify` → `RegisterNotify`; empty if the name has no letter or digit.
pub(crate) fn camel(name: &str) -> String {
    let mut text = String::with_capacity(name.len());
    for word in words(name) {
        let word = word.to_ascii_lowercase();
        // Without something between, `a1` + `2b` would read as one number.
        let digits = word.starts_with(|c: char| c.is_ascii_digit());
        if digits && text.ends_with(|c: char| c.is_ascii_digit()) {
            text.push('_');
        }
        text.push_str(&word[..1].to_ascii_uppercase());
        text.push_str(&word[1..]);
    }
    if text.starts_with(|c: char| c.is_ascii_digit()) {
        format!("N{text}")
    } else {
        text
    }
}

/// `registerNotify` → `register_notify`; empty if the name has no letter or digit.
fn snake_words(name: &str) -> String {
    let text = words(name).join("_").to_ascii_lowercase();
    if text.starts_with(|c: char| c.is_ascii_digit()) {
        format!("_{text}")
    } else {
        text
    }
}

/// A field name: `createdAt` → `created_at`, `type` → `r#type`, `self` → `self_`.
pub(crate) fn field(name: &str) -> String {
    let text = snake_words(name);
    if text.is_empty() {
        "field".into()
    } else {
        escape(text)
    }
}

/// A module name: like a field name; the modules that generated code uses, and `mod`, get a `_`.
pub(crate) fn module(segment: &str) -> String {
    let text = snake_words(segment);
    if OUR_MODULES.contains(&text.as_str()) {
        format!("{text}_")
    } else {
        escape(text)
    }
}

/// A constant's name: `clickthroughItem` → `CLICKTHROUGH_ITEM`.
pub(crate) fn constant(name: &str) -> String {
    let text = snake_words(name).to_ascii_uppercase();
    if text.is_empty() {
        "TOKEN".into()
    } else {
        text
    }
}

fn escape(text: String) -> String {
    if UNRAWABLE.contains(&text.as_str()) {
        format!("{text}_")
    } else if KEYWORDS.contains(&text.as_str()) {
        format!("r#{text}")
    } else {
        text
    }
}

/// A raw identifier without its `r#`, as in file names.
pub(crate) fn unraw(name: &str) -> &str {
    name.strip_prefix("r#").unwrap_or(name)
}

/// The names that are taken in one place.
#[derive(Debug, Default)]
pub(crate) struct Scope {
    taken: BTreeSet<String>,
}

impl Scope {
    /// A place where these names are taken from the start.
    pub(crate) fn with(taken: &[&str]) -> Self {
        Self {
            taken: taken.iter().map(|&name| name.to_owned()).collect(),
        }
    }

    /// Takes this name, or the first of `{name}2`, `{name}3`, … that is free.
    pub(crate) fn take(&mut self, name: &str) -> String {
        let plain = name.trim_end_matches('_');
        self.first_free(name, |number| format!("{plain}{number}"))
    }

    /// Takes this name, or the first of `{name}_2`, `{name}_3`, … that is free.
    pub(crate) fn take_snake(&mut self, name: &str) -> String {
        let plain = unraw(name).trim_end_matches('_');
        self.first_free(name, |number| format!("{plain}_{number}"))
    }

    fn first_free(&mut self, name: &str, numbered: impl Fn(u32) -> String) -> String {
        let mut free = name.to_owned();
        let mut number = 1;
        while self.taken.contains(&free) {
            number += 1;
            free = numbered(number);
        }
        self.taken.insert(free.clone());
        free
    }
}

/// Names for the values of a string, in order, each once.
///
/// A value that refers to a token (`nsid#name`) is called like the token.
pub(crate) fn values<'a>(values: impl IntoIterator<Item = &'a str>, taken: &[&str]) -> Vec<String> {
    let mut scope = Scope::with(taken);
    let name = |(index, value): (usize, &str)| {
        let short = value
            .rsplit_once('#')
            .map_or(value, |(_, fragment)| fragment);
        match camel(short) {
            _ if value.is_empty() => "Empty".to_owned(),
            name if name.is_empty() => format!("Value{}", index + 1),
            name if name == "Self" => "Self_".to_owned(),
            name => name,
        }
    };
    values
        .into_iter()
        .enumerate()
        .map(name)
        .map(|name| scope.take(&name))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_the_policy() {
        assert_eq!(camel("registerNotify"), "RegisterNotify");
        assert_eq!(camel("HTMLParser-v2"), "HtmlParserV2");
        assert_eq!(camel("3dModel"), "N3dModel");
        assert_eq!(camel("NSFW"), "Nsfw");
        assert_eq!(field("backgroundRGB"), "background_rgb");
        assert_eq!(field("type"), "r#type");
        assert_eq!(field("self"), "self_");
        assert_eq!(field("3d"), "_3d");
        assert_eq!(field("cid-link"), "cid_link");
        assert_eq!(module("xrpc"), "xrpc_");
        assert_eq!(module("mod"), "mod_");
        assert_eq!(constant("clickthroughItem"), "CLICKTHROUGH_ITEM");
    }

    #[test]
    fn values_have_one_name_each() {
        let names = values(
            ["!hide", "hide", "", "👍", "a.b#c", "other", "self", "Self"],
            &["Other"],
        );
        assert_eq!(
            names,
            [
                "Hide", "Hide2", "Empty", "Value4", "C", "Other2", "Self_", "Self2"
            ]
        );
    }

    #[test]
    fn a_taken_name_is_numbered() {
        let mut scope = Scope::with(PRELUDE);
        assert_eq!(scope.take("Option"), "Option2");
        assert_eq!(scope.take("Option"), "Option3");
        assert_eq!(scope.take_snake("r#type"), "r#type");
        assert_eq!(scope.take_snake("r#type"), "type_2");
        assert_eq!(scope.take_snake("self_"), "self_");
        assert_eq!(scope.take_snake("self_"), "self_2");
    }
}
