//! Putting the login together when the server starts.

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use loggia_auth::SigningKey;
use loggia_storage::Storage;
use loggia_xrpc_server::{KeyFunction, RateLimit, RateLimiter};

use super::accounts::Accounts;
use super::cookie::Cookies;
use super::oauth::{Exchange, StoredKey};
use super::{LoginError, People, Site, grant, routes};
use crate::config::Config;
use crate::origin::Origin;
use crate::outgoing::Outgoing;
use crate::reach::{Documents, Names};

/// Steps of logins of one address in a minute, each of which makes several requests to other
/// servers. 30: a household behind one address gets through.
const STEPS_PER_MINUTE: u32 = 30;

/// Addresses that are told apart within that minute; all others share one count.
const MOST_CALLERS: usize = 65_536;

/// What the login is made of.
pub struct Parts<'a> {
    /// The settings.
    pub config: &'a Config,
    /// The master key; cookies are signed with one that is derived from it.
    pub master_key: &'a [u8; 32],
    /// Where the server listens.
    pub address: SocketAddr,
    /// Where it is reached.
    pub origin: &'a Origin,
    /// The store.
    pub storage: &'a Storage,
    /// Finds DID documents.
    pub documents: Documents,
    /// Finds handles.
    pub names: Names,
    /// Sends requests.
    pub outgoing: &'a Outgoing,
}

/// Everybody who logs in here. A published server gets its OAuth client key on the first start.
///
/// # Errors
/// The store failed, or there is no key.
pub async fn people(parts: Parts<'_>) -> Result<People, LoginError> {
    let development = parts.config.is_development();
    let site = Site::new(parts.origin, parts.address, development);
    let key = match development {
        true => None,
        false => Some(client_key(parts.storage).await?),
    };
    let handle_service = parts.config.handle_service.clone();
    let accounts = Accounts::new(
        parts.documents,
        parts.names,
        parts.outgoing.clone(),
        handle_service,
    );
    Ok(People::new(
        parts.storage.clone(),
        accounts,
        Exchange::new(parts.outgoing.0.clone()),
        Cookies::new(parts.master_key, &site),
        site,
        key,
    ))
}

/// The pages, limited for each caller that `key` tells apart.
pub fn pages(people: People, key: KeyFunction) -> Router {
    let limit = RateLimit::new(STEPS_PER_MINUTE, Duration::from_secs(60));
    let limiter = RateLimiter::new(&[limit], MOST_CALLERS, key);
    routes::router(people, limiter)
}

async fn client_key(storage: &Storage) -> Result<SigningKey, LoginError> {
    let made = grant::write(&StoredKey::of(&SigningKey::generate_p256()?))?;
    let kept = storage.login_sessions().client_key(&made).await?;
    let stored: StoredKey = grant::read(&kept)?;
    Ok(stored.read()?)
}
