//! What the setting `client_keys` asks of every call.

use std::sync::Arc;

use axum::http::HeaderMap;
use axum::http::header::ORIGIN;
use axum::http::request::Parts;
use jiff::Timestamp;
use loggia_delivery::{Clock as _, SystemClock};
use loggia_storage::Storage;
use loggia_xrpc::Rejection;
use loggia_xrpc_server::{CallerKey, Gate, Quota, Refusal};

use super::known::Known;
use super::{API_KEY, ApiClient, ClientKeys, HEADER, key};
use crate::outage;

/// The challenge of a 401 (RFC 9110 wants one). No browser knows the scheme, and none needs to.
const CHALLENGE: &str = r#"ClientKey header="X-Client-Key""#;

/// Lets calls pass whose key is as the setting demands. Cheap to clone.
#[derive(Clone)]
pub struct ClientGate {
    keys: ClientKeys,
    known: Arc<Known>,
}

impl ClientGate {
    /// A gate for the clients of this store.
    pub fn new(keys: ClientKeys, storage: &Storage) -> Self {
        Self {
            keys,
            known: Arc::new(Known::new(storage.api_clients())),
        }
    }

    /// The client that a request comes from, which afterwards is in its extensions as well.
    ///
    /// # Errors
    /// A key that is none, that may not be used from this web page, or that is missing.
    pub async fn client(
        &self,
        parts: &mut Parts,
        now: Timestamp,
    ) -> Result<Option<ApiClient>, Refusal> {
        if self.keys == ClientKeys::Off {
            return Ok(None);
        }
        let Some(text) = presented(&parts.headers, HEADER)? else {
            return match self.keys {
                ClientKeys::Required => Err(key_required()),
                ClientKeys::Optional | ClientKeys::Off => Ok(None),
            };
        };
        let client = self.of_key(text, &parts.headers, now).await?;
        parts.extensions.insert(client.clone());
        Ok(Some(client))
    }

    /// The client whose key comes along as `X-API-Key` or `X-Client-Key`, where it is all that says
    /// whose something is: needed whatever the setting says.
    ///
    /// # Errors
    /// A key that is none, that may not be used from this web page, or that is missing.
    pub async fn holder(&self, parts: &Parts, now: Timestamp) -> Result<ApiClient, Refusal> {
        let text = match presented(&parts.headers, API_KEY)? {
            Some(text) => Some(text),
            None => presented(&parts.headers, HEADER)?,
        };
        let text = text.ok_or_else(key_required)?;
        self.of_key(text, &parts.headers, now).await
    }

    async fn of_key(
        &self,
        text: &str,
        headers: &HeaderMap,
        now: Timestamp,
    ) -> Result<ApiClient, Refusal> {
        let hash = key::hash_of(text).ok_or_else(invalid_key)?;
        let found = self.known.find(&hash, now).await;
        let found = found.map_err(|error| outage::refuse(&error))?;
        let client = found.ok_or_else(invalid_key)?;
        check_origin(headers, &client.origins)?;
        Ok(ApiClient(client))
    }
}

impl Gate for ClientGate {
    fn admit<'a>(
        &'a self,
        parts: &'a mut Parts,
    ) -> futures_util::future::BoxFuture<'a, Result<Option<Quota>, Refusal>> {
        Box::pin(async move {
            let client = self.client(parts, SystemClock.now()).await?;
            Ok(client.and_then(|client| {
                Some(Quota {
                    caller: CallerKey::Name(client.id().to_string().into()),
                    per_minute: client.requests_per_minute()?,
                })
            }))
        })
    }
}

/// The key in a request. Several are none: which of them would be meant?
fn presented<'a>(headers: &'a HeaderMap, name: &str) -> Result<Option<&'a str>, Refusal> {
    let mut all = headers.get_all(name).iter();
    match (all.next(), all.next()) {
        (None, _) => Ok(None),
        (Some(one), None) => one.to_str().map(Some).map_err(|_| invalid_key()),
        (Some(_), Some(_)) => Err(invalid_key()),
    }
}

/// Browsers say where a page comes from, and pages cannot make them say something else. Without that
/// the caller is no web page, and may be anything.
fn check_origin(headers: &HeaderMap, allowed: &[String]) -> Result<(), Refusal> {
    let mut origins = headers.get_all(ORIGIN).iter();
    let fits = origins.all(|origin| {
        allowed
            .iter()
            .any(|one| one.as_bytes() == origin.as_bytes())
    });
    if fits {
        return Ok(());
    }
    let message = "this X-Client-Key is not for web pages of this origin: its operator can allow \
                   origins when making a key";
    Err(Rejection::new(403, "OriginNotAllowed", message).into())
}

fn invalid_key() -> Refusal {
    let message = "the X-Client-Key is not one of this server, or was revoked";
    let rejection = Rejection::new(401, "InvalidClientKey", message);
    rejection.header("WWW-Authenticate", CHALLENGE).into()
}

pub(super) fn key_required() -> Refusal {
    let message = "this server needs an X-Client-Key: ask its operator for one";
    let rejection = Rejection::new(401, "ClientKeyRequired", message);
    rejection.header("WWW-Authenticate", CHALLENGE).into()
}
