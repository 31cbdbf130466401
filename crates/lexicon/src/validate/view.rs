//! Values to validate, whatever they are held in.

use std::collections::btree_map;

use loggia_syntax::data::{Data, Object};
use serde_json::{Map, Value};

/// One value of the data model, borrowed from wherever it is held.
///
/// Implemented for `&serde_json::Value`, where byte strings and links are objects with `$bytes` and
/// `$link`, and for `&loggia_syntax::data::Data`, where they are values of their own (and so for
/// CBOR).
pub trait DataView<'v>: Copy {
    /// The elements of an array.
    type Items: Iterator<Item = Self>;
    /// A borrowed object.
    type Object: ObjectView<'v, Value = Self>;

    /// Whether byte strings and links are spelled as objects with `$bytes` and `$link`.
    const SPELLED: bool;

    /// What the value is.
    fn shape(self) -> Shape<'v, Self>;

    /// Whether the value is null.
    fn is_null(self) -> bool;
}

/// An object: fields by name.
pub trait ObjectView<'v>: Copy {
    /// A field's value.
    type Value;
    /// The fields, best sorted by name in byte order: that is the fastest.
    type Fields: Iterator<Item = (&'v str, Self::Value)>;

    /// Every field.
    fn fields(self) -> Self::Fields;

    /// A field by its name.
    fn get(self, name: &str) -> Option<Self::Value>;

    /// How many fields there are.
    fn len(self) -> usize;

    /// Whether there are no fields.
    fn is_empty(self) -> bool {
        self.len() == 0
    }
}

/// What a value is.
#[derive(Clone, Copy, Debug)]
pub enum Shape<'v, V: DataView<'v>> {
    /// `null`
    Null,
    /// A boolean.
    Boolean(bool),
    /// A whole number.
    Integer(i64),
    /// Any other number; the data model has none.
    Number(f64),
    /// A text.
    Text(&'v str),
    /// A byte string, where it is a value of its own.
    Bytes(&'v [u8]),
    /// A link, where it is a value of its own.
    Link,
    /// An array and its length.
    Array(V::Items, usize),
    /// An object.
    Object(V::Object),
}

impl<'v, V: DataView<'v>> Shape<'v, V> {
    /// What the value is, in the words of the lexicon language.
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Boolean(_) => "boolean",
            Self::Integer(_) => "integer",
            Self::Number(_) => "float",
            Self::Text(_) => "string",
            Self::Bytes(_) => "bytes",
            Self::Link => "cid-link",
            Self::Array(..) => "array",
            Self::Object(object) => stands_for::<V>(*object).unwrap_or("object"),
        }
    }
}

/// What an object is in truth, where byte strings and links are spelled as objects.
#[cold]
pub(super) fn stands_for<'v, V: DataView<'v>>(object: V::Object) -> Option<&'static str> {
    if !V::SPELLED {
        None
    } else if object.get("$bytes").is_some() {
        Some("bytes")
    } else if object.get("$link").is_some() {
        Some("cid-link")
    } else {
        None
    }
}

impl<'v> DataView<'v> for &'v Value {
    type Items = std::slice::Iter<'v, Value>;
    type Object = &'v Map<String, Value>;
    const SPELLED: bool = true;

    #[inline]
    fn shape(self) -> Shape<'v, Self> {
        match self {
            Value::Null => Shape::Null,
            Value::Bool(value) => Shape::Boolean(*value),
            Value::Number(number) => match number.as_i64() {
                Some(integer) => Shape::Integer(integer),
                None => number_shape(number.as_f64().unwrap_or(f64::NAN)),
            },
            Value::String(text) => Shape::Text(text),
            Value::Array(items) => Shape::Array(items.iter(), items.len()),
            Value::Object(object) => Shape::Object(object),
        }
    }

    #[inline]
    fn is_null(self) -> bool {
        self.is_null()
    }
}

/// JSON does not tell `1` from `1.0`: a whole number that a double holds exactly is an integer.
#[cold]
fn number_shape<'v, V: DataView<'v>>(number: f64) -> Shape<'v, V> {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    if number.fract() == 0.0 && number.abs() <= EXACT {
        #[expect(clippy::cast_possible_truncation, reason = "whole and within 2^53")]
        return Shape::Integer(number as i64);
    }
    Shape::Number(number)
}

impl<'v> ObjectView<'v> for &'v Map<String, Value> {
    type Value = &'v Value;
    type Fields = JsonFields<'v>;

    #[inline]
    fn fields(self) -> Self::Fields {
        JsonFields(self.iter())
    }

    #[inline]
    fn get(self, name: &str) -> Option<&'v Value> {
        self.get(name)
    }

    #[inline]
    fn len(self) -> usize {
        self.len()
    }
}

/// The fields of a JSON object.
#[derive(Clone, Debug)]
pub struct JsonFields<'v>(serde_json::map::Iter<'v>);

impl<'v> Iterator for JsonFields<'v> {
    type Item = (&'v str, &'v Value);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        self.0.next().map(|(name, value)| (name.as_str(), value))
    }
}

impl<'v> DataView<'v> for &'v Data {
    type Items = std::slice::Iter<'v, Data>;
    type Object = &'v Object;
    const SPELLED: bool = false;

    #[inline]
    fn shape(self) -> Shape<'v, Self> {
        match self {
            Data::Null => Shape::Null,
            Data::Bool(value) => Shape::Boolean(*value),
            Data::Integer(value) => Shape::Integer(*value),
            Data::Float(value) => Shape::Number(*value),
            Data::String(text) => Shape::Text(text),
            Data::Bytes(bytes) => Shape::Bytes(bytes),
            Data::Link(_) => Shape::Link,
            Data::Array(items) => Shape::Array(items.iter(), items.len()),
            Data::Object(object) => Shape::Object(object),
        }
    }

    #[inline]
    fn is_null(self) -> bool {
        matches!(self, Data::Null)
    }
}

impl<'v> ObjectView<'v> for &'v Object {
    type Value = &'v Data;
    type Fields = DataFields<'v>;

    #[inline]
    fn fields(self) -> Self::Fields {
        DataFields(self.iter())
    }

    #[inline]
    fn get(self, name: &str) -> Option<&'v Data> {
        self.get(name)
    }

    #[inline]
    fn len(self) -> usize {
        self.len()
    }
}

/// The fields of an object of the data model.
#[derive(Clone, Debug)]
pub struct DataFields<'v>(btree_map::Iter<'v, String, Data>);

impl<'v> Iterator for DataFields<'v> {
    type Item = (&'v str, &'v Data);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        self.0.next().map(|(name, value)| (name.as_str(), value))
    }
}
