//! Clients of the API, which say who they are with an `X-Client-Key`.
//!
//! A key names an app, never an account: it limits and attributes calls, and proves nothing about
//! whoever uses the app.

mod gate;
mod key;

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use axum::extract::{FromRequestParts, OptionalFromRequestParts};
use axum::http::request::Parts;
use loggia_storage::ApiClientId;
use loggia_xrpc_server::{CallerKey, Quota, Refusal};

pub use gate::ClientGate;
pub use key::{ClientKey, InvalidOrigin, read_origin};

/// The header that carries a key.
pub const HEADER: &str = "x-client-key";

/// The header that carries it in calls of clients of Hapnd.
pub const API_KEY: &str = "x-api-key";

/// Whether clients must say who they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientKeys {
    /// Keys are not looked at.
    Off,
    /// A key that is sent must be good.
    Optional,
    /// Every call of a method needs a key. Other servers have none: what they call is closed to them.
    Required,
}

/// A text that says none of the three.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be off, optional or required")]
pub struct UnknownClientKeys;

impl ClientKeys {
    const ALL: [Self; 3] = [Self::Off, Self::Optional, Self::Required];

    fn as_str(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Optional => "optional",
            Self::Required => "required",
        }
    }
}

impl FromStr for ClientKeys {
    type Err = UnknownClientKeys;

    fn from_str(text: &str) -> Result<Self, UnknownClientKeys> {
        let mut all = Self::ALL.into_iter();
        all.find(|one| one.as_str() == text)
            .ok_or(UnknownClientKeys)
    }
}

impl fmt::Display for ClientKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The client that calls. As an argument of a handler it demands one; `Option<ApiClient>` takes
/// calls without a key as well.
#[derive(Clone, Debug)]
pub struct ApiClient(Arc<loggia_storage::ApiClient>);

impl ApiClient {
    /// Which client.
    pub fn id(&self) -> ApiClientId {
        self.0.id
    }

    /// How many calls a minute it has, if it has a number of its own.
    pub fn requests_per_minute(&self) -> Option<u32> {
        self.0.requests_per_minute
    }

    /// What its calls are counted against, if it has a number of its own.
    pub fn quota(&self) -> Option<Quota> {
        Some(Quota {
            caller: CallerKey::Name(self.id().to_string().into()),
            per_minute: self.requests_per_minute()?,
        })
    }

    /// What its operator calls it.
    pub fn name(&self) -> &str {
        &self.0.name
    }
}

impl<S: Sync> FromRequestParts<S> for ApiClient {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Refusal> {
        let client = parts.extensions.get::<Self>().cloned();
        client.ok_or_else(|| gate::key_required(HEADER))
    }
}

impl<S: Sync> OptionalFromRequestParts<S> for ApiClient {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Option<Self>, Refusal> {
        Ok(parts.extensions.get::<Self>().cloned())
    }
}
