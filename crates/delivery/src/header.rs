//! Headers that an endpoint's owner adds to every attempt.

use std::fmt;

use zeroize::Zeroizing;

/// At most ten headers with names of their own. Values may be tokens: `Debug` shows none, storage
/// seals them.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct CustomHeaders(Vec<(String, String)>);

/// Why headers are refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidHeaders {
    /// More than [`CustomHeaders::MOST`].
    #[error("at most 10 custom headers, these are {0}")]
    TooMany(usize),
    /// Not a token of RFC 9110 of at most 64 bytes.
    #[error("`{0}` is no header name")]
    Name(String),
    /// The name belongs to HTTP, to this sender or to a wire profile.
    #[error("the header `{0}` is reserved")]
    Reserved(String),
    /// The name is there twice.
    #[error("the header `{0}` is there twice")]
    Twice(String),
    /// The value is over 1,024 bytes or has characters other than visible ASCII and blanks inside.
    #[error("the value of the header `{0}` is not visible ASCII of at most 1024 bytes")]
    Value(String),
    /// What is stored is not what was written.
    #[error("the stored headers cannot be read")]
    Stored,
}

/// What connections, this sender and the wire profiles say themselves.
const RESERVED: &[&str] = &[
    "accept",
    "accept-encoding",
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "date",
    "dpop",
    "expect",
    "forwarded",
    "host",
    "http2-settings",
    "idempotency-key",
    "keep-alive",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "user-agent",
    "via",
    "x-webhook-signature",
];

/// Families of names: of intermediaries, of Standard Webhooks and of the other systems that are
/// spoken here.
const RESERVED_PREFIXES: &[&str] = &[
    "proxy-",
    "sec-",
    "webhook-",
    "x-bettermode-",
    "x-forwarded-",
    "x-hapnd-",
];

impl CustomHeaders {
    /// So many, as Hapnd allows.
    pub const MOST: usize = 10;
    /// A longer name is refused: no system in use has one.
    pub const MAX_NAME: usize = 64;
    /// A longer value is refused: room for a token, not for a document.
    pub const MAX_VALUE: usize = 1024;

    /// Checks and takes headers; names become lower case.
    pub fn new<N, V>(headers: impl IntoIterator<Item = (N, V)>) -> Result<Self, InvalidHeaders>
    where
        N: AsRef<str>,
        V: Into<String>,
    {
        let mut kept: Vec<(String, String)> = Vec::new();
        for (name, value) in headers {
            let name = check_name(name.as_ref())?;
            if kept.iter().any(|(known, _)| *known == name) {
                return Err(InvalidHeaders::Twice(name));
            }
            let value = value.into();
            if !is_value(&value) {
                return Err(InvalidHeaders::Value(name));
            }
            kept.push((name, value));
            if kept.len() > Self::MOST {
                return Err(InvalidHeaders::TooMany(kept.len()));
            }
        }
        Ok(Self(kept))
    }

    /// Names in lower case, and values.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (&**name, &**value))
    }

    /// The names alone, which may be shown.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| &**name)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The form that is sealed and stored: a JSON array of `[name, value]`.
    pub fn to_stored(&self) -> Zeroizing<Vec<u8>> {
        Zeroizing::new(serde_json::to_vec(&self.0).expect("strings are always JSON"))
    }

    /// Reads what [`CustomHeaders::to_stored`] wrote, with the same checks as at first.
    pub fn from_stored(stored: &[u8]) -> Result<Self, InvalidHeaders> {
        let pairs: Vec<(String, String)> =
            serde_json::from_slice(stored).map_err(|_| InvalidHeaders::Stored)?;
        Self::new(pairs)
    }
}

fn check_name(name: &str) -> Result<String, InvalidHeaders> {
    // A refused name ends up in an error message: no more of it than a name may have.
    let shown: String = name.chars().take(CustomHeaders::MAX_NAME).collect();
    if name.is_empty() || name.len() > CustomHeaders::MAX_NAME || !name.bytes().all(is_token) {
        return Err(InvalidHeaders::Name(shown));
    }
    let name = name.to_ascii_lowercase();
    let family = RESERVED_PREFIXES
        .iter()
        .any(|prefix| name.starts_with(prefix));
    match family || RESERVED.contains(&&*name) {
        true => Err(InvalidHeaders::Reserved(name)),
        false => Ok(name),
    }
}

/// `tchar` of RFC 9110 §5.6.2.
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

fn is_value(value: &str) -> bool {
    let inside = |byte| matches!(byte, b' ' | b'\t' | 0x21..=0x7e);
    value.len() <= CustomHeaders::MAX_VALUE
        && value.bytes().all(inside)
        && value.trim().len() == value.len()
}

impl fmt::Debug for CustomHeaders {
    /// The names only.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.names()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(name: &str, value: &str) -> Result<CustomHeaders, InvalidHeaders> {
        CustomHeaders::new([(name, value)])
    }

    #[test]
    fn good_headers_read_back_in_lower_case() {
        let headers = CustomHeaders::new([("Authorization", "Bearer a b"), ("X-Team", "")]);
        let headers = headers.expect("both may be set");
        let pairs: Vec<_> = headers.iter().collect();
        assert_eq!(pairs, [("authorization", "Bearer a b"), ("x-team", "")]);
        assert_eq!(
            CustomHeaders::from_stored(&headers.to_stored()),
            Ok(headers.clone())
        );
        assert_eq!(format!("{headers:?}"), r#"["authorization", "x-team"]"#);
    }

    #[test]
    fn reserved_names_are_refused_in_any_case() {
        for name in [
            "Host",
            "CONTENT-TYPE",
            "webhook-id",
            "X-Hapnd-Attempt",
            "Proxy-X",
        ] {
            let refused = InvalidHeaders::Reserved(name.to_ascii_lowercase());
            assert_eq!(one(name, "x"), Err(refused));
        }
    }

    #[test]
    fn what_would_split_a_request_is_refused() {
        for name in ["", "a b", "a:", "a\r\nb", "é", &"x".repeat(65)] {
            assert!(
                matches!(one(name, "x"), Err(InvalidHeaders::Name(_))),
                "{name}"
            );
        }
        for value in ["a\r\nb: c", "\0", "é", " x", &"x".repeat(1025)] {
            let refused = InvalidHeaders::Value("x-a".to_owned());
            assert_eq!(one("x-a", value), Err(refused));
        }
    }

    #[test]
    fn number_and_repetition_are_checked() {
        let many = (0..11).map(|n| (format!("x-{n}"), "x"));
        assert_eq!(CustomHeaders::new(many), Err(InvalidHeaders::TooMany(11)));
        let twice = CustomHeaders::new([("x-a", "1"), ("X-A", "2")]);
        assert_eq!(twice, Err(InvalidHeaders::Twice("x-a".to_owned())));
        assert_eq!(
            CustomHeaders::from_stored(b"{}"),
            Err(InvalidHeaders::Stored)
        );
    }
}
