//! Unions: a `$type` says which of several objects stands there.
//!
//! Where `$type` comes first nothing is buffered. Otherwise what came before it is kept, borrowed
//! from the input where possible, and read again by the variant.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{Error, MapAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::buffer::Buffered;
use crate::object::TYPE;
use crate::{Extra, Fields, Key, ObjectType, Read};

/// A union that a lexicon defines. Generated.
pub trait UnionType: Sized {
    /// Reads the variant with this `$type`.
    fn read_variant<'de, A: MapAccess<'de>>(
        type_name: &str,
        from: &mut Fields<'de, A>,
    ) -> Result<Self, A::Error>;
}

/// What an open union holds when its `$type` is not one of those listed.
#[derive(Clone, Debug, PartialEq)]
pub struct UnknownVariant {
    /// The `$type` as it came.
    pub type_name: String,
    /// Every other field.
    pub fields: Extra,
}

impl Serialize for UnknownVariant {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut map = to.serialize_map(None)?;
        map.serialize_entry(TYPE, &self.type_name)?;
        for (name, value) in self.fields.iter().filter(|(name, _)| *name != TYPE) {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

impl UnionType for UnknownVariant {
    fn read_variant<'de, A: MapAccess<'de>>(
        type_name: &str,
        from: &mut Fields<'de, A>,
    ) -> Result<Self, A::Error> {
        from.unknown(type_name)
    }
}

impl<'de> Read<'de> for UnknownVariant {
    fn read<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        read_union(from)
    }
}

impl<'de> Deserialize<'de> for UnknownVariant {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        read_union(from)
    }
}

impl<'de, A: MapAccess<'de>> Fields<'de, A> {
    /// The listed variant.
    pub fn variant<T: ObjectType>(&mut self) -> Result<T, A::Error> {
        T::read_fields(self)
    }

    /// A variant that is not listed, in an open union.
    pub fn unknown(&mut self, type_name: &str) -> Result<UnknownVariant, A::Error> {
        while let Some(key) = self.next_key()? {
            self.keep(key)?;
        }
        Ok(UnknownVariant {
            type_name: type_name.to_owned(),
            fields: self.extra(),
        })
    }

    /// Refuses a variant that is not listed, in a closed union.
    pub fn unlisted<T>(
        &self,
        type_name: &str,
        listed: &'static [&'static str],
    ) -> Result<T, A::Error> {
        Err(A::Error::unknown_variant(type_name, listed))
    }
}

/// Reads a union. [`union_type!`](crate::union_type) calls it.
pub fn read_union<'de, T: UnionType, D: Deserializer<'de>>(from: D) -> Result<T, D::Error> {
    let human = from.is_human_readable();
    from.deserialize_map(UnionVisitor {
        human,
        kind: PhantomData,
    })
}

struct UnionVisitor<T> {
    human: bool,
    kind: PhantomData<T>,
}

impl<'de, T: UnionType> Visitor<'de> for UnionVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with a $type")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut source: A) -> Result<T, A::Error> {
        let mut earlier = Vec::new();
        while let Some(key) = source.next_key::<Key<'de>>()? {
            if &*key == TYPE {
                let type_name: Key<'de> = source.next_value()?;
                return T::read_variant(
                    &type_name,
                    &mut Fields::after_type(source, self.human, earlier),
                );
            }
            earlier.push((key, source.next_value::<Buffered<'de>>()?));
        }
        Err(A::Error::missing_field(TYPE))
    }
}
