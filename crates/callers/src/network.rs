//! Keys of callers from the network, for services that do not bring their own way.

use loggia_auth::MemoryReplayStore;
use loggia_identity::{CacheSettings, CachedResolver, Resolver};
use loggia_xrpc_client::{AddressGuard, BuildError, ClientSettings, GuardedClient};

use crate::{Builder, Callers, Web};

/// Where DID documents come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Network {
    /// Base URL of the directory of `did:plc`.
    pub plc_directory: String,
    /// Whether `did:web:localhost…` is somebody, and loopback is reached over plain HTTP. Never in
    /// production: anybody on the machine could be anybody.
    pub development: bool,
}

impl Default for Network {
    /// The public directory, and no development.
    fn default() -> Self {
        Self {
            plc_directory: "https://plc.directory".to_owned(),
            development: false,
        }
    }
}

impl Callers {
    /// Verifies tokens for these audiences with keys from the network. Used tokens are kept in this
    /// process's memory: several processes behind one audience need a store that they share, and
    /// [`Callers::builder`].
    ///
    /// # Errors
    /// The HTTP client cannot be made, for instance without the system's certificates.
    pub fn over_network(
        audiences: impl IntoIterator<Item = String>,
        network: &Network,
    ) -> Result<Builder, BuildError> {
        let client = GuardedClient::new(ClientSettings {
            guard: AddressGuard::new().allow_loopback(network.development),
            ..ClientSettings::default()
        })?;
        let resolver = Resolver::new(Web(client), network.plc_directory.as_str())
            .development(network.development);
        let documents = CachedResolver::new(resolver, CacheSettings::default());
        Ok(Self::builder(
            audiences,
            documents,
            MemoryReplayStore::default(),
        ))
    }
}
