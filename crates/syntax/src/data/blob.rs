//! References to blobs.

mod facts;

use std::fmt;

use serde::de::{Error, MapAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{CidLink, Data, Object};

pub use facts::{BlobError, BlobFacts, BlobField};

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

impl TryFrom<Object> for Blob {
    type Error = BlobError;

    fn try_from(mut fields: Object) -> Result<Self, BlobError> {
        let size = BlobFacts::of(&fields)?.size;
        let Some(Data::String(mime_type)) = fields.remove("mimeType") else {
            return Err(BlobError::Missing("mimeType"));
        };
        let reference = match (fields.remove("ref"), fields.remove("cid")) {
            (Some(Data::Link(link)), _) => link,
            (None, Some(Data::String(cid))) => {
                CidLink::new(cid).map_err(|error| BlobError::Link(error.to_string()))?
            }
            _ => return Err(BlobError::Missing("ref")),
        };
        Ok(Self {
            reference,
            mime_type,
            size,
        })
    }
}

impl<'de> Deserialize<'de> for Blob {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_map(Fields)
    }
}

struct Fields;

impl<'de> Visitor<'de> for Fields {
    type Value = Blob;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a blob: {\"$type\": \"blob\", \"ref\", \"mimeType\", \"size\"}")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Blob, A::Error> {
        let mut fields = Object::new();
        while let Some((name, value)) = map.next_entry()? {
            fields.insert(name, value);
        }
        Blob::try_from(fields).map_err(A::Error::custom)
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
        for (json, why) in [
            (
                r#"{"ref":{"$link":"CID"},"mimeType":"image/png","size":3}"#,
                "`$type` is missing",
            ),
            (r#"{"$type":"blob"}"#, "`mimeType` is missing"),
            (r#"{"$type":"blob","mimeType":"a/b"}"#, "`size` is missing"),
            (
                r#"{"$type":"blob","mimeType":"a/b","size":1}"#,
                "`ref` is missing",
            ),
            (
                r#"{"size":-1,"ref":{"$link":"CID"},"mimeType":"a/b","$type":"blob"}"#,
                "the blob size -1 is negative",
            ),
            (
                r#"{"$type":"blob","ref":{"$link":"CID"},"mimeType":"a/b","size":1.5}"#,
                "`size` is of type integer, got float",
            ),
            (
                r#"{"$type":"blob","ref":{"$link":"CID"},"mimeType":"a/b","size":1,"z":1,"alt":""}"#,
                "a blob has no field \"alt\"",
            ),
            (
                r#"{"$type":"blob","ref":{"$link":"CID"},"mimeType":"a/b","size":1,"cid":"CID"}"#,
                "a blob has no field \"cid\"",
            ),
            (
                r#"{"$type":"blob","ref":{"$link":"CID"},"mimeType":false,"size":1}"#,
                "`mimeType` is of type string, got boolean",
            ),
            (
                r#"{"$type":"blub"}"#,
                "the `$type` of a blob is \"blob\", got \"blub\"",
            ),
            (r#"{"$type":1}"#, "`$type` is of type string, got integer"),
            (
                r#"{"$type":"blob","ref":"CID","mimeType":"a/b","size":1}"#,
                "`ref` is of type cid-link, got string",
            ),
            (r#"{"cid":"CID"}"#, "`mimeType` is missing"),
            (
                r#"{"cid":".","mimeType":"a/b"}"#,
                "\".\" does not decode as a CID",
            ),
            (
                r#"{"cid":"CID","mimeType":"a/b","size":1}"#,
                "a blob has no field \"size\"",
            ),
        ] {
            let error = read(json).expect_err(json).to_string();
            assert!(error.starts_with(why), "{json}: {error}");
        }
    }
}
