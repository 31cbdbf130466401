//! JSON in which two readers cannot see different things: no member twice, no deep nesting.
//!
//! serde refuses a second `iss` where a struct has that field, and silently takes the last of two
//! members that it does not know or that stand in a map.

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

/// How deep objects and arrays may be nested. Real tokens have two levels (`cnf`), key sets three.
const DEEPEST: usize = 16;

/// How many members one object may have; the comparison of names is quadratic in it. Real tokens
/// have about ten, client metadata about thirty.
const MOST_MEMBERS: usize = 100;

/// For how many members there is room from the start.
const USUAL_MEMBERS: usize = 10;

/// Checks that `json` is one object of this kind and nothing more.
pub(super) fn check_object(json: &[u8]) -> serde_json::Result<()> {
    // serde would also fill a struct from an array.
    if json.first() != Some(&b'{') {
        return Err(Error::custom("expected a JSON object"));
    }
    let mut deserializer = serde_json::Deserializer::from_slice(json);
    Strict(DEEPEST).deserialize(&mut deserializer)?;
    deserializer.end()
}

/// Any value, of at most this many levels.
struct Strict(usize);

impl Strict {
    fn deeper<E: Error>(&self) -> Result<usize, E> {
        self.0
            .checked_sub(1)
            .ok_or_else(|| E::custom("nested too deeply"))
    }
}

impl<'de> DeserializeSeed<'de> for Strict {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
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

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let depth = self.deeper()?;
        while items.next_element_seed(Strict(depth))?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        let depth = self.deeper()?;
        let mut names: Vec<Cow<'de, str>> = Vec::with_capacity(USUAL_MEMBERS);
        while let Some(name) = members.next_key_seed(Name)? {
            if names.contains(&name) {
                return Err(A::Error::custom(format_args!(
                    "`{name}` stands there twice"
                )));
            }
            if names.len() == MOST_MEMBERS {
                return Err(A::Error::custom("too many members"));
            }
            names.push(name);
            members.next_value_seed(Strict(depth))?;
        }
        Ok(())
    }
}

/// A member's name, which is copied only if it has escapes in it.
struct Name;

impl<'de> DeserializeSeed<'de> for Name {
    type Value = Cow<'de, str>;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Self::Value, D::Error> {
        from.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for Name {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_borrowed_str<E>(self, name: &'de str) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(name))
    }

    fn visit_str<E>(self, name: &str) -> Result<Self::Value, E> {
        Ok(Cow::Owned(name.to_owned()))
    }
}
