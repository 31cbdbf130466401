//! Client metadata, the document behind a `client_id`.

use std::fmt;

use serde::Deserialize;
use url::Url;

use crate::jwk::{JwkSet, JwkSetError, WrittenSet};
use crate::jws::{JwsError, read_checked};

/// The longest `client_id`.
const LONGEST: usize = 2048;

/// The `https` URL that names an app and where its metadata is, exactly as the app writes it.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct ClientId(String);

/// Why there is no metadata to use.
#[derive(Debug, thiserror::Error)]
pub enum MetadataError {
    /// Not an `https` URL in its normal form, or with a user, a fragment, an address or a port in it.
    #[error("not an https URL that names a client")]
    Id,
    /// Not a JSON object with a `client_id`, or a member stands there twice.
    #[error("the client metadata is not a JSON object of the expected shape")]
    Json(#[source] JwsError),
    /// The document is that of another client.
    #[error("the client metadata has another client_id")]
    OtherId,
    /// Its key set cannot be read.
    #[error("the client's keys cannot be read")]
    Keys(#[source] JwkSetError),
    /// It has both `jwks` and `jwks_uri`, or neither.
    #[error("the client metadata must have either jwks or jwks_uri")]
    NoKeys,
}

impl ClientId {
    /// The name of its host.
    pub(super) fn host(&self) -> &str {
        let rest = self.0.strip_prefix("https://").unwrap_or_default();
        rest.split(['/', '?']).next().unwrap_or_default()
    }

    /// Takes the text as it is, if it is one.
    pub fn new(text: impl Into<String>) -> Result<Self, MetadataError> {
        let text = text.into();
        let url = Url::parse(&text).map_err(|_| MetadataError::Id)?;
        let names_client = text.len() <= LONGEST
            && url.scheme() == "https"
            && url.domain().is_some_and(|domain| domain.contains('.'))
            && url.port().is_none()
            && url.username().is_empty()
            && url.password().is_none()
            && url.fragment().is_none()
            && url.path() != "/"
            // The normal form is the only one, so that equal clients have equal texts.
            && url.as_str() == text;
        if names_client {
            Ok(Self(text))
        } else {
            Err(MetadataError::Id)
        }
    }

    /// The URL.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for ClientId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ClientId({})", self.0)
    }
}

impl fmt::Display for ClientId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What is read of the document.
#[derive(Clone, Debug)]
pub struct ClientMetadata {
    /// What the client calls itself, to show to people.
    pub name: Option<String>,
    /// Where its keys are.
    pub keys: ClientKeys,
}

/// Where the keys of a client are.
#[derive(Clone, Debug)]
pub enum ClientKeys {
    /// In the document.
    Inline(JwkSet),
    /// Behind this URL, as written: nobody has checked it.
    Uri(String),
}

#[derive(Deserialize)]
struct Document {
    client_id: String,
    client_name: Option<String>,
    jwks: Option<WrittenSet>,
    jwks_uri: Option<String>,
}

impl ClientMetadata {
    /// Reads the document that was found behind `id`.
    pub fn parse(id: &ClientId, json: &[u8]) -> Result<Self, MetadataError> {
        let document: Document =
            read_checked(json, "client metadata").map_err(MetadataError::Json)?;
        if document.client_id != id.0 {
            return Err(MetadataError::OtherId);
        }
        let keys = match (document.jwks, document.jwks_uri) {
            (Some(keys), None) => {
                ClientKeys::Inline(JwkSet::read(keys).map_err(MetadataError::Keys)?)
            }
            (None, Some(uri)) => ClientKeys::Uri(uri),
            _ => return Err(MetadataError::NoKeys),
        };
        Ok(Self {
            name: document.client_name,
            keys,
        })
    }
}
