//! References to blobs.

use std::fmt;

use serde::de::{Error, IgnoredAny, MapAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{CidLink, Data, Integer, Object};

/// A reference to a blob: `{"$type": "blob", "ref": …, "mimeType": …, "size": …}`.
///
/// The older form `{"cid": …, "mimeType": …}` is read as well and written back as it came.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Blob {
    /// What the blob's bytes hash to.
    pub reference: CidLink,
    /// What the uploader said the bytes are.
    pub mime_type: String,
    /// Size in bytes; `None` makes it the older form, which has none.
    pub size: Option<u64>,
}

impl Blob {
    /// A reference in today's form.
    pub fn new(reference: CidLink, mime_type: impl Into<String>, size: u64) -> Self {
        Self {
            reference,
            mime_type: mime_type.into(),
            size: Some(size),
        }
    }

    /// Reads an object of either form that has already been read as [`Data`].
    pub fn from_object(fields: &Object) -> Result<Self, serde::de::value::Error> {
        let mut seen = Seen::default();
        for (name, value) in fields {
            match (name.as_str(), value) {
                ("$type", Data::String(text)) => seen.type_name = Some(text.clone()),
                ("ref", Data::Link(link)) => seen.reference = Some(link.clone()),
                ("cid", Data::String(text)) => seen.cid = Some(text.clone()),
                ("mimeType", Data::String(text)) => seen.mime_type = Some(text.clone()),
                ("size", Data::Integer(size)) => seen.size = Some(Integer(*size)),
                ("$type" | "ref" | "cid" | "mimeType" | "size", other) => {
                    let found = other.type_name();
                    return Err(Error::custom(format_args!(
                        "`{name}` must not be of type {found}"
                    )));
                }
                (other, _) => return Err(no_field(other)),
            }
        }
        seen.blob()
    }

    /// Whether it is of the older form, which must no longer be written into new records.
    pub fn is_legacy(&self) -> bool {
        self.size.is_none()
    }
}

impl Serialize for Blob {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let Some(size) = self.size else {
            let mut map = to.serialize_map(Some(2))?;
            map.serialize_entry("cid", self.reference.as_str())?;
            map.serialize_entry("mimeType", &self.mime_type)?;
            return map.end();
        };
        let mut map = to.serialize_map(Some(4))?;
        map.serialize_entry("$type", "blob")?;
        map.serialize_entry("ref", &self.reference)?;
        map.serialize_entry("mimeType", &self.mime_type)?;
        map.serialize_entry("size", &size)?;
        map.end()
    }
}

impl<'de> Deserialize<'de> for Blob {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_map(Fields)
    }
}

/// The fields of both forms.
#[derive(Default)]
struct Seen {
    type_name: Option<String>,
    reference: Option<CidLink>,
    cid: Option<String>,
    mime_type: Option<String>,
    size: Option<Integer>,
}

struct Fields;

impl<'de> Visitor<'de> for Fields {
    type Value = Blob;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a blob: {\"$type\": \"blob\", \"ref\", \"mimeType\", \"size\"}")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Blob, A::Error> {
        let mut seen = Seen::default();
        while let Some(name) = map.next_key::<String>()? {
            match name.as_str() {
                "$type" => seen.type_name = Some(map.next_value()?),
                "ref" => seen.reference = Some(map.next_value()?),
                "cid" => seen.cid = Some(map.next_value()?),
                "mimeType" => seen.mime_type = Some(map.next_value()?),
                "size" => seen.size = Some(map.next_value()?),
                other => {
                    map.next_value::<IgnoredAny>()?;
                    return Err(no_field(other));
                }
            }
        }
        seen.blob()
    }
}

fn no_field<E: Error>(name: &str) -> E {
    E::custom(format_args!("a blob has no field {}", crate::Excerpt(name)))
}

impl Seen {
    fn blob<E: Error>(self) -> Result<Blob, E> {
        let mime_type = self.mime_type.ok_or_else(|| E::missing_field("mimeType"))?;
        match self.type_name.as_deref() {
            Some("blob") if self.cid.is_some() => Err(no_field("cid")),
            Some("blob") => {
                let reference = self.reference.ok_or_else(|| E::missing_field("ref"))?;
                let size = self.size.ok_or_else(|| E::missing_field("size"))?.0;
                let size = u64::try_from(size)
                    .map_err(|_| E::custom(format_args!("the blob size {size} is negative")))?;
                Ok(Blob {
                    reference,
                    mime_type,
                    size: Some(size),
                })
            }
            Some(other) => {
                let other = crate::Excerpt(other);
                Err(E::custom(format_args!(
                    "the `$type` of a blob is \"blob\", got {other}"
                )))
            }
            None if self.reference.is_some() || self.size.is_some() => {
                Err(E::missing_field("$type"))
            }
            None => {
                let cid = self.cid.ok_or_else(|| E::missing_field("$type"))?;
                let reference = CidLink::new(cid).map_err(E::custom)?;
                Ok(Blob {
                    reference,
                    mime_type,
                    size: None,
                })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Blob;

    const CID: &str = "bafkreiccldh766hwcnuxnf2wh6jgzepf2nlu2lvcllt63eww5p6chi4ity";

    fn read(json: &str) -> Result<Blob, serde_json::Error> {
        serde_json::from_str(&json.replace("CID", CID))
    }

    #[test]
    fn both_forms_come_back_as_they_were() {
        for json in [
            r#"{"$type":"blob","ref":{"$link":"CID"},"mimeType":"image/png","size":3}"#,
            r#"{"cid":"CID","mimeType":"image/png"}"#,
        ] {
            let blob = read(json).expect(json);
            assert_eq!(blob.is_legacy(), json.contains("\"cid\""));
            let written = serde_json::to_string(&blob).expect("writable");
            assert_eq!(written, json.replace("CID", CID));
        }
    }

    #[test]
    fn nothing_in_between() {
        for json in [
            r#"{"ref":{"$link":"CID"},"mimeType":"image/png","size":3}"#,
            r#"{"$type":"blob","ref":{"$link":"CID"},"mimeType":"image/png"}"#,
            r#"{"$type":"blob","ref":{"$link":"CID"},"mimeType":"image/png","size":-1}"#,
            r#"{"$type":"blob","ref":{"$link":"CID"},"mimeType":"image/png","size":1.5}"#,
            r#"{"$type":"blob","ref":{"$link":"CID"},"mimeType":"image/png","size":1,"alt":""}"#,
            r#"{"$type":"blob","ref":{"$link":"CID"},"mimeType":false,"size":1}"#,
            r#"{"$type":"blub","ref":{"$link":"CID"},"mimeType":"image/png","size":1}"#,
            r#"{"$type":"blob","ref":"CID","mimeType":"image/png","size":1}"#,
            r#"{"cid":"CID"}"#,
            r#"{"cid":".","mimeType":"image/png"}"#,
            r#"{"cid":"CID","mimeType":"image/png","size":1}"#,
        ] {
            assert!(read(json).is_err(), "{json}");
        }
    }
}
