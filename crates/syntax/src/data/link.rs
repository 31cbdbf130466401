//! Links.

use std::fmt;
use std::str::FromStr;

use ::cid::serde::CID_SERDE_PRIVATE_IDENTIFIER;
use compact_str::{CompactString, ToCompactString};
use serde::de::{Error, MapAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::object::only_text;
use crate::cid::{decode, decode_bytes};
use crate::{Cid, Excerpt};

/// A link to content: `{"$link": "bafy…"}` in JSON, tag 42 in DAG-CBOR.
///
/// Holds only what decodes, of any version and base, and keeps the text exactly; compare
/// [`CidLink::cid`]s where two spellings of one CID should be equal.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CidLink(CompactString);

/// A text that does not decode as a CID.
#[derive(Debug, thiserror::Error)]
#[error("{} does not decode as a CID", Excerpt(text))]
pub struct LinkError {
    text: String,
    #[source]
    source: ::cid::Error,
}

impl CidLink {
    /// Takes the text as it is, if it decodes.
    pub fn new(text: impl AsRef<str> + Into<CompactString>) -> Result<Self, LinkError> {
        Self::check(text.as_ref())?;
        Ok(Self(text.into()))
    }

    /// Whether the text would be a link. Does not allocate for a link in base 32.
    pub fn check(text: &str) -> Result<(), LinkError> {
        if is_usual(text.as_bytes()) {
            return Ok(());
        }
        match decode(text) {
            Ok(_) => Ok(()),
            Err(source) => {
                let text = text.chars().take(Excerpt::MOST + 1).collect();
                Err(LinkError { text, source })
            }
        }
    }

    /// The binary form.
    pub fn cid(&self) -> ::cid::Cid {
        decode(&self.0).expect("the constructor has decoded the same text")
    }

    /// The text, exactly as received; base 32 if it was received in binary.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Version 1, dag-cbor or raw, SHA-256, in base 32: `bafyrei…` and `bafkrei…`, told without
/// decoding. Nearly every link is one.
fn is_usual(text: &[u8]) -> bool {
    /// 36 bytes are 57 whole digits and 3 bits of another.
    const LENGTH: usize = 59;
    let is_digit = |byte: &u8| matches!(byte, b'a'..=b'z' | b'2'..=b'7');
    text.len() == LENGTH
        && (text.starts_with(b"bafyrei") || text.starts_with(b"bafkrei"))
        && text.iter().all(is_digit)
        // The last digit has 3 bits of the digest and 2 bits that must be 0.
        && matches!(text[LENGTH - 1], b'a' | b'e' | b'i' | b'm' | b'q' | b'u' | b'y' | b'4')
}

impl From<::cid::Cid> for CidLink {
    fn from(cid: ::cid::Cid) -> Self {
        Self(cid.to_compact_string())
    }
}

impl From<&CidLink> for ::cid::Cid {
    fn from(link: &CidLink) -> Self {
        link.cid()
    }
}

impl TryFrom<&CidLink> for Cid {
    type Error = crate::SyntaxError;
    /// A link of version 0, or in a base beyond those of the string format, is refused.
    fn try_from(link: &CidLink) -> Result<Self, Self::Error> {
        Self::new(link.as_str())
    }
}

impl TryFrom<&Cid> for CidLink {
    type Error = LinkError;
    fn try_from(cid: &Cid) -> Result<Self, LinkError> {
        Self::new(cid.as_str())
    }
}

impl FromStr for CidLink {
    type Err = LinkError;
    fn from_str(text: &str) -> Result<Self, LinkError> {
        Self::new(text)
    }
}

impl fmt::Display for CidLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for CidLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CidLink({:?})", self.as_str())
    }
}

impl Serialize for CidLink {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        if to.is_human_readable() {
            let mut map = to.serialize_map(Some(1))?;
            map.serialize_entry("$link", self.as_str())?;
            map.end()
        } else {
            self.cid().serialize(to)
        }
    }
}

impl<'de> Deserialize<'de> for CidLink {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        if from.is_human_readable() {
            // `any`, because serde's own buffers call themselves human-readable and may still hold
            // a binary CID.
            from.deserialize_any(Either)
        } else {
            from.deserialize_newtype_struct(CID_SERDE_PRIVATE_IDENTIFIER, Either)
        }
    }
}

/// Also what [`Data`](super::Data) reads a link with.
pub(super) struct Either;

impl<'de> Visitor<'de> for Either {
    type Value = CidLink;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a link (in JSON: {\"$link\": \"CID\"})")
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, from: D) -> Result<CidLink, D::Error> {
        from.deserialize_bytes(Binary)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<CidLink, A::Error> {
        CidLink::new(only_text(&mut map, "$link")?).map_err(A::Error::custom)
    }
}

/// The bytes inside tag 42.
struct Binary;

impl Visitor<'_> for Binary {
    type Value = CidLink;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a CID in binary")
    }

    fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<CidLink, E> {
        decode_bytes(bytes).map(CidLink::from).map_err(E::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::{CidLink, decode, is_usual};

    const LINK: &str = "bafyreidfayvfuwqa7qlnopdjiqrxzs6blmoeu4rujcjtnci5beludirz2a";

    #[test]
    fn usual_links_decode() {
        for prefix in ["bafyrei", "bafkrei", "bafyref", "bbfyrei"] {
            for &last in b"abcdefghijklmnopqrstuvwxyz234567A01-" {
                let mut text = LINK.replacen("bafyrei", prefix, 1).into_bytes();
                text[58] = last;
                let text = String::from_utf8(text).expect("ASCII");
                assert_eq!(
                    CidLink::check(&text).is_ok(),
                    decode(&text).is_ok(),
                    "{text}"
                );
            }
        }
        assert!(is_usual(LINK.as_bytes()));
        assert!(is_usual(
            b"bafkreiccldh766hwcnuxnf2wh6jgzepf2nlu2lvcllt63eww5p6chi4ity"
        ));
        for text in [
            "",
            "bafyrei",
            "QmbWqxBEKC3P8tqsKc98xmWNzrzDtRLMiMPL8wBuTGsMnR",
        ] {
            assert!(!is_usual(text.as_bytes()));
        }
    }

    #[test]
    fn only_what_decodes_to_its_last_character() {
        assert_eq!(
            CidLink::check(LINK).map_err(|error| error.to_string()),
            Ok(())
        );
        assert!(CidLink::check("QmbWqxBEKC3P8tqsKc98xmWNzrzDtRLMiMPL8wBuTGsMnR").is_ok());
        assert!(CidLink::check("zdj7WWeQ43G6JJvLWQWZpyHuAMq6uYWRjkBXFad11vE2LHhQ7").is_ok());
        let bad = [
            "",
            "b",
            ".",
            "bafy",
            "blah",
            "é",
            "mBcDxtdWx0aWhhc2g+",
            "/ipfs/bafyreidfayvfuwqa7qlnopdjiqrxzs6blmoeu4rujcjtnci5beludirz2a",
            "bafyreidfayvfuwqa7qlnopdjiqrxzs6blmoeu4rujcjtnci5beludirz2b",
            "bafyreidfayvfuwqa7qlnopdjiqrxzs6blmoeu4rujcjtnci5beludirz2aaaaaaaa",
            "BAFYREIDFAYVFUWQA7QLNOPDJIQRXZS6BLMOEU4RUJCJTNCI5BELUDIRZ2b",
        ];
        for text in bad {
            assert!(CidLink::check(text).is_err(), "{text}");
        }
        assert!(CidLink::check(&"b".repeat(100_000)).is_err());
    }
}
