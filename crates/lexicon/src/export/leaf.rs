//! Schemas that hold no other schema.

use serde_json::{Value, json};

use super::format;
use super::schema::put;
use crate::document::{BlobSchema, BooleanSchema, BytesSchema, IntegerSchema, StringSchema};

/// The largest integer of the data model that every implementation reads exactly, 2^53 - 1.
const MOST_EXACT: i64 = (1 << 53) - 1;

pub(super) fn boolean(boolean: &BooleanSchema) -> Value {
    let mut schema = json!({ "type": "boolean" });
    put(&mut schema, "const", boolean.constant);
    put(&mut schema, "default", boolean.default);
    schema
}

pub(super) fn integer(integer: &IntegerSchema) -> Value {
    let mut schema = json!({ "type": "integer" });
    put(
        &mut schema,
        "minimum",
        Some(integer.minimum.unwrap_or(-MOST_EXACT).max(-MOST_EXACT)),
    );
    put(
        &mut schema,
        "maximum",
        Some(integer.maximum.unwrap_or(MOST_EXACT).min(MOST_EXACT)),
    );
    put(&mut schema, "enum", integer.enumeration.clone());
    put(&mut schema, "const", integer.constant);
    put(&mut schema, "default", integer.default);
    schema
}

/// Byte limits as far as characters can say them: a character has one to four bytes, and a grapheme
/// cluster has one character or more.
pub(super) fn string(string: &StringSchema) -> Value {
    let mut schema = json!({ "type": "string" });
    if let Some(name) = &string.format {
        merge(&mut schema, format::keywords(name));
    }
    let least = string.min_length.map_or(0, |bytes| bytes.div_ceil(4));
    let least = least.max(string.min_graphemes.unwrap_or(0));
    put(&mut schema, "minLength", (least > 0).then_some(least));
    let most = [string.max_length, schema["maxLength"].as_u64()]
        .into_iter()
        .flatten()
        .min();
    put(&mut schema, "maxLength", most);
    put(&mut schema, "x-lexicon-minLength", string.min_length);
    put(&mut schema, "x-lexicon-maxLength", string.max_length);
    put(&mut schema, "x-lexicon-minGraphemes", string.min_graphemes);
    put(&mut schema, "x-lexicon-maxGraphemes", string.max_graphemes);
    if !string.known_values.is_empty() {
        put(
            &mut schema,
            "x-lexicon-knownValues",
            Some(string.known_values.clone()),
        );
    }
    put(&mut schema, "enum", string.enumeration.clone());
    put(&mut schema, "const", string.constant.clone());
    put(&mut schema, "default", string.default.clone());
    schema
}

/// Base 64, each of its ends with or without padding.
const BASE64: &str = "^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}(==)?|[A-Za-z0-9+/]{3}=?)?$";

/// Base 64 with or without padding: n bytes are four characters for every three, rounded up.
pub(super) fn bytes(bytes: &BytesSchema) -> Value {
    let mut text = json!({
        "type": "string",
        "contentEncoding": "base64",
        "pattern": BASE64,
    });
    let least = bytes
        .min_length
        .map(|least| least.saturating_mul(4).div_ceil(3));
    put(&mut text, "minLength", least.filter(|least| *least > 0));
    put(
        &mut text,
        "maxLength",
        bytes
            .max_length
            .map(|most| most.div_ceil(3).saturating_mul(4)),
    );
    let mut schema = json!({
        "type": "object",
        "properties": { "$bytes": text },
        "required": ["$bytes"],
        "additionalProperties": false,
    });
    put(&mut schema, "x-lexicon-minLength", bytes.min_length);
    put(&mut schema, "x-lexicon-maxLength", bytes.max_length);
    schema
}

pub(super) fn cid_link() -> Value {
    json!({
        "type": "object",
        "properties": { "$link": { "type": "string", "minLength": 1 } },
        "required": ["$link"],
        "additionalProperties": false,
    })
}

pub(super) fn blob(blob: &BlobSchema) -> Value {
    let mut mime_type = json!({ "type": "string", "minLength": 1 });
    match &blob.accept {
        Some(accept) if accept.is_empty() => mime_type = json!({ "not": {} }),
        Some(accept) => put(&mut mime_type, "pattern", accept_pattern(accept)),
        None => {}
    }
    let mut size = json!({ "type": "integer", "minimum": 0 });
    put(&mut size, "maximum", blob.max_size);
    let mut schema = json!({
        "type": "object",
        "properties": {
            "$type": { "const": "blob" },
            "ref": cid_link(),
            "mimeType": mime_type,
            "size": size,
        },
        "required": ["$type", "mimeType", "ref", "size"],
        "additionalProperties": false,
    });
    put(&mut schema, "x-lexicon-accept", blob.accept.clone());
    put(&mut schema, "x-lexicon-maxSize", blob.max_size);
    schema
}

/// A pattern for the accepted media types; none where every one is accepted. Case does not count
/// and neither do parameters.
fn accept_pattern(accept: &[String]) -> Option<String> {
    if accept
        .iter()
        .any(|pattern| matches!(pattern.as_str(), "*/*" | "*"))
    {
        return None;
    }
    let alternatives: Vec<_> = accept
        .iter()
        .map(|pattern| match pattern.strip_suffix('*') {
            Some(start) if start.ends_with('/') => literally(start),
            _ => format!("{}\\s*(;|$)", literally(pattern)),
        })
        .collect();
    Some(format!("^({})", alternatives.join("|")))
}

/// A regular expression for exactly this text, in upper or lower case.
fn literally(text: &str) -> String {
    let mut pattern = String::with_capacity(text.len() * 4);
    for c in text.chars() {
        if c.is_ascii_alphabetic() {
            pattern.extend(['[', c.to_ascii_lowercase(), c.to_ascii_uppercase(), ']']);
        } else {
            if "^$\\.*+?()[]{}|".contains(c) {
                pattern.push('\\');
            }
            pattern.push(c);
        }
    }
    pattern
}

fn merge(schema: &mut Value, keywords: Value) {
    if let (Value::Object(schema), Value::Object(keywords)) = (schema, keywords) {
        schema.extend(keywords);
    }
}
