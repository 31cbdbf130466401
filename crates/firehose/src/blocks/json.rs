//! DAG-CBOR as JSON text, without anything between them.

use std::fmt;

use ::cid::Cid;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use serde::Deserializer;
use serde::de::{DeserializeSeed, Error, MapAccess, SeqAccess, Visitor};

/// Writes an object as JSON: byte strings as `{"$bytes": …}`, links as `{"$link": …}` (data model
/// specification). None if it is not one object of DAG-CBOR, with its fields in their order and each of
/// them once. How deep it may be is bounded by the reader.
pub fn object(block: &[u8]) -> Option<Vec<u8>> {
    const MAPS: std::ops::RangeInclusive<u8> = 0xa0..=0xbb;
    if !MAPS.contains(block.first()?) {
        return None;
    }
    let mut out = Vec::with_capacity(block.len() + block.len() / 2);
    let mut from = serde_ipld_dagcbor::de::Deserializer::from_slice(block);
    Writer(&mut out).deserialize(&mut from).ok()?;
    from.end().ok()?;
    Some(out)
}

struct Writer<'a>(&'a mut Vec<u8>);

impl Writer<'_> {
    fn text<E: Error>(&mut self, text: &str) -> Result<(), E> {
        serde_json::to_writer(&mut *self.0, text).map_err(E::custom)
    }

    fn integer(&mut self, value: i64) {
        self.0.extend_from_slice(value.to_string().as_bytes());
    }
}

impl<'de> DeserializeSeed<'de> for Writer<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Writer<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value of the AT Protocol data model")
    }

    fn visit_none<E: Error>(self) -> Result<(), E> {
        self.visit_unit()
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        self.0.extend_from_slice(b"null");
        Ok(())
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<(), E> {
        self.0
            .extend_from_slice(if value { b"true" } else { b"false" });
        Ok(())
    }

    fn visit_i64<E: Error>(mut self, value: i64) -> Result<(), E> {
        self.integer(value);
        Ok(())
    }

    fn visit_u64<E: Error>(mut self, value: u64) -> Result<(), E> {
        self.integer(i64::try_from(value).map_err(E::custom)?);
        Ok(())
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<(), E> {
        // Not in the data model, and yet in records.
        serde_json::to_writer(self.0, &value).map_err(E::custom)
    }

    fn visit_str<E: Error>(mut self, text: &str) -> Result<(), E> {
        self.text(text)
    }

    fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<(), E> {
        self.0.extend_from_slice(b"{\"$bytes\":\"");
        self.0
            .extend_from_slice(STANDARD_NO_PAD.encode(bytes).as_bytes());
        self.0.extend_from_slice(b"\"}");
        Ok(())
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_bytes(LinkWriter(self.0))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        self.0.push(b'[');
        let mut first = true;
        loop {
            let before = self.0.len();
            if !first {
                self.0.push(b',');
            }
            if seq.next_element_seed(Writer(self.0))?.is_none() {
                self.0.truncate(before);
                break;
            }
            first = false;
        }
        self.0.push(b']');
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        // Names that are out of order or there twice are the reader's to refuse.
        self.0.push(b'{');
        let mut first = true;
        while map.next_key_seed(NameWriter(self.0, first))?.is_some() {
            first = false;
            map.next_value_seed(Writer(self.0))?;
        }
        self.0.push(b'}');
        Ok(())
    }
}

/// The name of a field, and whether it is the first.
struct NameWriter<'a>(&'a mut Vec<u8>, bool);

impl<'de> DeserializeSeed<'de> for NameWriter<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_str(self)
    }
}

impl Visitor<'_> for NameWriter<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a field")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<(), E> {
        if !self.1 {
            self.0.push(b',');
        }
        Writer(self.0).text(name)?;
        self.0.push(b':');
        Ok(())
    }
}

/// The bytes inside tag 42.
struct LinkWriter<'a>(&'a mut Vec<u8>);

impl Visitor<'_> for LinkWriter<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a CID in binary")
    }

    fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<(), E> {
        let cid = Cid::try_from(bytes).map_err(E::custom)?;
        if cid.encoded_len() != bytes.len() {
            return Err(E::custom("there is something after the CID"));
        }
        let text = format!("{{\"$link\":\"{cid}\"}}");
        self.0.extend_from_slice(text.as_bytes());
        Ok(())
    }
}
