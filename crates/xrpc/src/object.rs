//! Objects and records: what generated impls are written against.
//!
//! Rulings: the last of two fields of the same name wins, as in `JSON.parse` and in the dynamic
//! validator. A record's `$type` is required and checked; an object that a `ref` leads to may carry
//! any `$type`, which is then kept among the [`Extra`] fields so that nothing is lost on the way
//! through; in a union the `$type` chooses the variant and is written back by it. No `$type` is ever
//! written twice.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{Error, MapAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserializer, Serialize, Serializer};

use crate::buffer::{Buffered, Replay};
use crate::read::Seed;
use crate::{Extra, Key, Read};

/// The name of the field that names a type.
pub(crate) const TYPE: &str = "$type";

/// An object or record that a lexicon defines. Generated.
pub trait ObjectType: Sized {
    /// What `$type` says where a union or a record needs it: `nsid` or `nsid#name`.
    const TYPE: &'static str;
    /// Whether this is a record, which always carries its `$type`.
    const RECORD: bool;

    /// Reads every field but `$type`.
    fn read_fields<'de, A: MapAccess<'de>>(from: &mut Fields<'de, A>) -> Result<Self, A::Error>;

    /// Writes every field but `$type`.
    fn write_fields<M: SerializeMap>(&self, to: &mut ObjectWriter<M>) -> Result<(), M::Error>;
}

/// A record: data that stands in a repository. Generated.
pub trait Record: ObjectType {
    /// The collection.
    const NSID: &'static str;
    /// Which record keys it takes, as the lexicon spells it (`tid`, `any`, `literal:self`, …).
    const KEY: &'static str;
}

impl<T: ObjectType> ObjectType for Box<T> {
    const TYPE: &'static str = T::TYPE;
    const RECORD: bool = T::RECORD;

    fn read_fields<'de, A: MapAccess<'de>>(from: &mut Fields<'de, A>) -> Result<Self, A::Error> {
        T::read_fields(from).map(Box::new)
    }

    fn write_fields<M: SerializeMap>(&self, to: &mut ObjectWriter<M>) -> Result<(), M::Error> {
        T::write_fields(self, to)
    }
}

/// What is known about the `$type` of the object that is being read.
enum Tag {
    /// Not looked at: kept as an extra field.
    Free,
    /// Must come, and be this.
    Expected(&'static str),
    /// Was there already.
    Seen,
}

/// The fields of one object, one after the other.
///
/// Holds what came before a union's `$type`, at most as much as the input.
pub struct Fields<'de, A> {
    source: A,
    /// There only where `$type` did not come first.
    earlier: Option<Box<Earlier<'de>>>,
    tag: Tag,
    extra: Extra,
}

/// What came before a union's `$type` and is still to be read.
struct Earlier<'de> {
    fields: std::vec::IntoIter<(Key<'de>, Buffered<'de>)>,
    /// The value of the field whose name was given out last.
    pending: Option<Buffered<'de>>,
    human: bool,
}

impl<'de, A: MapAccess<'de>> Fields<'de, A> {
    fn new(source: A, tag: Tag) -> Self {
        Self {
            source,
            earlier: None,
            tag,
            extra: Extra::new(),
        }
    }

    /// The fields of a union variant whose `$type` has been read, after some others.
    pub(crate) fn after_type(
        source: A,
        human: bool,
        fields: Vec<(Key<'de>, Buffered<'de>)>,
    ) -> Self {
        let earlier = (!fields.is_empty()).then(|| {
            Box::new(Earlier {
                fields: fields.into_iter(),
                pending: None,
                human,
            })
        });
        Self {
            earlier,
            ..Self::new(source, Tag::Seen)
        }
    }

    /// The name of the next field; its value must be taken before the next call.
    #[inline]
    pub fn next_key(&mut self) -> Result<Option<Key<'de>>, A::Error> {
        loop {
            // None of the earlier fields is the `$type`.
            if let Some(key) = self.earlier.as_mut().and_then(|earlier| earlier.next_key()) {
                return Ok(Some(key));
            }
            match self.source.next_key::<Key<'de>>()? {
                Some(key) if &*key == TYPE => self.read_type(key)?,
                other => return Ok(other),
            }
        }
    }

    #[inline(never)]
    fn read_type(&mut self, key: Key<'de>) -> Result<(), A::Error> {
        match self.tag {
            Tag::Free => self.keep(key),
            Tag::Seen => Err(A::Error::duplicate_field(TYPE)),
            Tag::Expected(expected) => {
                let found: Key<'de> = self.source.next_value()?;
                if &*found != expected {
                    return Err(wrong_type(expected, &found));
                }
                self.tag = Tag::Seen;
                Ok(())
            }
        }
    }

    /// The value of the field.
    #[inline]
    pub fn value<T: Read<'de>>(&mut self) -> Result<T, A::Error> {
        match self.earlier.as_mut().and_then(|earlier| earlier.value()) {
            Some(earlier) => T::read(earlier),
            None => self.source.next_value_seed(Seed::new()),
        }
    }

    /// Keeps a field that the lexicon does not name.
    ///
    /// `$bytes` and `$link` are refused: an object that has one stands for something else.
    #[inline(never)]
    pub fn keep(&mut self, key: Key<'de>) -> Result<(), A::Error> {
        if matches!(&*key, "$bytes" | "$link") {
            return Err(A::Error::custom(format_args!(
                "expected an object, but `{}` stands for something else",
                &*key
            )));
        }
        let value = self.value()?;
        self.extra.insert(key.into_string(), value);
        Ok(())
    }

    /// The value of a field that must be there.
    pub fn required<T>(&self, value: Option<T>, name: &'static str) -> Result<T, A::Error> {
        value.ok_or_else(|| missing(name))
    }

    /// Everything that was kept.
    pub fn extra(&mut self) -> Extra {
        std::mem::take(&mut self.extra)
    }

    fn finish(&self) -> Result<(), A::Error> {
        match self.tag {
            Tag::Expected(_) => Err(A::Error::missing_field(TYPE)),
            Tag::Free | Tag::Seen => Ok(()),
        }
    }
}

#[cold]
fn missing<E: Error>(name: &'static str) -> E {
    E::missing_field(name)
}

#[cold]
fn wrong_type<E: Error>(expected: &str, found: &str) -> E {
    let found = loggia_syntax::Excerpt(found);
    E::custom(format_args!("$type must be {expected:?}, not {found}"))
}

impl<'de> Earlier<'de> {
    #[cold]
    fn next_key(&mut self) -> Option<Key<'de>> {
        let (key, value) = self.fields.next()?;
        self.pending = Some(value);
        Some(key)
    }

    #[cold]
    fn value<E: Error>(&mut self) -> Option<Replay<'de, E>> {
        let value = self.pending.take()?;
        Some(Replay::new(value, self.human))
    }
}

/// Reads an object where a union is not concerned. [`object!`](crate::object) calls it.
pub fn read_object<'de, T: ObjectType, D: Deserializer<'de>>(from: D) -> Result<T, D::Error> {
    from.deserialize_map(ObjectVisitor(PhantomData))
}

struct ObjectVisitor<T>(PhantomData<T>);

impl<'de, T: ObjectType> Visitor<'de> for ObjectVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "an object ({})", T::TYPE)
    }

    fn visit_map<A: MapAccess<'de>>(self, source: A) -> Result<T, A::Error> {
        let tag = if T::RECORD {
            Tag::Expected(T::TYPE)
        } else {
            Tag::Free
        };
        let mut fields = Fields::new(source, tag);
        let object = T::read_fields(&mut fields)?;
        fields.finish()?;
        Ok(object)
    }
}

/// Writes the fields of one object.
pub struct ObjectWriter<M> {
    map: M,
    tagged: bool,
}

impl<M: SerializeMap> ObjectWriter<M> {
    /// A field that is always there.
    pub fn field<T: Serialize>(&mut self, name: &'static str, value: &T) -> Result<(), M::Error> {
        self.map.serialize_entry(name, value)
    }

    /// A field that may be absent.
    pub fn optional<T: Serialize>(
        &mut self,
        name: &'static str,
        value: &Option<T>,
    ) -> Result<(), M::Error> {
        match value {
            Some(value) => self.map.serialize_entry(name, value),
            None => Ok(()),
        }
    }

    /// The fields that the lexicon does not name.
    pub fn extra(&mut self, extra: &Extra) -> Result<(), M::Error> {
        for (name, value) in extra {
            if !(self.tagged && name == TYPE) {
                self.map.serialize_entry(name, value)?;
            }
        }
        Ok(())
    }
}

/// Writes an object where a union is not concerned. [`object!`](crate::object) calls it.
pub fn write_object<T: ObjectType, S: Serializer>(object: &T, to: S) -> Result<S::Ok, S::Error> {
    write_tagged(object, T::RECORD.then_some(T::TYPE), to)
}

/// Writes an object as a variant of a union: its `$type` first.
pub fn write_variant<T: ObjectType, S: Serializer>(object: &T, to: S) -> Result<S::Ok, S::Error> {
    write_tagged(object, Some(T::TYPE), to)
}

/// Writes an object without its `$type`, as the payload of an event stream's frame.
pub fn write_payload<T: ObjectType, S: Serializer>(object: &T, to: S) -> Result<S::Ok, S::Error> {
    let mut writer = ObjectWriter {
        map: to.serialize_map(None)?,
        tagged: true,
    };
    object.write_fields(&mut writer)?;
    writer.map.end()
}

fn write_tagged<T: ObjectType, S: Serializer>(
    object: &T,
    type_name: Option<&'static str>,
    to: S,
) -> Result<S::Ok, S::Error> {
    let mut map = to.serialize_map(None)?;
    if let Some(type_name) = type_name {
        map.serialize_entry(TYPE, type_name)?;
    }
    let mut writer = ObjectWriter {
        map,
        tagged: type_name.is_some(),
    };
    object.write_fields(&mut writer)?;
    writer.map.end()
}
