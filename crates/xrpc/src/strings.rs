//! Strings with a list of values: `enum` as a closed Rust enum, `knownValues` as one with `Other`.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{Error, Unexpected, Visitor};
use serde::{Deserializer, Serializer};

/// A string that a lexicon gives a list of values for. Generated.
pub trait Listed: Sized {
    /// The values that are listed.
    const VALUES: &'static [&'static str];
    /// The value for this text, if it is one that the type can hold.
    fn from_text(text: &str) -> Option<Self>;
    /// The text as on the wire.
    fn as_str(&self) -> &str;
}

/// A text that is not one of those listed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not one of: {}", .listed.join(", "))]
pub struct NotListed {
    /// The text.
    pub text: String,
    /// What would have been right.
    pub listed: &'static [&'static str],
}

/// Makes a listed string out of text.
pub fn parse_listed<T: Listed>(text: &str) -> Result<T, NotListed> {
    T::from_text(text).ok_or_else(|| NotListed {
        text: text.to_owned(),
        listed: T::VALUES,
    })
}

/// Reads a listed string without an allocation where it is listed.
pub fn read_listed<'de, T: Listed, D: Deserializer<'de>>(from: D) -> Result<T, D::Error> {
    from.deserialize_str(ListedVisitor(PhantomData))
}

/// Writes a listed string.
pub fn write_listed<T: Listed, S: Serializer>(value: &T, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(value.as_str())
}

struct ListedVisitor<T>(PhantomData<T>);

impl<T: Listed> Visitor<'_> for ListedVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "one of: {}", T::VALUES.join(", "))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        T::from_text(text).ok_or_else(|| E::invalid_value(Unexpected::Str(text), &self))
    }
}
