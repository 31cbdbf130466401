//! Reading a document that somebody else wrote.

use loggia_syntax::Did;
use serde::Deserialize;
use serde_json::Value;

use super::{DidDocument, DocumentError, Service, VerificationMethod};
use crate::key::{Curve, KeyError, Multikey};

/// The most entries of one array; every key costs a square root to read.
const MOST: usize = 64;

/// How many characters of a type that nobody knows are kept, for messages.
const SHOWN: usize = 100;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawDocument {
    id: String,
    #[serde(default)]
    also_known_as: Value,
    #[serde(default)]
    verification_method: Value,
    #[serde(default)]
    service: Value,
}

pub(super) fn read(json: &[u8]) -> Result<DidDocument, DocumentError> {
    let raw: RawDocument = serde_json::from_slice(json).map_err(DocumentError::Json)?;
    let id = Did::new(&raw.id).map_err(DocumentError::Id)?;
    let methods = entries(&raw.verification_method, "verificationMethod")?;
    let services = entries(&raw.service, "service")?;
    let names = entries(&raw.also_known_as, "alsoKnownAs")?;
    Ok(DidDocument {
        also_known_as: names
            .iter()
            .filter_map(|name| name.as_str().map(Into::into))
            .collect(),
        methods: methods
            .iter()
            .filter_map(|entry| method(&id, entry))
            .collect(),
        services: services
            .iter()
            .filter_map(|entry| service(&id, entry))
            .collect(),
        id,
    })
}

/// The elements of an array; anything else counts as an empty one.
fn entries<'a>(value: &'a Value, field: &'static str) -> Result<&'a [Value], DocumentError> {
    let entries = value.as_array().map_or(&[][..], Vec::as_slice);
    if entries.len() > MOST {
        return Err(DocumentError::TooMany { field, limit: MOST });
    }
    Ok(entries)
}

fn method(did: &Did, entry: &Value) -> Option<VerificationMethod> {
    Some(VerificationMethod {
        fragment: fragment(did, entry)?,
        key: key(entry),
    })
}

fn key(entry: &Value) -> Result<Multikey, KeyError> {
    let text = || {
        entry
            .get("publicKeyMultibase")
            .and_then(Value::as_str)
            .ok_or(KeyError::Absent)
    };
    match entry
        .get("type")
        .and_then(Value::as_str)
        .unwrap_or_default()
    {
        "Multikey" => Multikey::from_multibase(text()?),
        "EcdsaSecp256k1VerificationKey2019" => {
            Multikey::from_legacy_multibase(Curve::K256, text()?)
        }
        "EcdsaSecp256r1VerificationKey2019" => {
            Multikey::from_legacy_multibase(Curve::P256, text()?)
        }
        other => Err(KeyError::Type(other.chars().take(SHOWN).collect())),
    }
}

fn service(did: &Did, entry: &Value) -> Option<Service> {
    Some(Service {
        fragment: fragment(did, entry)?,
        kind: entry.get("type")?.as_str()?.into(),
        endpoint: entry.get("serviceEndpoint")?.as_str()?.into(),
    })
}

/// The fragment of an `id`, which may be relative (`#x`) or absolute (`did:…#x`). An absolute id
/// of another DID is not this document's to give.
fn fragment(did: &Did, entry: &Value) -> Option<String> {
    let id = entry.get("id")?.as_str()?;
    let fragment = id.strip_prefix(did.as_str()).unwrap_or(id);
    (fragment.len() > 1 && fragment.starts_with('#')).then(|| fragment.into())
}
