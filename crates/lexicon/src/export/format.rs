//! String formats as JSON Schema.
//!
//! Each pattern takes every text of its format. Some take a little more: a pattern cannot know a
//! calendar or look into a CID.

use serde_json::{Value, json};

/// The longest handle (a DNS name).
const HANDLE_MOST: u64 = 253;
/// One label of a DNS name.
const LABEL: &str = "[a-zA-Z0-9]([a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?";

/// What JSON Schema can say of a format: keywords to merge into a string schema. An unknown format
/// is only named.
pub(super) fn keywords(format: &str) -> Value {
    match format {
        "datetime" => json!({
            "format": "date-time",
            "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}([.][0-9]+)?(Z|[+-][0-9]{2}:[0-9]{2})$",
            "maxLength": 64,
        }),
        "uri" => {
            json!({ "format": "uri", "pattern": "^[a-zA-Z][a-zA-Z0-9+.-]*:[!-~]+$", "maxLength": 8192 })
        }
        "at-identifier" => json!({
            "format": format,
            "anyOf": [{ "pattern": did() }, { "pattern": handle(), "maxLength": HANDLE_MOST }],
        }),
        "handle" => json!({ "format": format, "pattern": handle(), "maxLength": HANDLE_MOST }),
        "did" => json!({ "format": format, "pattern": did(), "maxLength": 2048 }),
        "nsid" => json!({ "format": format, "pattern": nsid(), "maxLength": 317 }),
        other => match simple_pattern(other) {
            Some((pattern, most)) => {
                json!({ "format": other, "pattern": pattern, "maxLength": most })
            }
            None => json!({ "format": other }),
        },
    }
}

/// A pattern, and the most characters that the format has.
fn simple_pattern(format: &str) -> Option<(&'static str, u64)> {
    Some(match format {
        "at-uri" => ("^at://[!-.0-~]+(/[!-~]*)?$", 8192),
        "space-ref" => ("^at://did:[!-.0-~]+/space/[!-.0-~]+/[!-.0-~]+$", 8192),
        "cid" => ("^[a-zA-Z0-9+=]{8,}$", 256),
        "tid" => ("^[234567a-j][234567a-z]{12}$", 13),
        "record-key" => (
            "^([.]{0,2}[a-zA-Z0-9_~:-][a-zA-Z0-9_~.:-]*|[.]{3}[a-zA-Z0-9_~.:-]*)$",
            512,
        ),
        "language" => ("^[a-zA-Z]{1,8}(-[a-zA-Z0-9]{1,8})*$", 128),
        _ => return None,
    })
}

fn did() -> String {
    "^did:[a-z]+:[a-zA-Z0-9._:%-]*[a-zA-Z0-9._-]$".to_owned()
}

fn handle() -> String {
    format!("^({LABEL}[.])+[a-zA-Z]([a-zA-Z0-9-]{{0,61}}[a-zA-Z0-9])?$")
}

fn nsid() -> String {
    format!(
        "^[a-zA-Z]([a-zA-Z0-9-]{{0,61}}[a-zA-Z0-9])?([.]{LABEL})+[.][a-zA-Z][a-zA-Z0-9]{{0,62}}$"
    )
}
