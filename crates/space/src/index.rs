//! Which records a repository has.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::fmt;

use loggia_syntax::{Cid, Nsid, RecordKey};
use serde::de::{MapAccess, Visitor};
use serde::ser::SerializeMap as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_ipld_dagcbor as cbor;

use crate::SetHash;

/// Where a record is in its repository.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RecordPath {
    /// Its collection.
    pub collection: Nsid,
    /// Its key there.
    pub rkey: RecordKey,
}

/// The records of a repository with their identifiers, in the order of a snapshot: shorter paths first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Index(Vec<(RecordPath, Cid)>);

/// Why something is no index.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadIndex {
    /// It is no map from paths to links.
    #[error("not an index of records: {0}")]
    Form(String),
    /// A path is there twice.
    #[error("the path {0} is there twice")]
    Twice(RecordPath),
}

impl Index {
    /// Sorts the records of a repository.
    ///
    /// # Errors
    /// A path is there twice.
    pub fn new(records: impl IntoIterator<Item = (RecordPath, Cid)>) -> Result<Self, BadIndex> {
        let mut records: Vec<_> = records.into_iter().collect();
        records.sort_by(|(one, _), (other, _)| one.cmp(other));
        match records.windows(2).find(|pair| pair[0].0 == pair[1].0) {
            Some(pair) => Err(BadIndex::Twice(pair[0].0.clone())),
            None => Ok(Self(records)),
        }
    }

    /// The records in order.
    pub fn iter(&self) -> std::slice::Iter<'_, (RecordPath, Cid)> {
        self.0.iter()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The hash over all of them, made from the start.
    pub fn set_hash(&self) -> SetHash {
        let mut hash = SetHash::new();
        for (path, cid) in &self.0 {
            hash.add(&path.collection, &path.rkey, cid);
        }
        hash
    }

    /// As DAG-CBOR: a map from `COLLECTION/RKEY` to links.
    pub fn to_dag_cbor(&self) -> Vec<u8> {
        cbor::to_vec(self).expect("maps of links can be written")
    }

    /// From DAG-CBOR.
    ///
    /// # Errors
    /// It is no such map, or not in order.
    pub fn from_dag_cbor(bytes: &[u8]) -> Result<Self, BadIndex> {
        cbor::from_slice(bytes).map_err(|error| BadIndex::Form(error.to_string()))
    }
}

impl RecordPath {
    fn parse(text: &str) -> Option<Self> {
        let (collection, rkey) = text.split_once('/')?;
        Some(Self {
            collection: Nsid::new(collection).ok()?,
            rkey: RecordKey::new(rkey).ok()?,
        })
    }

    fn len(&self) -> usize {
        self.collection.as_str().len() + 1 + self.rkey.as_str().len()
    }

    fn text(&self) -> impl Iterator<Item = u8> {
        let (collection, rkey) = (self.collection.as_str(), self.rkey.as_str());
        collection.bytes().chain([b'/']).chain(rkey.bytes())
    }
}

impl fmt::Display for RecordPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.collection, self.rkey)
    }
}

impl Ord for RecordPath {
    /// As DAG-CBOR orders the keys of a map: by length, then byte by byte.
    fn cmp(&self, other: &Self) -> Ordering {
        let lengths = self.len().cmp(&other.len());
        lengths.then_with(|| self.text().cmp(other.text()))
    }
}

impl PartialOrd for RecordPath {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Serialize for Index {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (path, cid) in &self.0 {
            let cid = cid.decode().map_err(serde::ser::Error::custom)?;
            map.serialize_entry(&path.to_string(), &cid)?;
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for Index {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries;

        impl<'de> Visitor<'de> for Entries {
            type Value = Index;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a map from paths of records to links")
            }

            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Index, M::Error> {
                use serde::de::Error as _;
                let mut records: Vec<(RecordPath, Cid)> = Vec::new();
                while let Some((path, cid)) = map.next_entry::<Cow<'_, str>, cid::Cid>()? {
                    let path = RecordPath::parse(&path)
                        .ok_or_else(|| M::Error::custom(format!("`{path}` is no path")))?;
                    if records.last().is_some_and(|(last, _)| *last >= path) {
                        let why = format!("`{path}` does not come after the path before it");
                        return Err(M::Error::custom(why));
                    }
                    let cid = Cid::try_from(&cid).map_err(M::Error::custom)?;
                    records.push((path, cid));
                }
                Ok(Index(records))
            }
        }

        deserializer.deserialize_map(Entries)
    }
}
