//! Any value.

use std::fmt;

use serde::de::{Error, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::integer::{Integer, out_of_range};
use super::{Bytes, CidLink, Object, link};

/// Any value of the data model.
///
/// A JSON object with `$bytes` or `$link` is bytes or a link, or an error; a blob stays an object.
/// Nesting is bounded by the reader (serde_json and serde_ipld_dagcbor both have a limit).
#[derive(Clone, Debug, PartialEq, Default)]
pub enum Data {
    /// Nothing, said explicitly.
    #[default]
    Null,
    /// Yes or no.
    Bool(bool),
    /// A whole number; the JSON literal `1.0` is one too.
    Integer(i64),
    /// A number that is not whole. Not in the data model: kept so that a violation can name it.
    Float(f64),
    /// Text.
    String(String),
    /// A byte string.
    Bytes(Bytes),
    /// A link to content.
    Link(CidLink),
    /// A list.
    Array(Vec<Data>),
    /// Fields by name.
    Object(Object),
}

impl Data {
    /// What the value is, in the words of the lexicon language.
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "boolean",
            Self::Integer(_) => "integer",
            Self::Float(_) => "float",
            Self::String(_) => "string",
            Self::Bytes(_) => "bytes",
            Self::Link(_) => "cid-link",
            Self::Array(_) => "array",
            Self::Object(_) => "object",
        }
    }

    /// The text, if it is text.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }

    /// The whole number, if it is one.
    pub fn as_integer(&self) -> Option<i64> {
        match self {
            Self::Integer(value) => Some(*value),
            _ => None,
        }
    }

    /// The fields, if it is an object.
    pub fn as_object(&self) -> Option<&Object> {
        match self {
            Self::Object(fields) => Some(fields),
            _ => None,
        }
    }

    /// The elements, if it is a list.
    pub fn as_array(&self) -> Option<&[Data]> {
        match self {
            Self::Array(elements) => Some(elements),
            _ => None,
        }
    }

    /// A field of an object.
    pub fn get(&self, name: &str) -> Option<&Data> {
        self.as_object()?.get(name)
    }

    /// The same value read as another type: a generated record, a [`Blob`](super::Blob).
    ///
    /// Goes through JSON, so that integers and text come out as they would from the wire.
    pub fn read_as<T: serde::de::DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        serde_json::from_value(serde_json::to_value(self)?)
    }

    /// The `$type` of an object, if it is text.
    pub fn type_field(&self) -> Option<&str> {
        self.get("$type")?.as_str()
    }
}

impl Serialize for Data {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => to.serialize_unit(),
            Self::Bool(value) => to.serialize_bool(*value),
            Self::Integer(value) => to.serialize_i64(*value),
            Self::Float(value) => to.serialize_f64(*value),
            Self::String(text) => to.serialize_str(text),
            Self::Bytes(bytes) => bytes.serialize(to),
            Self::Link(link) => link.serialize(to),
            Self::Array(elements) => to.collect_seq(elements),
            Self::Object(fields) => to.collect_map(fields),
        }
    }
}

impl<'de> Deserialize<'de> for Data {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let json = from.is_human_readable();
        from.deserialize_any(Any { json })
    }
}

struct Any {
    json: bool,
}

impl<'de> Visitor<'de> for Any {
    type Value = Data;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value of the AT Protocol data model")
    }

    fn visit_unit<E: Error>(self) -> Result<Data, E> {
        Ok(Data::Null)
    }

    fn visit_none<E: Error>(self) -> Result<Data, E> {
        Ok(Data::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, from: D) -> Result<Data, D::Error> {
        Data::deserialize(from)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Data, E> {
        Ok(Data::Bool(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Data, E> {
        Ok(Data::Integer(value))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Data, E> {
        i64::try_from(value)
            .map(Data::Integer)
            .map_err(|_| out_of_range(value))
    }

    fn visit_i128<E: Error>(self, value: i128) -> Result<Data, E> {
        i64::try_from(value)
            .map(Data::Integer)
            .map_err(|_| out_of_range(value))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Data, E> {
        // In CBOR a float was written as one, and would not come back as the same bytes.
        let integer = if self.json {
            Integer::from_f64(value)
        } else {
            None
        };
        Ok(integer.map_or(Data::Float(value), |integer| Data::Integer(integer.0)))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Data, E> {
        Ok(Data::String(text.to_owned()))
    }

    fn visit_string<E: Error>(self, text: String) -> Result<Data, E> {
        Ok(Data::String(text))
    }

    fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<Data, E> {
        Ok(Data::Bytes(bytes.into()))
    }

    fn visit_byte_buf<E: Error>(self, bytes: Vec<u8>) -> Result<Data, E> {
        Ok(Data::Bytes(bytes.into()))
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, from: D) -> Result<Data, D::Error> {
        link::Either.visit_newtype_struct(from).map(Data::Link)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Data, A::Error> {
        // The announced length is a hint of the sender: nothing is reserved on its word.
        let mut elements = Vec::new();
        while let Some(element) = seq.next_element()? {
            elements.push(element);
        }
        Ok(Data::Array(elements))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Data, A::Error> {
        let mut fields = Object::new();
        while let Some((name, value)) = map.next_entry::<String, Data>()? {
            fields.insert(name, value);
        }
        if self.json {
            special(fields).map_err(A::Error::custom)
        } else {
            Ok(Data::Object(fields))
        }
    }
}

/// Bytes or a link, if the object stands for one.
fn special(fields: Object) -> Result<Data, String> {
    let Some(key) = ["$bytes", "$link"]
        .into_iter()
        .find(|key| fields.contains_key(*key))
    else {
        return Ok(Data::Object(fields));
    };
    match fields.get(key) {
        _ if fields.len() > 1 => Err(format!(
            "`{key}` stands alone, but other fields are beside it"
        )),
        Some(Data::String(text)) if key == "$bytes" => Bytes::from_base64(text)
            .map(Data::Bytes)
            .map_err(|error| error.to_string()),
        Some(Data::String(text)) => CidLink::new(text.as_str())
            .map(Data::Link)
            .map_err(|error| error.to_string()),
        other => {
            let found = other.map_or("nothing", Data::type_name);
            Err(format!("`{key}` holds a string, got {found}"))
        }
    }
}

macro_rules! from {
    ($($from:ty => $variant:ident),* $(,)?) => {
        $(impl From<$from> for Data {
            fn from(value: $from) -> Self {
                Self::$variant(value.into())
            }
        })*
    };
}

from! {
    bool => Bool, i64 => Integer, String => String, &str => String, Bytes => Bytes,
    CidLink => Link, Vec<Data> => Array, Object => Object,
}
