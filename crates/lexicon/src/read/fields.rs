//! Reading the fields of one JSON object, noting whatever is not as the language wants it.

use std::fmt;

use indexmap::IndexMap;

use super::json::{Json, Object};
use super::{Diagnostic, Severity};
use crate::document::Unsupported;
use crate::place::Place;

/// The diagnostics of a document so far.
#[derive(Default)]
pub(super) struct Notes {
    diagnostics: Vec<Diagnostic>,
    left_out: usize,
}

impl Notes {
    pub(super) fn error(
        &mut self,
        place: &Place<'_>,
        rule: &'static str,
        message: impl fmt::Display,
    ) {
        self.push(Severity::Error, place, rule, message);
    }

    pub(super) fn warning(
        &mut self,
        place: &Place<'_>,
        rule: &'static str,
        message: impl fmt::Display,
    ) {
        self.push(Severity::Warning, place, rule, message);
    }

    #[cold]
    fn push(
        &mut self,
        severity: Severity,
        place: &Place<'_>,
        rule: &'static str,
        message: impl fmt::Display,
    ) {
        // One place is kept free for the line that says how many are missing.
        if self.diagnostics.len() + 1 >= Diagnostic::MOST {
            self.left_out += 1;
            return;
        }
        self.diagnostics.push(Diagnostic {
            severity,
            rule,
            pointer: place.to_string(),
            span: None,
            message: message.to_string(),
        });
    }

    pub(super) fn into_diagnostics(mut self) -> Vec<Diagnostic> {
        if self.left_out > 0 {
            self.diagnostics.push(Diagnostic {
                severity: Severity::Error,
                rule: "too-many-diagnostics",
                pointer: String::new(),
                span: None,
                message: format!("{} more diagnostics are not shown", self.left_out),
            });
        }
        self.diagnostics
    }
}

/// The fields of an object at a place.
#[derive(Clone, Copy)]
pub(super) struct Fields<'r, 'a> {
    pub(super) object: &'r Object<'a>,
    pub(super) place: &'r Place<'r>,
}

impl<'r, 'a> Fields<'r, 'a> {
    /// The fields of `json`, or an error that it should have been an object.
    pub(super) fn of(json: &'r Json<'a>, place: &'r Place<'r>, notes: &mut Notes) -> Option<Self> {
        match json {
            Json::Object(object) => Some(Self { object, place }),
            other => {
                wrong_type(notes, place, "an object", other);
                None
            }
        }
    }

    /// A field that is there; an explicit `null` counts as absent, as published lexicons use it.
    pub(super) fn get(&self, key: &str) -> Option<&'r Json<'a>> {
        self.object
            .get(key)
            .filter(|value| !matches!(value, Json::Null))
    }

    pub(super) fn text(&self, key: &str, notes: &mut Notes) -> Option<String> {
        self.typed(key, notes, "a string", |json| match json {
            Json::Text(text) => Some(text.to_string()),
            _ => None,
        })
    }

    pub(super) fn boolean(&self, key: &str, notes: &mut Notes) -> Option<bool> {
        self.typed(key, notes, "a boolean", |json| match json {
            Json::Bool(value) => Some(*value),
            _ => None,
        })
    }

    pub(super) fn integer(&self, key: &str, notes: &mut Notes) -> Option<i64> {
        self.typed(key, notes, "an integer", Json::as_integer)
    }

    /// A length or size.
    pub(super) fn count(&self, key: &str, notes: &mut Notes) -> Option<u64> {
        self.typed(key, notes, "an integer from 0 up", |json| {
            json.as_integer()
                .and_then(|value| u64::try_from(value).ok())
        })
    }

    pub(super) fn texts(&self, key: &str, notes: &mut Notes) -> Option<Vec<String>> {
        self.list(key, notes, "a string", |json| match json {
            Json::Text(text) => Some(text.to_string()),
            _ => None,
        })
    }

    pub(super) fn integers(&self, key: &str, notes: &mut Notes) -> Option<Vec<i64>> {
        self.list(key, notes, "an integer", Json::as_integer)
    }

    /// An object of strings, such as a name in several languages.
    pub(super) fn text_map(&self, key: &str, notes: &mut Notes) -> IndexMap<String, String> {
        let mut texts = IndexMap::new();
        let place = self.place.key(key);
        let Some(fields) = self
            .get(key)
            .and_then(|json| Fields::of(json, &place, notes))
        else {
            return texts;
        };
        for (name, value) in &fields.object.entries {
            match value {
                Json::Text(text) => {
                    texts.insert(name.to_string(), text.to_string());
                }
                other => wrong_type(notes, &place.key(name), "a string", other),
            }
        }
        fields.note_repeated(notes);
        texts
    }

    fn typed<T>(
        &self,
        key: &str,
        notes: &mut Notes,
        wanted: &str,
        read: impl Fn(&Json<'a>) -> Option<T>,
    ) -> Option<T> {
        let json = self.get(key)?;
        let value = read(json);
        if value.is_none() {
            wrong_type(notes, &self.place.key(key), wanted, json);
        }
        value
    }

    fn list<T>(
        &self,
        key: &str,
        notes: &mut Notes,
        wanted: &str,
        read: impl Fn(&Json<'a>) -> Option<T>,
    ) -> Option<Vec<T>> {
        let place = self.place.key(key);
        let Json::Array(items) = self.get(key)? else {
            wrong_type(notes, &place, "an array", self.get(key)?);
            return None;
        };
        let mut values = Vec::with_capacity(items.len());
        for (index, item) in items.iter().enumerate() {
            match read(item) {
                Some(value) => values.push(value),
                None => wrong_type(notes, &place.index(index), wanted, item),
            }
        }
        Some(values)
    }

    /// Notes the keys that the language does not know here, and keys written twice.
    pub(super) fn close(&self, known: &[&str], notes: &mut Notes) {
        for (key, _) in &self.object.entries {
            if !known.contains(&key.as_ref()) && key != "type" && key != "description" {
                notes.warning(
                    &self.place.key(key),
                    "unknown-key",
                    format_args!("the language has no `{key}` here; it is ignored"),
                );
            }
        }
        self.note_repeated(notes);
    }

    pub(super) fn note_repeated(&self, notes: &mut Notes) {
        for key in &self.object.repeated {
            notes.warning(
                &self.place.key(key),
                "repeated-key",
                format_args!("`{key}` is written more than once; the last one counts"),
            );
        }
    }

    /// The object as written, for what cannot be interpreted.
    pub(super) fn unsupported(&self) -> Unsupported {
        let text = |key| match self.object.get(key) {
            Some(Json::Text(text)) => Some(text.to_string()),
            _ => None,
        };
        Unsupported {
            description: text("description"),
            type_name: text("type").unwrap_or_default(),
            raw: raw(self.object),
        }
    }
}

fn raw(object: &Object<'_>) -> serde_json::Value {
    serde_json::Value::Object(
        object
            .entries
            .iter()
            .map(|(key, value)| (key.to_string(), value.to_value()))
            .collect(),
    )
}

/// Notes a value of the wrong JSON type.
#[cold]
pub(super) fn wrong_type(notes: &mut Notes, place: &Place<'_>, wanted: &str, found: &Json<'_>) {
    notes.error(
        place,
        "wrong-type",
        format_args!("expected {wanted}, found {}; it is ignored", found.kind()),
    );
}
