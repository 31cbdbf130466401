//! Values that came before a union's `$type`, kept until it is known what they are.
//!
//! At most as large as the input that they come from; texts and bytes are borrowed from it where it
//! allows that.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{
    DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Unexpected, Visitor,
    value::BytesDeserializer,
};
use serde::{Deserialize, forward_to_deserialize_any};

use crate::Key;

/// One value, of any type.
#[derive(Clone, Debug)]
pub(crate) enum Buffered<'de> {
    Null,
    Bool(bool),
    Signed(i64),
    Unsigned(u64),
    Float(f64),
    Text(Cow<'de, str>),
    Bytes(Cow<'de, [u8]>),
    /// The bytes of a CID, which CBOR hands over as a tagged value.
    Link(Vec<u8>),
    List(Vec<Buffered<'de>>),
    Map(Vec<(Key<'de>, Buffered<'de>)>),
}

impl<'de> Deserialize<'de> for Buffered<'de> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(BufferVisitor)
    }
}

struct BufferVisitor;

impl<'de> Visitor<'de> for BufferVisitor {
    type Value = Buffered<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(Buffered::Null)
    }

    fn visit_none<E: Error>(self) -> Result<Self::Value, E> {
        Ok(Buffered::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Self::Value, E> {
        Ok(Buffered::Bool(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Self::Value, E> {
        Ok(Buffered::Signed(value))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Self::Value, E> {
        Ok(Buffered::Unsigned(value))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Self::Value, E> {
        Ok(Buffered::Float(value))
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Buffered::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Buffered::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_string<E: Error>(self, text: String) -> Result<Self::Value, E> {
        Ok(Buffered::Text(Cow::Owned(text)))
    }

    fn visit_borrowed_bytes<E: Error>(self, bytes: &'de [u8]) -> Result<Self::Value, E> {
        Ok(Buffered::Bytes(Cow::Borrowed(bytes)))
    }

    fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<Self::Value, E> {
        Ok(Buffered::Bytes(Cow::Owned(bytes.to_owned())))
    }

    fn visit_byte_buf<E: Error>(self, bytes: Vec<u8>) -> Result<Self::Value, E> {
        Ok(Buffered::Bytes(Cow::Owned(bytes)))
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, from: D) -> Result<Self::Value, D::Error> {
        from.deserialize_bytes(LinkVisitor).map(Buffered::Link)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut from: A) -> Result<Self::Value, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = from.next_element()? {
            list.push(item);
        }
        Ok(Buffered::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut from: A) -> Result<Self::Value, A::Error> {
        let mut map = Vec::new();
        while let Some(entry) = from.next_entry()? {
            map.push(entry);
        }
        Ok(Buffered::Map(map))
    }
}

struct LinkVisitor;

impl Visitor<'_> for LinkVisitor {
    type Value = Vec<u8>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the bytes of a CID")
    }

    fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<Vec<u8>, E> {
        Ok(bytes.to_owned())
    }

    fn visit_byte_buf<E: Error>(self, bytes: Vec<u8>) -> Result<Vec<u8>, E> {
        Ok(bytes)
    }
}

/// Reads a buffered value again, with the error type and the human-readability of the source.
pub(crate) struct Replay<'de, E> {
    value: Buffered<'de>,
    human: bool,
    error: PhantomData<E>,
}

impl<'de, E> Replay<'de, E> {
    pub(crate) fn new(value: Buffered<'de>, human: bool) -> Self {
        Self {
            value,
            human,
            error: PhantomData,
        }
    }
}

impl<'de, E: Error> Deserializer<'de> for Replay<'de, E> {
    type Error = E;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, E> {
        match self.value {
            Buffered::Null => visitor.visit_unit(),
            Buffered::Bool(value) => visitor.visit_bool(value),
            Buffered::Signed(value) => visitor.visit_i64(value),
            Buffered::Unsigned(value) => visitor.visit_u64(value),
            Buffered::Float(value) => visitor.visit_f64(value),
            Buffered::Text(Cow::Borrowed(text)) => visitor.visit_borrowed_str(text),
            Buffered::Text(Cow::Owned(text)) => visitor.visit_string(text),
            Buffered::Bytes(Cow::Borrowed(bytes)) => visitor.visit_borrowed_bytes(bytes),
            Buffered::Bytes(Cow::Owned(bytes)) => visitor.visit_byte_buf(bytes),
            Buffered::Link(bytes) => visitor.visit_newtype_struct(BytesDeserializer::new(&bytes)),
            Buffered::List(list) => visitor.visit_seq(ReplayList {
                items: list.into_iter(),
                human: self.human,
                error: PhantomData,
            }),
            Buffered::Map(map) => visitor.visit_map(ReplayMap {
                entries: map.into_iter(),
                value: None,
                human: self.human,
                error: PhantomData,
            }),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, E> {
        match self.value {
            Buffered::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, E> {
        match &self.value {
            Buffered::Link(bytes) => visitor.visit_newtype_struct(BytesDeserializer::new(bytes)),
            _ => visitor.visit_newtype_struct(self),
        }
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, E> {
        match &self.value {
            Buffered::Link(_) => Err(E::invalid_type(Unexpected::Other("link"), &visitor)),
            _ => self.deserialize_any(visitor),
        }
    }

    fn is_human_readable(&self) -> bool {
        self.human
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string byte_buf unit
        unit_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

struct ReplayList<'de, E> {
    items: std::vec::IntoIter<Buffered<'de>>,
    human: bool,
    error: PhantomData<E>,
}

impl<'de, E: Error> SeqAccess<'de> for ReplayList<'de, E> {
    type Error = E;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, E> {
        match self.items.next() {
            Some(value) => seed.deserialize(Replay::new(value, self.human)).map(Some),
            None => Ok(None),
        }
    }
}

struct ReplayMap<'de, E> {
    entries: std::vec::IntoIter<(Key<'de>, Buffered<'de>)>,
    value: Option<Buffered<'de>>,
    human: bool,
    error: PhantomData<E>,
}

impl<'de, E: Error> MapAccess<'de> for ReplayMap<'de, E> {
    type Error = E;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, E> {
        let Some((key, value)) = self.entries.next() else {
            return Ok(None);
        };
        self.value = Some(value);
        seed.deserialize(key.into_deserializer()).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, E> {
        let value = self
            .value
            .take()
            .expect("serde asks for a value after its key");
        seed.deserialize(Replay::new(value, self.human))
    }
}
