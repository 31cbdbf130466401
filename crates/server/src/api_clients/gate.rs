//! What the setting `client_keys` asks of every call.

use std::sync::Arc;

use axum::http::HeaderMap;
use axum::http::header::ORIGIN;
use axum::http::request::Parts;
use loggia_storage::{ApiClients, Storage};
use loggia_xrpc::Rejection;
use loggia_xrpc_server::{Gate, Quota, Refusal};

use super::{API_KEY, ApiClient, ClientKeys, HEADER, key};
use crate::outage;

/// Lets calls pass whose key is as the setting demands. Cheap to clone. The store is asked each time: a
/// key that was revoked, by whichever process, is none with the next call.
#[derive(Clone)]
pub struct ClientGate {
    keys: ClientKeys,
    clients: ApiClients,
}

impl ClientGate {
    /// A gate for the clients of this store.
    pub fn new(keys: ClientKeys, storage: &Storage) -> Self {
        Self {
            keys,
            clients: storage.api_clients(),
        }
    }

    /// The client that a request comes from, which afterwards is in its extensions as well.
    ///
    /// # Errors
    /// A key that is none, that may not be used from this web page, or that is missing.
    pub async fn client(&self, parts: &mut Parts) -> Result<Option<ApiClient>, Refusal> {
        if self.keys == ClientKeys::Off {
            return Ok(None);
        }
        let Some(text) = presented(&parts.headers, HEADER)? else {
            return match self.keys {
                ClientKeys::Required => Err(key_required(HEADER)),
                ClientKeys::Optional | ClientKeys::Off => Ok(None),
            };
        };
        let client = self.of_key((HEADER, text), &parts.headers).await?;
        parts.extensions.insert(client.clone());
        Ok(Some(client))
    }

    /// The client whose key comes along as `X-API-Key` or `X-Client-Key`, where it is all that says
    /// whose something is: needed whatever the setting says.
    ///
    /// # Errors
    /// A key that is none, that may not be used from this web page, or that is missing.
    pub async fn holder(&self, parts: &Parts) -> Result<ApiClient, Refusal> {
        for name in [API_KEY, HEADER] {
            if let Some(text) = presented(&parts.headers, name)? {
                return self.of_key((name, text), &parts.headers).await;
            }
        }
        Err(key_required(API_KEY))
    }

    async fn of_key(
        &self,
        (name, text): (&'static str, &str),
        headers: &HeaderMap,
    ) -> Result<ApiClient, Refusal> {
        let hash = key::hash_of(text).ok_or_else(|| invalid_key(name))?;
        let found = self.clients.find(&hash).await;
        let found = found.map_err(|error| outage::refuse(&error))?;
        let good = found.filter(|client| client.revoked_at.is_none());
        let client = good.ok_or_else(|| invalid_key(name))?;
        check_origin(name, headers, &client.origins)?;
        Ok(ApiClient(Arc::new(client)))
    }
}

impl Gate for ClientGate {
    fn admit<'a>(
        &'a self,
        parts: &'a mut Parts,
    ) -> futures_util::future::BoxFuture<'a, Result<Option<Quota>, Refusal>> {
        Box::pin(async move {
            let client = self.client(parts).await?;
            Ok(client.and_then(|client| client.quota()))
        })
    }
}

/// The key in a request. Several are none: which of them would be meant?
fn presented<'a>(headers: &'a HeaderMap, name: &'static str) -> Result<Option<&'a str>, Refusal> {
    let mut all = headers.get_all(name).iter();
    match (all.next(), all.next()) {
        (None, _) => Ok(None),
        (Some(one), None) => one.to_str().map(Some).map_err(|_| invalid_key(name)),
        (Some(_), Some(_)) => Err(refused(name, "is sent more than once: send it once")),
    }
}

/// Browsers say where a page comes from, and pages cannot make them say something else. Without that
/// the caller is no web page, and may be anything.
fn check_origin(
    name: &'static str,
    headers: &HeaderMap,
    allowed: &[String],
) -> Result<(), Refusal> {
    let mut origins = headers.get_all(ORIGIN).iter();
    let fits = origins.all(|origin| {
        allowed
            .iter()
            .any(|one| one.as_bytes() == origin.as_bytes())
    });
    if fits {
        return Ok(());
    }
    let message = format!(
        "this {} is not for web pages of this origin: its operator can allow origins when making a key",
        spelled(name)
    );
    Err(Rejection::new(403, "OriginNotAllowed", message).into())
}

fn invalid_key(name: &'static str) -> Refusal {
    refused(name, "is not one of this server, or was revoked")
}

fn refused(name: &'static str, why: &str) -> Refusal {
    let message = format!("the {} {why}", spelled(name));
    challenge(name, Rejection::new(401, "InvalidClientKey", message))
}

pub(super) fn key_required(name: &'static str) -> Refusal {
    let name_shown = spelled(name);
    let message = match name {
        API_KEY => format!("these paths need an {name_shown}: ask the server's operator for one"),
        _ => format!("this server needs an {name_shown}: ask its operator for one"),
    };
    challenge(name, Rejection::new(401, "ClientKeyRequired", message))
}

/// A 401 has a challenge (RFC 9110 wants one). No browser knows the scheme, and none needs to.
fn challenge(name: &'static str, rejection: Rejection) -> Refusal {
    let challenge = format!(r#"ClientKey header="{}""#, spelled(name));
    rejection.header("WWW-Authenticate", challenge).into()
}

/// A header as people write it.
fn spelled(name: &'static str) -> &'static str {
    match name {
        API_KEY => "X-API-Key",
        _ => "X-Client-Key",
    }
}
