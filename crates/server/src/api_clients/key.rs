//! Keys of clients and origins of web pages, as texts.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use url::Url;

/// What every key begins with, so that one that leaked is recognized for what it is.
const PREFIX: &str = "lgk_";

/// A new key: shown once to whoever made it, and kept as its hash only.
pub struct ClientKey(String);

impl ClientKey {
    /// The key of these random bytes.
    pub fn new(random: [u8; 32]) -> Self {
        Self(format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(random)))
    }

    /// The text that goes into the `X-Client-Key` header.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The SHA-256 under which the store knows it.
    pub fn hash(&self) -> [u8; 32] {
        hash(&self.0)
    }
}

/// The hash of a text that looks like a key. What does not is not worth a look into the store.
pub fn hash_of(text: &str) -> Option<[u8; 32]> {
    let random = text.strip_prefix(PREFIX)?;
    let random = URL_SAFE_NO_PAD.decode(random).ok()?;
    (random.len() == 32).then(|| hash(text))
}

fn hash(text: &str) -> [u8; 32] {
    Sha256::digest(text).into()
}

/// A text is no origin of a web page.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not an origin such as https://app.example: a scheme, a host, and a port if needed"
)]
pub struct InvalidOrigin(String);

/// Reads an origin into the form in which browsers send it.
///
/// # Errors
/// Anything but `http` or `https` with a host, and a port if needed.
pub fn read_origin(text: &str) -> Result<String, InvalidOrigin> {
    let url = Url::parse(text).ok();
    let url = url.filter(|url| {
        matches!(url.scheme(), "http" | "https")
            && url.path() == "/"
            && url.query().is_none()
            && url.fragment().is_none()
            && url.username().is_empty()
            && url.password().is_none()
    });
    url.map(|url| url.origin().ascii_serialization())
        .ok_or_else(|| InvalidOrigin(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_known_by_its_hash() {
        let key = ClientKey::new([7; 32]);
        assert_eq!(key.as_str().len(), 47);
        assert_eq!(hash_of(key.as_str()), Some(key.hash()));
        assert_ne!(key.hash(), ClientKey::new([8; 32]).hash());
    }

    #[test]
    fn what_is_no_key_has_no_hash() {
        let key = ClientKey::new([7; 32]).0;
        for text in [
            "",
            "lgk_",
            &key[1..],
            &key[..46],
            &format!("{key}A"),
            "lgk_é",
        ] {
            assert_eq!(hash_of(text), None, "{text}");
        }
    }

    #[test]
    fn origins_are_as_browsers_write_them() {
        for (text, origin) in [
            ("https://app.example", "https://app.example"),
            ("HTTPS://App.Example:443/", "https://app.example"),
            ("http://localhost:3000", "http://localhost:3000"),
            ("https://bücher.example", "https://xn--bcher-kva.example"),
        ] {
            assert_eq!(read_origin(text).as_deref(), Ok(origin));
        }
        for text in [
            "",
            "*",
            "null",
            "app.example",
            "ftp://app.example",
            "https://app.example/x",
            "https://app.example/?a",
            "https://app.example/#a",
            "https://me@app.example",
            "data:text/plain,x",
        ] {
            assert!(read_origin(text).is_err(), "{text}");
        }
    }
}
