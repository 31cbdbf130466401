//! Key sets (RFC 7517 §5), read from documents of strangers.

use serde::{Deserialize, Serialize};

use super::{Jwk, Members};
use crate::jws::{JwsError, object, read_checked};
use crate::key::PublicKey;

/// The public keys of a party by their `kid`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct JwkSet {
    keys: Vec<(String, PublicKey)>,
}

/// Why bytes are no key set.
#[derive(Debug, thiserror::Error)]
pub enum JwkSetError {
    /// Not a JSON object with `keys`, or a member stands there twice.
    #[error("the key set is not a JSON object with keys")]
    Json(#[source] JwsError),
    /// More keys than anybody needs.
    #[error("the key set has more than {limit} keys")]
    TooMany {
        /// The limit.
        limit: usize,
    },
}

#[derive(Deserialize)]
pub(crate) struct Written {
    keys: Vec<serde_json::Value>,
}

impl JwkSet {
    /// The most keys in a set: rotation needs two or three.
    pub const MOST_KEYS: usize = 32;

    /// A set of our own keys.
    pub fn of(keys: impl IntoIterator<Item = (String, PublicKey)>) -> Self {
        Self {
            keys: keys.into_iter().collect(),
        }
    }

    /// Reads a key set. Keys of other kinds, without a `kid`, or that give their secret away are
    /// left out: nobody can be proved with them.
    pub fn parse(json: &[u8]) -> Result<Self, JwkSetError> {
        let written: Written = read_checked(json, "key set").map_err(JwkSetError::Json)?;
        Self::read(written)
    }

    pub(crate) fn read(written: Written) -> Result<Self, JwkSetError> {
        if written.keys.len() > Self::MOST_KEYS {
            return Err(JwkSetError::TooMany {
                limit: Self::MOST_KEYS,
            });
        }
        let keys = written.keys.into_iter().filter_map(read_key).collect();
        Ok(Self { keys })
    }

    /// The key of this name; none if the name stands for several.
    pub fn find(&self, kid: &str) -> Option<&PublicKey> {
        let mut found = self.keys.iter().filter(|(name, _)| name == kid);
        let (_, first) = found.next()?;
        found.all(|(_, other)| other == first).then_some(first)
    }

    /// Whether no key in it can be used.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }
}

impl Serialize for JwkSet {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Named<'a> {
            kid: &'a str,
            alg: &'static str,
            #[serde(rename = "use")]
            usage: &'static str,
            #[serde(flatten)]
            key: Jwk,
        }
        #[derive(Serialize)]
        struct Document<'a> {
            keys: Vec<Named<'a>>,
        }
        let keys = self.keys.iter().map(|(kid, key)| Named {
            kid,
            alg: key.curve().algorithm(),
            usage: "sig",
            key: Jwk::new(*key.multikey()),
        });
        Document {
            keys: keys.collect(),
        }
        .serialize(to)
    }
}

fn read_key(value: serde_json::Value) -> Option<(String, PublicKey)> {
    let members: Members<'_> = object(value).ok()?;
    let key = members.key().ok()?.public_key().ok()?;
    Some((members.kid?.to_string(), key))
}
