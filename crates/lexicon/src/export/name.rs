//! The names of exported schemas.

use crate::library::DefName;

/// Any value of the data model; no NSID has so few segments.
pub(super) const DATA_MODEL: &str = "DataModel";
/// The body of every failure.
pub(super) const ENVELOPE: &str = "XrpcError";

/// A definition's name among schemas: `nsid` or `nsid_name`.
///
/// OpenAPI allows letters, digits, `.`, `-` and `_` in such a name, and an NSID has no underscore,
/// so the first one ends it. In the definition's name, whatever else stands there (and `-` itself)
/// becomes `-` and two hexadecimal digits for each byte: no two definitions share a name.
pub(super) fn schema_name(name: &DefName) -> String {
    let mut text = name.nsid.clone();
    if name.name != "main" {
        text.push('_');
        text.push_str(&escape_name(&name.name));
    }
    text
}

fn escape_name(name: &str) -> String {
    use std::fmt::Write;
    let mut text = String::with_capacity(name.len());
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_') {
            text.push(char::from(byte));
        } else {
            write!(text, "-{byte:02x}").expect("writing to a string cannot fail");
        }
    }
    text
}
