//! Looking keys and services up, strictly.

use super::{DidDocument, Service};
use crate::key::{KeyError, Multikey};

/// Why a document gives no signing key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyLookupError {
    /// The document has no such verification method.
    #[error("the document has no key `{fragment}`; add it to its `verificationMethod`")]
    Missing {
        /// The fragment with its `#`.
        fragment: String,
    },
    /// The document has the same fragment twice with different keys; neither is to be trusted.
    #[error("the document has several keys `{fragment}` in its `verificationMethod`; leave one")]
    Ambiguous {
        /// The fragment with its `#`.
        fragment: String,
    },
    /// The key is there but cannot be used.
    #[error(
        "the document's key `{fragment}` cannot be used; \
         publish it as a `Multikey` on K-256 or P-256"
    )]
    Unusable {
        /// The fragment with its `#`.
        fragment: String,
        /// What is wrong with it.
        #[source]
        source: KeyError,
    },
}

/// Why a document gives no service.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ServiceLookupError {
    /// The document has no such service, or the id is that of another DID.
    #[error("the document has no service `{id}`; add it to its `service`")]
    Missing {
        /// What was looked for, cut to a readable length.
        id: String,
    },
    /// The document has the same id twice with different services; neither is to be trusted.
    #[error("the document has several services `{id}`; leave one")]
    Ambiguous {
        /// What was looked for.
        id: String,
    },
    /// The service is of another type.
    #[error("the document's service `{id}` is of type `{found}`; it must be `{expected}`")]
    Type {
        /// What was looked for.
        id: String,
        /// The type that it has, cut to a readable length.
        found: String,
        /// The type that it must have.
        expected: String,
    },
}

impl DidDocument {
    /// The fragment of the key that an account signs with: commits, service auth, delegation tokens.
    pub const ACCOUNT_KEY: &'static str = "#atproto";
    /// The fragment of the key that a space authority signs credentials with. Nothing else stands in
    /// for it, and it stands in for nothing else.
    pub const SPACE_KEY: &'static str = "#atproto_space";
    /// The fragment and the type of the service that holds the account.
    pub const PDS: (&'static str, &'static str) = ("#atproto_pds", "AtprotoPersonalDataServer");
    /// The fragment of the service that holds an authority's spaces.
    pub const SPACE_HOST: &'static str = "#atproto_space_host";

    /// The key of exactly this fragment (with `#`); no other key stands in for it.
    pub fn signing_key(&self, fragment: &str) -> Result<Multikey, KeyLookupError> {
        let mut found = self
            .methods
            .iter()
            .filter(|method| method.fragment == fragment);
        let first = found.next().ok_or_else(|| KeyLookupError::Missing {
            fragment: fragment.into(),
        })?;
        if found.any(|other| other.key != first.key) {
            return Err(KeyLookupError::Ambiguous {
                fragment: fragment.into(),
            });
        }
        first
            .key
            .clone()
            .map_err(|source| KeyLookupError::Unusable {
                fragment: fragment.into(),
                source,
            })
    }

    /// The first service of this fragment (with `#`).
    pub fn service(&self, fragment: &str) -> Option<&Service> {
        self.services
            .iter()
            .find(|service| service.fragment == fragment)
    }

    /// The service of this id, relative (`#atproto_pds`) or absolute (`did:…#atproto_pds`), and of
    /// this type if one is given. Stricter than [`DidDocument::service`]: where the document
    /// contradicts itself there is none.
    pub fn find_service(
        &self,
        id: &str,
        kind: Option<&str>,
    ) -> Result<&Service, ServiceLookupError> {
        let short = || id.chars().take(SHOWN).collect::<String>();
        let fragment = id.strip_prefix(self.id.as_str()).unwrap_or(id);
        let mut found = self
            .services
            .iter()
            .filter(|service| service.fragment == fragment);
        let first = found
            .next()
            .ok_or_else(|| ServiceLookupError::Missing { id: short() })?;
        if found.any(|other| other != first) {
            return Err(ServiceLookupError::Ambiguous { id: short() });
        }
        match kind {
            Some(kind) if kind != first.kind => Err(ServiceLookupError::Type {
                id: short(),
                found: first.kind.chars().take(SHOWN).collect(),
                expected: kind.into(),
            }),
            _ => Ok(first),
        }
    }
}

/// How many characters of a text that somebody else wrote are shown in a message.
const SHOWN: usize = 100;
