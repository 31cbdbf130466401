//! DID documents: reading other people's leniently, looking things up strictly, writing our own.

mod look_up;
mod read;

use loggia_syntax::{Did, Handle};
use serde_json::{Value, json};

use crate::key::{KeyError, Multikey};

pub use look_up::{KeyLookupError, ServiceLookupError};

/// What a DID stands for: keys, services and names.
///
/// Unknown fields and entries of unknown shapes are left out when reading.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DidDocument {
    id: Did,
    also_known_as: Vec<String>,
    methods: Vec<VerificationMethod>,
    services: Vec<Service>,
}

/// A public key that the document publishes under a fragment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerificationMethod {
    /// The fragment with its `#`.
    pub fragment: String,
    /// The key, or why it cannot be used.
    pub key: Result<Multikey, KeyError>,
}

/// A service that the document publishes under a fragment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Service {
    /// The fragment with its `#`.
    pub fragment: String,
    /// The `type`, e.g. `AtprotoPersonalDataServer`.
    pub kind: String,
    /// The `serviceEndpoint`, as written: a URL that nobody has checked.
    pub endpoint: String,
}

/// Why bytes are no DID document.
#[derive(Debug, thiserror::Error)]
pub enum DocumentError {
    /// Not JSON, or not an object with an `id`.
    #[error("the document is not a JSON object of the expected shape")]
    Json(#[source] serde_json::Error),
    /// The `id` is no DID.
    #[error("the document's id is not a DID")]
    Id(#[source] loggia_syntax::SyntaxError),
    /// More entries than any real document has.
    #[error("the document has more than {limit} entries in `{field}`")]
    TooMany {
        /// Which array.
        field: &'static str,
        /// The limit.
        limit: usize,
    },
}

impl DidDocument {
    /// An empty document for a DID of our own.
    pub fn new(id: Did) -> Self {
        Self {
            id,
            also_known_as: Vec::new(),
            methods: Vec::new(),
            services: Vec::new(),
        }
    }

    /// Reads a document.
    pub fn parse(json: &[u8]) -> Result<Self, DocumentError> {
        read::read(json)
    }

    /// The same document with one more name, e.g. `at://handle.example`.
    #[must_use]
    pub fn with_name(mut self, uri: impl Into<String>) -> Self {
        self.also_known_as.push(uri.into());
        self
    }

    /// The same document with one more key; `fragment` begins with `#`.
    #[must_use]
    pub fn with_key(mut self, fragment: impl Into<String>, key: Multikey) -> Self {
        self.methods.push(VerificationMethod {
            fragment: fragment.into(),
            key: Ok(key),
        });
        self
    }

    /// The same document with one more service; `fragment` begins with `#`.
    #[must_use]
    pub fn with_service(
        mut self,
        fragment: impl Into<String>,
        kind: impl Into<String>,
        endpoint: impl Into<String>,
    ) -> Self {
        self.services.push(Service {
            fragment: fragment.into(),
            kind: kind.into(),
            endpoint: endpoint.into(),
        });
        self
    }

    /// Whose document it is.
    pub fn id(&self) -> &Did {
        &self.id
    }

    /// Other names of the subject, as written.
    pub fn also_known_as(&self) -> &[String] {
        &self.also_known_as
    }

    /// The handle that the document claims. Only the handle's own domain can confirm it.
    pub fn claimed_handle(&self) -> Option<Handle> {
        self.also_known_as
            .iter()
            .find_map(|uri| uri.strip_prefix("at://"))
            .and_then(|handle| Handle::new(handle).ok())
    }

    /// The keys, usable or not.
    pub fn verification_methods(&self) -> &[VerificationMethod] {
        &self.methods
    }

    /// The services.
    pub fn services(&self) -> &[Service] {
        &self.services
    }

    /// The document as it is published. Keys that cannot be used are left out.
    pub fn to_json(&self) -> Value {
        let id = self.id.as_str();
        let methods: Vec<Value> = self
            .methods
            .iter()
            .filter_map(|method| method.key.as_ref().ok().map(|key| (&method.fragment, key)))
            .map(|(fragment, key)| {
                json!({
                    "id": format!("{id}{fragment}"),
                    "type": "Multikey",
                    "controller": id,
                    "publicKeyMultibase": key.to_multibase(),
                })
            })
            .collect();
        let services: Vec<Value> = self
            .services
            .iter()
            .map(|service| {
                json!({
                    "id": service.fragment,
                    "type": service.kind,
                    "serviceEndpoint": service.endpoint,
                })
            })
            .collect();
        json!({
            "@context": [
                "https://www.w3.org/ns/did/v1",
                "https://w3id.org/security/multikey/v1",
            ],
            "id": id,
            "alsoKnownAs": self.also_known_as,
            "verificationMethod": methods,
            "service": services,
        })
    }
}
