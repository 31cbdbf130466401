//! Whom a record names: by a mention, or by a whole value that is the address of something of theirs.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;

use loggia_syntax::{AtUri, Did};
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

/// The type of a facet's feature that names an account, in chats and in posts.
const MENTION: &str = "app.bsky.richtext.facet#mention";

/// Most values of a record: far more than clients write. One with more names nobody.
const MOST_VALUES: usize = 2048;

/// Most accounts that one record names. One that names more is no talk to any of them.
const MOST_NAMED: usize = 50;

/// The accounts that a record names; nobody if it is no JSON object, or one that is too large.
/// Prose is not looked into, and handles are not looked up.
pub fn named(record: &[u8]) -> BTreeSet<Did> {
    let mut walk = Walk {
        named: BTreeSet::new(),
        left: MOST_VALUES,
    };
    let mut json = serde_json::Deserializer::from_slice(record);
    match Value(&mut walk).deserialize(&mut json) {
        Ok(_) => walk.named,
        Err(_) => BTreeSet::new(),
    }
}

struct Walk {
    named: BTreeSet<Did>,
    left: usize,
}

impl Walk {
    fn name<E: Error>(&mut self, did: Option<Did>) -> Result<(), E> {
        self.named.extend(did);
        match self.named.len() > MOST_NAMED {
            true => Err(E::custom("too many accounts")),
            false => Ok(()),
        }
    }

    fn text<E: Error>(&mut self, text: &str) -> Result<(), E> {
        if !text.starts_with("at://did:") {
            return Ok(());
        }
        let uri = AtUri::new(text).ok();
        self.name(uri.and_then(|uri| uri.authority().did()))
    }
}

/// One value; what it is if it is a text.
struct Value<'w>(&'w mut Walk);

impl<'de> DeserializeSeed<'de> for Value<'_> {
    type Value = Option<Cow<'de, str>>;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Self::Value, D::Error> {
        match self.0.left.checked_sub(1) {
            Some(left) => self.0.left = left,
            None => return Err(D::Error::custom("too many values")),
        }
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Value<'_> {
    type Value = Option<Cow<'de, str>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Self::Value, E> {
        self.0.text(text)?;
        Ok(Some(Cow::Borrowed(text)))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        self.0.text(text)?;
        Ok(Some(Cow::Owned(text.to_owned())))
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        while list.next_element_seed(Value(self.0))?.is_some() {}
        Ok(None)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let (mut mention, mut did) = (false, None);
        while let Some(key) = map.next_key::<Cow<'_, str>>()? {
            let text = map.next_value_seed(Value(self.0))?;
            match &*key {
                "$type" => mention = text.as_deref() == Some(MENTION),
                "did" => did = text,
                _ => {}
            }
        }
        if mention {
            self.0.name(did.and_then(|did| Did::new(&*did).ok()))?;
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn names(record: &serde_json::Value) -> Vec<String> {
        let named = named(record.to_string().as_bytes());
        named.iter().map(Did::to_string).collect()
    }

    #[test]
    fn a_mention_and_a_whole_address_name_an_account() {
        let record = json!({
            "$type": "app.bsky.feed.post",
            "text": "hi @alice, see at://did:plc:dave/a.b.c/d",
            "facets": [{
                "index": { "byteStart": 3, "byteEnd": 9 },
                "features": [
                    { "did": "did:plc:alice", "$type": MENTION },
                    { "$type": "app.bsky.richtext.facet#link", "uri": "at://did:plc:bob" },
                    { "$type": "app.bsky.richtext.facet#tag", "did": "did:plc:erin", "tag": "x" },
                ],
            }],
            "reply": { "parent": { "uri": "at://did:plc:carol/app.bsky.feed.post/3k", "cid": "x" } },
            "embed": { "record": { "uri": "at://did:plc:alice/app.bsky.feed.post/3k" } },
        });
        let expected = ["did:plc:alice", "did:plc:bob", "did:plc:carol"];
        assert_eq!(names(&record), expected);
    }

    #[test]
    fn what_only_looks_like_a_name_is_none() {
        for value in [
            json!({ "text": "at://did:plc:alice is great" }),
            json!({ "uri": "at://alice.example.com/app.bsky.feed.post/3k" }),
            json!({ "did": "did:plc:alice" }),
            json!({ "$type": MENTION, "did": 7 }),
            json!({ "$type": MENTION, "did": "nobody" }),
            json!({ "at://did:plc:alice": 1 }),
        ] {
            assert!(names(&value).is_empty(), "{value}");
        }
        assert!(named(b"{\"uri\":\"at://did:plc:alice").is_empty());
    }

    #[test]
    fn a_record_without_end_names_nobody() {
        let crowd: Vec<_> = (0..MOST_NAMED + 1)
            .map(|number| json!(format!("at://did:plc:a{number}")))
            .collect();
        assert!(names(&json!({ "all": crowd })).is_empty());
        assert_eq!(names(&json!({ "all": crowd[1..] })).len(), MOST_NAMED);
        let long = vec![json!(1); MOST_VALUES];
        assert!(names(&json!({ "a": "at://did:plc:alice", "b": long })).is_empty());
        let deep = "[".repeat(100_000);
        assert!(named(format!("{{\"a\":{deep}").as_bytes()).is_empty());
    }
}
