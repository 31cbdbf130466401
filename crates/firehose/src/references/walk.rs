//! Walking a record as JSON, within limits.

use std::fmt;

use serde::de::{DeserializeSeed, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::{References, TooComplex};
use crate::reference::{SCHEME, tidied};

/// Tells of every string that may be a reference, or says which limit the record is over; then what was told is to be
/// forgotten.
pub(super) fn each(text: &[u8], told: &mut dyn FnMut(&str)) -> Result<(), TooComplex> {
    let mut walk = Walk {
        told,
        nodes: 0,
        text: 0,
        over: None,
    };
    let mut from = serde_json::Deserializer::from_slice(text);
    let walked = Here {
        walk: &mut walk,
        depth: 0,
    }
    .deserialize(&mut from);
    match walked {
        Ok(()) => Ok(()),
        Err(_) => Err(walk.over.unwrap_or(TooComplex::Unreadable)),
    }
}

struct Walk<'a> {
    told: &'a mut dyn FnMut(&str),
    nodes: usize,
    text: usize,
    over: Option<TooComplex>,
}

/// A value that is inside of so many objects and arrays.
struct Here<'w, 'a> {
    walk: &'w mut Walk<'a>,
    depth: usize,
}

impl Walk<'_> {
    /// Ends the walk.
    fn stop<E: Error>(&mut self, over: TooComplex) -> E {
        self.over = Some(over);
        E::custom(over)
    }

    fn keep<E: Error>(&mut self, within: bool, limit: TooComplex) -> Result<(), E> {
        if within {
            Ok(())
        } else {
            Err(self.stop(limit))
        }
    }
}

impl<'w, 'a> Here<'w, 'a> {
    fn inside<'s>(&'s mut self) -> Here<'s, 'a> {
        Here {
            walk: self.walk,
            depth: self.depth + 1,
        }
    }

    fn enter<E: Error>(&mut self) -> Result<(), E> {
        let within = self.depth < References::MAX_DEPTH;
        self.walk.keep(within, TooComplex::Depth)
    }
}

impl<'de> DeserializeSeed<'de> for Here<'_, '_> {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        self.walk.nodes += 1;
        let within = self.walk.nodes <= References::MAX_NODES;
        self.walk.keep(within, TooComplex::Nodes)?;
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Here<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value of a record")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<(), E> {
        self.walk.text += text.len();
        let within = self.walk.text <= References::MAX_TEXT;
        self.walk.keep(within, TooComplex::Text)?;
        let tidied = tidied(text);
        if tidied.starts_with(SCHEME) {
            (self.walk.told)(tidied);
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut from: A) -> Result<(), A::Error> {
        self.enter()?;
        let mut properties = 0;
        while from.next_key::<IgnoredAny>()?.is_some() {
            properties += 1;
            let within = properties <= References::MAX_PROPERTIES;
            self.walk.keep(within, TooComplex::Properties)?;
            from.next_value_seed(self.inside())?;
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut from: A) -> Result<(), A::Error> {
        self.enter()?;
        while from.next_element_seed(self.inside())?.is_some() {}
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
}
