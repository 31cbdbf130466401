//! Name resolution that hands out only addresses that were checked.

use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::pin::Pin;
use std::sync::Arc;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use tokio::sync::Semaphore;

use crate::AddressGuard;
use crate::guard::{Blocked, LOOPBACK, UrlRefusal, is_localhost};

/// The most lookups at once. The system's resolver blocks a thread for as long as a slow name
/// server takes; further lookups wait within their request's deadline.
const LOOKUPS: usize = 64;

/// The name could not be resolved.
#[derive(Debug, thiserror::Error)]
#[error("the name does not resolve")]
pub(crate) struct LookupFailed(#[source] pub(crate) io::Error);

/// The addresses of a name, some time from now.
pub type Found<'a> = Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send + 'a>>;

/// How names become addresses. Whatever comes out is checked, and what was checked is what is
/// connected to: nothing resolves a name a second time.
pub trait Lookup: Send + Sync + 'static {
    /// The addresses of a host name as it stands in a URL; none, or an error, if there are none.
    fn lookup<'a>(&'a self, name: &'a str) -> Found<'a>;
}

/// The [`Lookup`] of a client.
#[derive(Clone)]
pub struct Names(Arc<dyn Lookup>);

impl Names {
    /// Resolves names in this way.
    pub fn by(lookup: impl Lookup) -> Self {
        Self(Arc::new(lookup))
    }
}

impl Default for Names {
    /// As the system does.
    fn default() -> Self {
        Self::by(System {
            lookups: Arc::new(Semaphore::new(LOOKUPS)),
        })
    }
}

impl fmt::Debug for Names {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Names")
    }
}

/// Refuses a name of which *any* address is not allowed: a name with one public and one private
/// address is an attack, not a mistake.
#[derive(Clone)]
pub(crate) struct GuardedDns {
    guard: Arc<AddressGuard>,
    names: Names,
}

impl GuardedDns {
    pub(crate) fn new(guard: Arc<AddressGuard>, names: Names) -> Self {
        Self { guard, names }
    }
}

/// Why a name has no address that may be reached.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ResolveError {
    /// It names this machine.
    #[error(transparent)]
    Refused(UrlRefusal),
    /// One of its addresses may not be reached.
    #[error(transparent)]
    Blocked(#[from] Blocked),
    /// It has none.
    #[error(transparent)]
    Lookup(LookupFailed),
}

impl GuardedDns {
    /// The addresses of a name, all of them checked.
    pub(crate) async fn addresses(&self, name: &str) -> Result<Vec<IpAddr>, ResolveError> {
        // Names of this machine are never asked of a name server.
        if is_localhost(name) {
            return match self.guard.allows_loopback() {
                true => Ok(LOOPBACK.to_vec()),
                false => Err(ResolveError::Refused(UrlRefusal::Loopback)),
            };
        }
        let failed = |error| ResolveError::Lookup(LookupFailed(error));
        let addresses = self.names.0.lookup(name).await.map_err(failed)?;
        if addresses.is_empty() {
            return Err(failed(io::ErrorKind::NotFound.into()));
        }
        for address in &addresses {
            self.guard.check(*address)?;
        }
        Ok(addresses)
    }
}

impl Resolve for GuardedDns {
    fn resolve(&self, name: Name) -> Resolving {
        let dns = self.clone();
        Box::pin(async move {
            match dns.addresses(name.as_str()).await {
                Ok(addresses) => Ok(with_port(addresses)),
                // As they are, so that the causes of the client's error can be told apart.
                Err(ResolveError::Refused(refusal)) => Err(refusal.into()),
                Err(ResolveError::Blocked(blocked)) => Err(blocked.into()),
                Err(ResolveError::Lookup(failed)) => Err(failed.into()),
            }
        })
    }
}

/// The system's resolver.
struct System {
    lookups: Arc<Semaphore>,
}

impl Lookup for System {
    fn lookup<'a>(&'a self, name: &'a str) -> Found<'a> {
        Box::pin(async move {
            let permit = self.lookups.clone().acquire_owned().await;
            let (permit, name) = (permit.map_err(io::Error::other)?, name.to_owned());
            let found = tokio::task::spawn_blocking(move || {
                // The thread outlives a request that is given up, and so must its permit.
                let _permit = permit;
                let found = (name.as_str(), 0).to_socket_addrs()?;
                Ok(found.map(|each| each.ip()).collect())
            });
            found.await.map_err(io::Error::other)?
        })
    }
}

/// Port 0 stands for the port of the URL.
fn with_port(addresses: Vec<IpAddr>) -> Addrs {
    Box::new(
        addresses
            .into_iter()
            .map(|address| SocketAddr::new(address, 0)),
    )
}
