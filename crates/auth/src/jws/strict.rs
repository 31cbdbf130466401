//! JSON in which two readers cannot see different things: no member twice, no deep nesting.
//!
//! serde refuses a second `iss` where a struct has that field, and silently takes the last of two
//! members that it does not know or that stand in a map. [`Strict`] stands between serde_json and
//! whatever type is read, sees every name on its way, and looks into what the type ignores too.

use std::borrow::Cow;
use std::fmt;

use serde::de::value::CowStrDeserializer;
use serde::de::{Deserialize, DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde::forward_to_deserialize_any;
use serde_json::de::Read;

/// How deep objects and arrays may be nested. Real tokens have two levels (`cnf`), key sets three.
const DEEPEST: usize = 16;

/// How many members one object may have; the comparison of names is quadratic in it. Real tokens
/// have about ten, client metadata about thirty.
const MOST_MEMBERS: usize = 100;

/// For how many members there is room from the start.
const USUAL_MEMBERS: usize = 10;

/// The members that tokens have. Their names may be told to whoever sent one; others may be anything.
pub(super) const KNOWN: [&str; 24] = [
    "alg",
    "ath",
    "aud",
    "client_id",
    "cnf",
    "crit",
    "exp",
    "htm",
    "htu",
    "iat",
    "iss",
    "jkt",
    "jti",
    "jwk",
    "kid",
    "kty",
    "crv",
    "lxm",
    "nbf",
    "nonce",
    "scope",
    "sub",
    "typ",
    "keys",
];

/// Stands before the name of a member that something is wrong with.
const IN: &str = " in `";

/// Reads what is one object of this kind and nothing more.
pub(super) fn read_object<'de, T: Deserialize<'de>>(json: &'de [u8]) -> serde_json::Result<T> {
    // serde would also fill a struct from an array.
    if json.first() != Some(&b'{') {
        return Err(Error::custom("expected a JSON object"));
    }
    // Once for all of it costs less than once for each string.
    match std::str::from_utf8(json) {
        Ok(text) => read(serde_json::Deserializer::from_str(text)),
        // Says where in the JSON it goes wrong.
        Err(_) => read(serde_json::Deserializer::from_slice(json)),
    }
}

fn read<'de, R: Read<'de>, T: Deserialize<'de>>(
    mut from: serde_json::Deserializer<R>,
) -> serde_json::Result<T> {
    let value = T::deserialize(Strict::new(&mut from, DEEPEST))?;
    from.end()?;
    Ok(value)
}

/// A part of serde's machinery that lets nothing through but what is strict.
struct Strict<T> {
    inner: T,
    /// How many more levels there may be.
    levels: usize,
}

impl<T> Strict<T> {
    fn new(inner: T, levels: usize) -> Self {
        Self { inner, levels }
    }

    fn deeper<E: Error>(&self) -> Result<usize, E> {
        self.levels
            .checked_sub(1)
            .ok_or_else(|| E::custom("nested too deeply"))
    }
}

impl<'de, S: DeserializeSeed<'de>> DeserializeSeed<'de> for Strict<S> {
    type Value = S::Value;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<S::Value, D::Error> {
        self.inner.deserialize(Strict::new(from, self.levels))
    }
}

/// JSON says itself what it is, so that whatever type is asked for is read as any, even none.
impl<'de, D: Deserializer<'de>> Deserializer<'de> for Strict<D> {
    type Error = D::Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.inner
            .deserialize_any(Strict::new(visitor, self.levels))
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.inner
            .deserialize_option(Strict::new(visitor, self.levels))
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        visitor.visit_newtype_struct(self)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit
        unit_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

impl<'de, V: Visitor<'de>> Visitor<'de> for Strict<V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.expecting(f)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<V::Value, E> {
        self.inner.visit_bool(value)
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<V::Value, E> {
        self.inner.visit_i64(value)
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<V::Value, E> {
        self.inner.visit_u64(value)
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<V::Value, E> {
        self.inner.visit_f64(value)
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<V::Value, E> {
        self.inner.visit_borrowed_str(text)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<V::Value, E> {
        self.inner.visit_str(text)
    }

    fn visit_unit<E: Error>(self) -> Result<V::Value, E> {
        self.inner.visit_unit()
    }

    fn visit_none<E: Error>(self) -> Result<V::Value, E> {
        self.inner.visit_none()
    }

    fn visit_some<D: Deserializer<'de>>(self, from: D) -> Result<V::Value, D::Error> {
        self.inner.visit_some(Strict::new(from, self.levels))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<V::Value, A::Error> {
        let levels = self.deeper()?;
        self.inner.visit_seq(Strict::new(items, levels))
    }

    fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<V::Value, A::Error> {
        let levels = self.deeper()?;
        self.inner.visit_map(Members {
            source: members,
            names: Vec::with_capacity(USUAL_MEMBERS),
            levels,
        })
    }
}

impl<'de, A: SeqAccess<'de>> SeqAccess<'de> for Strict<A> {
    type Error = A::Error;

    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, A::Error> {
        self.inner.next_element_seed(Strict::new(seed, self.levels))
    }
}

/// The members of an object, with the names that were there already.
struct Members<'de, A> {
    source: A,
    names: Vec<Cow<'de, str>>,
    levels: usize,
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for Members<'de, A> {
    type Error = A::Error;

    fn next_key_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, A::Error> {
        let Some(name) = self.source.next_key_seed(Name)? else {
            return Ok(None);
        };
        if self.names.contains(&name) {
            return Err(A::Error::custom(format_args!(
                "`{name}` stands there twice"
            )));
        }
        if self.names.len() == MOST_MEMBERS {
            return Err(A::Error::custom("too many members"));
        }
        self.names.push(name.clone());
        seed.deserialize(CowStrDeserializer::new(name)).map(Some)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, A::Error> {
        let value = self.source.next_value_seed(Strict::new(seed, self.levels));
        value.map_err(|error| self.placed(error))
    }
}

impl<A> Members<'_, A> {
    /// The error with the name of the member whose value it is about, before the place that serde_json
    /// reads back from the end of a text.
    #[cold]
    fn placed<E: Error>(&self, error: E) -> E {
        let text = error.to_string();
        match self.names.last() {
            Some(name) if KNOWN.contains(&&**name) && !text.contains(IN) => {
                let place = text.rfind(" at line ").unwrap_or(text.len());
                let (what, place) = text.split_at(place);
                E::custom(format_args!("{what}{IN}{name}`{place}"))
            }
            _ => error,
        }
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

#[cfg(test)]
mod tests {
    use serde::Deserialize;
    use serde_json::{Value, json};

    use super::*;

    /// A type that ignores every member.
    #[derive(Debug, Deserialize)]
    struct Nothing {}

    #[derive(Debug, PartialEq, Deserialize)]
    struct Usual<'a> {
        #[serde(borrow)]
        text: Cow<'a, str>,
        number: Option<i64>,
        absent: Option<bool>,
    }

    fn refuses(json: &[u8], why: &str) {
        let all = read_object::<Value>(json).map(drop);
        let nothing = read_object::<Nothing>(json).map(drop);
        for read in [all, nothing] {
            let error = read.expect_err(why).to_string();
            assert!(error.contains(why), "{error}");
        }
    }

    #[test]
    fn what_is_strict_is_read_as_it_is() {
        let value = json!({
            "null": null, "true": true, "small": -7, "large": u64::MAX, "real": 1.5,
            "text": "a\n\"b\"", "list": [1, [], {"a": {}}, null], "object": {"a": [{"a": 1}]},
        });
        let text = value.to_string();
        assert_eq!(read_object::<Value>(text.as_bytes()).expect("JSON"), value);

        let json = br#"{"other":[{}],"text":"as it is","number":null}"#;
        let some: Usual<'_> = read_object(json).expect("JSON");
        assert!(matches!(some.text, Cow::Borrowed("as it is")));
        assert_eq!((some.number, some.absent), (None, None));
    }

    #[test]
    fn what_is_ignored_is_strict_too() {
        refuses(br#"{"x":1,"x":2}"#, "twice");
        refuses(br#"{"x":[{"a":{"b":1,"b":2}}]}"#, "twice");
        // An escape does not make it another name.
        refuses(br#"{"x":1,"\u0078":2}"#, "twice");
        refuses(br#"{"x":{"\u0061":1,"a":2}}"#, "twice");
        let levels = DEEPEST;
        let nested = format!(r#"{{"x":{}{}}}"#, "[".repeat(levels), "]".repeat(levels));
        refuses(nested.as_bytes(), "nested too deeply");
        let members = (0..=MOST_MEMBERS).map(|number| format!(r#""{number}":0"#));
        let members = members.collect::<Vec<_>>().join(",");
        refuses(format!("{{{members}}}").as_bytes(), "too many members");
        refuses(b"{\"x\":\"\xff\"}", "invalid unicode");
        refuses(br#"{"x":1}{}"#, "trailing characters");
        refuses(br#"[{"x":1}]"#, "expected a JSON object");
        refuses(br#"{"x":01}"#, "invalid number");
    }
}
