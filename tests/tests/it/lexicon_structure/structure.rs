//! A lexicon without its prose.

use serde_json::{Map, Value};

/// Keys whose values map names that somebody chose to schemas: `description` is a name there.
const NAMESPACES: [&str; 2] = ["defs", "properties"];

/// The document without its descriptions.
pub fn of(document: &Value) -> Value {
    match document {
        Value::Object(fields) => Value::Object(
            fields
                .iter()
                .filter(|(key, _)| *key != "description")
                .map(|(key, value)| (key.clone(), field(key, value)))
                .collect::<Map<_, _>>(),
        ),
        Value::Array(items) => Value::Array(items.iter().map(of).collect()),
        other => other.clone(),
    }
}

fn field(key: &str, value: &Value) -> Value {
    match value {
        Value::Object(named) if NAMESPACES.contains(&key) => named
            .iter()
            .map(|(name, schema)| (name.clone(), of(schema)))
            .collect(),
        other => of(other),
    }
}

/// What a document refers to, as `nsid` or `nsid#name`.
pub fn references(id: &str, document: &Value) -> Vec<String> {
    let mut found = Vec::new();
    collect(document, &mut |reference| {
        found.push(if reference.starts_with('#') {
            format!("{id}{reference}")
        } else {
            reference.to_owned()
        });
    });
    found
}

fn collect(value: &Value, found: &mut impl FnMut(&str)) {
    match value {
        Value::Object(fields) => {
            match fields.get("type").and_then(Value::as_str) {
                Some("ref") => fields["ref"].as_str().into_iter().for_each(&mut *found),
                Some("union") => {
                    let refs = fields["refs"].as_array().into_iter().flatten();
                    refs.filter_map(Value::as_str).for_each(&mut *found);
                }
                _ => {}
            }
            fields.values().for_each(|field| collect(field, found));
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, found)),
        _ => {}
    }
}

/// A short text that differs when the structure does, whatever the order of keys.
///
/// FNV-1a of 64 bits: it guards against drift, not against malice.
pub fn fingerprint(structure: &Value) -> String {
    let hash = canonical(structure)
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
        });
    format!("{hash:016x}")
}

/// JSON with sorted keys: the order in which `serde_json` keeps them depends on its features.
fn canonical(value: &Value) -> String {
    match value {
        Value::Object(fields) => {
            let mut fields: Vec<_> = fields
                .iter()
                .map(|(key, value)| format!("{key:?}:{}", canonical(value)))
                .collect();
            fields.sort();
            format!("{{{}}}", fields.join(","))
        }
        Value::Array(items) => {
            format!(
                "[{}]",
                items.iter().map(canonical).collect::<Vec<_>>().join(",")
            )
        }
        other => other.to_string(),
    }
}
