//! The vectors, as far as they are here.

use data_encoding::HEXLOWER;
use serde_json::Value;

/// A file of vectors.
pub fn read(name: &str) -> Option<Value> {
    let text = crate::shared::read(&format!("vectors/{name}"))?;
    Some(serde_json::from_str(&text).expect("JSON"))
}

/// A text of a vector.
pub fn text<'a>(vector: &'a Value, name: &str) -> &'a str {
    vector[name]
        .as_str()
        .unwrap_or_else(|| panic!("no {name} in {vector}"))
}

/// Bytes of a vector.
pub fn bytes(vector: &Value, name: &str) -> Vec<u8> {
    let hex = text(vector, &format!("{name}_hex"));
    HEXLOWER.decode(hex.as_bytes()).expect("hexadecimal")
}

/// The vectors of a list.
pub fn each<'a>(vectors: &'a Value, name: &str) -> &'a [Value] {
    let list = vectors[name]
        .as_array()
        .unwrap_or_else(|| panic!("no list {name}"));
    assert!(!list.is_empty(), "{name} has vectors");
    list
}
