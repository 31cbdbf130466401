//! Name resolution that hands out only addresses that were checked.

use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::sync::Arc;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use tokio::sync::Semaphore;

use crate::AddressGuard;
use crate::guard::{LOOPBACK, UrlRefusal, is_localhost};

/// The most lookups at once. The system's resolver blocks a thread for as long as a slow name
/// server takes; further lookups wait within their request's deadline.
const LOOKUPS: usize = 64;

/// The name could not be resolved.
#[derive(Debug, thiserror::Error)]
#[error("the name does not resolve")]
pub(crate) struct LookupFailed(#[source] pub(crate) io::Error);

/// Resolves by the system and refuses a name of which *any* address is not allowed: a name with
/// one public and one private address is an attack, not a mistake.
#[derive(Clone)]
pub(crate) struct GuardedDns {
    guard: Arc<AddressGuard>,
    lookups: Arc<Semaphore>,
}

impl GuardedDns {
    pub(crate) fn new(guard: Arc<AddressGuard>) -> Self {
        Self {
            guard,
            lookups: Arc::new(Semaphore::new(LOOKUPS)),
        }
    }
}

impl Resolve for GuardedDns {
    fn resolve(&self, name: Name) -> Resolving {
        let Self { guard, lookups } = self.clone();
        Box::pin(async move {
            if is_localhost(name.as_str()) {
                return loopback(&guard);
            }
            let addresses = lookup(name.as_str().to_owned(), lookups).await?;
            for address in &addresses {
                guard.check(*address)?;
            }
            Ok(with_port(addresses))
        })
    }
}

/// Names of this machine are never asked of a name server.
fn loopback(guard: &AddressGuard) -> Result<Addrs, Box<dyn std::error::Error + Send + Sync>> {
    if guard.allows_loopback() {
        Ok(with_port(LOOPBACK.to_vec()))
    } else {
        Err(UrlRefusal::Loopback.into())
    }
}

async fn lookup(name: String, lookups: Arc<Semaphore>) -> Result<Vec<IpAddr>, LookupFailed> {
    let closed = |error| LookupFailed(io::Error::other(error));
    let permit = lookups.acquire_owned().await.map_err(closed)?;
    let found = tokio::task::spawn_blocking(move || {
        // The thread outlives a request that is given up, and so must its permit.
        let _permit = permit;
        (name.as_str(), 0)
            .to_socket_addrs()
            .map(|found| found.map(|each| each.ip()).collect())
    });
    let found: Vec<IpAddr> = found
        .await
        .map_err(|error| LookupFailed(io::Error::other(error)))?
        .map_err(LookupFailed)?;
    if found.is_empty() {
        return Err(LookupFailed(io::ErrorKind::NotFound.into()));
    }
    Ok(found)
}

/// Port 0 stands for the port of the URL.
fn with_port(addresses: Vec<IpAddr>) -> Addrs {
    Box::new(
        addresses
            .into_iter()
            .map(|address| SocketAddr::new(address, 0)),
    )
}
