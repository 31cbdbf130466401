//! The record within a body.

use std::borrow::Cow;
use std::fmt;

use loggia_firehose::Record;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::value::RawValue;

use super::Unfit;

/// The record as others may see it: as it is, or without the member `secret`.
pub(super) fn shown(record: &Record, has_secret: bool) -> Result<Cow<'_, RawValue>, Unfit> {
    if !has_secret {
        let text = serde_json::from_slice(record.as_json()).map_err(|_| Unfit::Unreadable)?;
        return Ok(Cow::Borrowed(text));
    }
    let members: Members<'_> =
        serde_json::from_slice(record.as_json()).map_err(|_| Unfit::Unreadable)?;
    serde_json::value::to_raw_value(&members)
        .map(Cow::Owned)
        .map_err(|_| Unfit::Unreadable)
}

/// The members of an object but for `secret`, in their order.
struct Members<'a>(Vec<(String, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_map(Reader)
    }
}

struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = Members<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut from: A) -> Result<Members<'de>, A::Error> {
        let mut members = Vec::new();
        while let Some((name, value)) = from.next_entry::<String, &RawValue>()? {
            if name != "secret" {
                members.push((name, value));
            }
        }
        Ok(Members(members))
    }
}

impl Serialize for Members<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut map = to.serialize_map(Some(self.0.len()))?;
        for (name, value) in &self.0 {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}
