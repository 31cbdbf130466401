//! What a caller is told of a token that cannot be read: where and what, and none of the token's own
//! words, which may be anything and may be secret.

use super::JwsError;
use super::strict::KNOWN;

/// What the strict reader says, which has no words of the token.
const OURS: [&str; 3] = [
    "expected a JSON object",
    "nested too deeply",
    "too many members",
];

impl JwsError {
    /// The message for whoever sent the token.
    pub(crate) fn told(&self) -> String {
        match self {
            Self::Json(_, error) => format!("{self}: {}", what(error)),
            _ => self.to_string(),
        }
    }
}

fn what(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let text = match error.line() {
        0 => text.as_str(),
        _ => text
            .rsplit_once(" at line ")
            .map_or(&*text, |(text, _)| text),
    };
    // The fields that serde misses or finds twice are ours.
    if OURS.contains(&text)
        || text.starts_with("missing field `")
        || text.starts_with("duplicate field `")
    {
        return text.to_owned();
    }
    let twice = text
        .strip_prefix('`')
        .and_then(|text| text.split_once("` stands there twice"));
    if let Some((name, _)) = twice {
        return match KNOWN.contains(&name) {
            true => format!("`{name}` stands there twice"),
            false => "a member stands there twice".to_owned(),
        };
    }
    let place = error.column();
    match text.rsplit_once(", expected ") {
        Some((_, expected)) => format!("expected {expected} before byte {place}"),
        None => format!("it is not JSON at byte {place}"),
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[expect(dead_code, reason = "only what it refuses matters")]
    struct Claims {
        iss: String,
        exp: i64,
    }

    fn told(json: &str) -> String {
        let read = super::super::strict::read_object::<Claims>(json.as_bytes());
        JwsError::Json("payload", read.expect_err("it is wrong")).told()
    }

    #[test]
    fn what_is_wrong_is_told_and_where() {
        for (json, what) in [
            (r#"{"iss":"a"}"#, "missing field `exp`"),
            (r#"{"iss":"a","iss":"b"}"#, "`iss` stands there twice"),
            (
                r#"{"secret":1,"secret":"b"}"#,
                "a member stands there twice",
            ),
            (r#"{"cnf":{"jkt":1,"jkt":2}}"#, "`jkt` stands there twice"),
            (
                r#"{"iss":7,"exp":1}"#,
                "expected a string in `iss` before byte 8",
            ),
            (
                r#"{"iss":"a","exp":"secret, expected"}"#,
                "expected i64 in `exp` before byte 35",
            ),
            (r#"["secret"]"#, "expected a JSON object"),
            (r#"{"iss":secret}"#, "it is not JSON at byte 8"),
        ] {
            let told = told(json);
            assert!(
                told.starts_with("the token's payload does not fit: "),
                "{told}"
            );
            assert!(!told.contains("secret"), "{told}");
            assert!(told.ends_with(what), "{told}");
        }
    }
}
