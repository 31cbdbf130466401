//! The words in a lexicon.

use std::collections::BTreeSet;

use serde_json::Value;

/// This many words in a row are a phrase that somebody wrote, no longer a turn of the language.
const PHRASE: usize = 6;

/// All descriptions of a document.
pub fn descriptions(document: &Value) -> Vec<String> {
    match document {
        Value::Object(fields) => fields
            .iter()
            .flat_map(|(key, value)| match value {
                // A property called `description` holds a schema, not a text.
                Value::String(text) if key == "description" => vec![text.clone()],
                other => descriptions(other),
            })
            .collect(),
        Value::Array(items) => items.iter().flat_map(descriptions).collect(),
        _ => Vec::new(),
    }
}

/// JSON pointers of definitions, properties and errors that say nothing about themselves.
pub fn undescribed(document: &Value) -> Vec<String> {
    let mut silent = Vec::new();
    for (name, definition) in entries(&document["defs"]) {
        let at = format!("/defs/{name}");
        note(definition, &at, &mut silent);
        for inside in [
            "",
            "/parameters",
            "/record",
            "/input/schema",
            "/output/schema",
        ] {
            let place = format!("{inside}/properties");
            for (name, property) in definition.pointer(&place).into_iter().flat_map(entries) {
                note(property, &format!("{at}{place}/{name}"), &mut silent);
            }
        }
        for error in definition["errors"].as_array().into_iter().flatten() {
            note(
                error,
                &format!("{at}/errors/{}", error["name"]),
                &mut silent,
            );
        }
    }
    silent
}

fn entries(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flatten()
}

fn note(described: &Value, at: &str, silent: &mut Vec<String>) {
    if described["description"]
        .as_str()
        .is_none_or(|text| text.trim().is_empty())
    {
        silent.push(at.to_owned());
    }
}

/// The phrases of many texts.
pub struct Phrases(BTreeSet<Vec<String>>);

impl Phrases {
    /// Takes texts apart.
    pub fn of(texts: impl IntoIterator<Item = String>) -> Self {
        Self(texts.into_iter().flat_map(|text| phrases(&text)).collect())
    }

    /// Phrases that occur in `text` too. A text of fewer words than a phrase shares none.
    pub fn shared_with(&self, text: &str) -> impl Iterator<Item = String> {
        phrases(text)
            .into_iter()
            .filter(|phrase| self.0.contains(phrase))
            .map(|phrase| phrase.join(" "))
    }
}

fn phrases(text: &str) -> Vec<Vec<String>> {
    let words: Vec<String> = text
        .split(|c: char| !(c.is_alphanumeric() || c == '\''))
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
        .collect();
    words.windows(PHRASE).map(<[String]>::to_vec).collect()
}
