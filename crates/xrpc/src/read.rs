//! Reading values the way the data model wants them, which is stricter than serde's own impls here
//! (no `null` for a missing value, no arrays for objects) and wider there (`1.0` is an integer).

use std::fmt;
use std::marker::PhantomData;

use loggia_syntax::data::{Blob, Bytes, CidLink, Data, Integer, Object};
use loggia_syntax::{
    AtIdentifier, AtUri, Cid, Datetime, Did, Handle, Language, Nsid, RecordKey, SpaceRef, Tid, Uri,
};
use serde::de::{DeserializeSeed, Error, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use crate::Nullable;

/// A value that stands in a field, in a list or alone.
///
/// Generated types implement it through [`object!`](crate::object), [`union_type!`](crate::union_type)
/// and the string macros, and get `Deserialize` from it.
pub trait Read<'de>: Sized {
    /// Reads one value.
    fn read<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error>;
}

/// Hands a [`Read`] type to serde where serde asks for a seed.
pub(crate) struct Seed<T>(PhantomData<T>);

impl<T> Seed<T> {
    pub(crate) fn new() -> Self {
        Self(PhantomData)
    }
}

impl<'de, T: Read<'de>> DeserializeSeed<'de> for Seed<T> {
    type Value = T;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<T, D::Error> {
        T::read(from)
    }
}

macro_rules! as_serde_does {
    ($($name:ty),* $(,)?) => {$(
        impl<'de> Read<'de> for $name {
            fn read<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                <$name>::deserialize(from)
            }
        }
    )*};
}

as_serde_does!(
    (),
    bool,
    String,
    Data,
    Object,
    Blob,
    Bytes,
    CidLink,
    AtIdentifier,
    AtUri,
    Cid,
    Datetime,
    Did,
    Handle,
    Language,
    Nsid,
    RecordKey,
    SpaceRef,
    Tid,
    Uri,
);

impl<'de> Read<'de> for i64 {
    /// In JSON, `1.0` is an integer too.
    fn read<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Integer::deserialize(from).map(|integer| integer.0)
    }
}

impl<'de, T: Read<'de>> Read<'de> for Box<T> {
    fn read<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        T::read(from).map(Box::new)
    }
}

impl<'de, T: Read<'de>> Read<'de> for Vec<T> {
    fn read<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_seq(ListVisitor(PhantomData))
    }
}

struct ListVisitor<T>(PhantomData<T>);

impl<'de, T: Read<'de>> Visitor<'de> for ListVisitor<T> {
    type Value = Vec<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut from: A) -> Result<Vec<T>, A::Error> {
        // A length that the sender only claims must not make us reserve much memory.
        const MOST_RESERVED: usize = 64;
        let mut list = Vec::with_capacity(from.size_hint().unwrap_or(0).min(MOST_RESERVED));
        while let Some(item) = from.next_element_seed(Seed::new())? {
            list.push(item);
        }
        Ok(list)
    }
}

impl<'de, T: Read<'de>> Read<'de> for Nullable<T> {
    fn read<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_option(NullableVisitor(PhantomData))
    }
}

impl<'de, T: Read<'de>> Deserialize<'de> for Nullable<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Self::read(from)
    }
}

struct NullableVisitor<T>(PhantomData<T>);

impl<'de, T: Read<'de>> Visitor<'de> for NullableVisitor<T> {
    type Value = Nullable<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value or null")
    }

    fn visit_none<E: Error>(self) -> Result<Self::Value, E> {
        Ok(Nullable::Null)
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(Nullable::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, from: D) -> Result<Self::Value, D::Error> {
        T::read(from).map(Nullable::Value)
    }
}
