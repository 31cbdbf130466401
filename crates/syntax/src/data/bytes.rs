//! Byte strings.

use std::fmt;
use std::ops::Deref;

use base64::alphabet::STANDARD;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD_NO_PAD};
use base64::engine::{DecodePaddingMode, Engine};
use serde::de::{Error, MapAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::object::only_text;
use crate::Excerpt;

/// A byte string: `{"$bytes": "…"}` in JSON.
///
/// Base 64 in the standard alphabet is read with and without padding, and bits left over at its
/// end are ignored (the interoperability files need that); it is written without padding.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Bytes(Vec<u8>);

/// A text that is not base 64 in the standard alphabet.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{} is not base64 in the standard alphabet: {reason} (at byte {at})",
    Excerpt(text)
)]
pub struct BytesError {
    text: String,
    reason: &'static str,
    at: usize,
}

/// Reads what [`Bytes::checked_length`] has found well-formed.
const READ: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

impl Bytes {
    /// Reads base 64.
    pub fn from_base64(text: &str) -> Result<Self, BytesError> {
        Self::checked_length(text)?;
        READ.decode(text).map(Self).map_err(|_| BytesError {
            text: text.to_owned(),
            reason: "it does not decode",
            at: 0,
        })
    }

    /// Writes base 64 without padding.
    pub fn to_base64(&self) -> String {
        STANDARD_NO_PAD.encode(&self.0)
    }

    /// How many bytes the base 64 text stands for. Does not allocate if the text is well-formed.
    pub fn checked_length(text: &str) -> Result<usize, BytesError> {
        let fail = |at, reason| {
            let end = text
                .char_indices()
                .nth(Excerpt::MOST + 1)
                .map_or(text.len(), |(end, _)| end);
            Err(BytesError {
                text: text[..end].to_owned(),
                reason,
                at,
            })
        };
        let body = text.trim_end_matches('=').len();
        let padding = text.len() - body;
        let is_digit = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/');
        if let Some(at) = text.as_bytes()[..body]
            .iter()
            .position(|byte| !is_digit(byte))
        {
            return fail(
                at,
                "only letters, digits, `+` and `/` are allowed, and `=` at the end",
            );
        }
        if body % 4 == 1 {
            return fail(body, "a character is missing or too many");
        }
        if padding != 0 && padding != (4 - body % 4) % 4 {
            return fail(body, "the padding does not fit; leave it away");
        }
        Ok(body * 3 / 4)
    }

    /// The bytes.
    pub fn into_vec(self) -> Vec<u8> {
        self.0
    }
}

impl From<Vec<u8>> for Bytes {
    fn from(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }
}

impl From<&[u8]> for Bytes {
    fn from(bytes: &[u8]) -> Self {
        Self(bytes.to_vec())
    }
}

impl From<Bytes> for Vec<u8> {
    fn from(bytes: Bytes) -> Self {
        bytes.0
    }
}

impl Deref for Bytes {
    type Target = [u8];
    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl AsRef<[u8]> for Bytes {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl Serialize for Bytes {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        if to.is_human_readable() {
            let mut map = to.serialize_map(Some(1))?;
            map.serialize_entry("$bytes", &self.to_base64())?;
            map.end()
        } else {
            to.serialize_bytes(&self.0)
        }
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        if from.is_human_readable() {
            // `any`, because serde's own buffers call themselves human-readable and may still hold
            // a byte string.
            from.deserialize_any(Either)
        } else {
            from.deserialize_byte_buf(Either)
        }
    }
}

struct Either;

impl<'de> Visitor<'de> for Either {
    type Value = Bytes;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("bytes (in JSON: {\"$bytes\": \"base64\"})")
    }

    fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<Bytes, E> {
        Ok(bytes.into())
    }

    fn visit_byte_buf<E: Error>(self, bytes: Vec<u8>) -> Result<Bytes, E> {
        Ok(Bytes(bytes))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Bytes, A::Error> {
        Bytes::from_base64(&only_text(&mut map, "$bytes")?).map_err(A::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::Bytes;

    #[test]
    fn base64_as_ruled() {
        for (text, length) in [
            ("", 0),
            ("AQI", 2),
            ("AQI=", 2),
            ("AQ==", 1),
            ("123", 2),
            ("+/+/", 3),
        ] {
            assert_eq!(Bytes::checked_length(text).as_ref(), Ok(&length), "{text}");
            assert_eq!(
                Bytes::from_base64(text).expect(text).len(),
                length,
                "{text}"
            );
        }
        for text in [
            "AQ-_", "A", "A===", "AQ=", "AQI==", "=", "AQIC====", "A Q=", "é", "AQ=I",
        ] {
            assert!(Bytes::from_base64(text).is_err(), "{text}");
        }
    }

    #[test]
    fn written_without_padding() {
        let json = serde_json::to_string(&Bytes::from(vec![1, 2])).expect("bytes are writable");
        assert_eq!(json, r#"{"$bytes":"AQI"}"#);
    }
}
