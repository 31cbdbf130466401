//! Keys of callers from the network, for services that do not bring their own way.

use loggia_auth::access_token::{JwksAccessTokens, Terms};
use loggia_auth::dpop::PublicUrl;
use loggia_auth::jwk::{RemoteKeys, RemoteKeysSettings};
use loggia_auth::space_credential::{MemoryRevocations, Profiles};
use loggia_auth::{AccessTokens, DpopAccess, MemoryReplayStore, Nonces, SpaceCredentials};
use loggia_identity::{CacheSettings, CachedResolver, Resolver};
use loggia_xrpc_client::{AddressGuard, BuildError, ClientSettings, GuardedClient};

use crate::{Builder, Callers, Web};

/// Where DID documents and keys come from, and whose word is taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Network {
    /// Base URL of the directory of `did:plc`.
    pub plc_directory: String,
    /// Whether `did:web:localhost…` is somebody, and loopback is reached over plain HTTP. Never in
    /// production: anybody on the machine could be anybody.
    pub development: bool,
    /// The URL under which callers reach the service, which the proofs of apps and readers are for.
    /// Without it, service auth is all that is taken; with it, space credentials of October 2026 are
    /// taken as well, and the access tokens of `issuers`.
    pub public_url: Option<PublicUrl>,
    /// Issuers whose access tokens are taken. What one says is worth as much as whoever runs it: it
    /// can speak for every account.
    pub issuers: Vec<Issuer>,
}

/// An issuer of access tokens, for the first of a service's audiences.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issuer {
    /// Its URL, exactly as in `iss`.
    pub url: String,
    /// Where its keys are (RFC 7517).
    pub keys: String,
}

/// Why callers cannot be proved over the network.
#[derive(Debug, thiserror::Error)]
pub enum NetworkError {
    /// The HTTP client, for instance without the system's certificates.
    #[error("the HTTP client cannot be made")]
    Client(#[from] BuildError),
    /// The secret behind nonces.
    #[error("the system gave no random bytes")]
    Random,
    /// Issuers without an audience or a public URL.
    #[error("access tokens need an audience that they are for, and a public URL")]
    Issuers,
}

impl Default for Network {
    /// The public directory, service auth alone, and no development.
    fn default() -> Self {
        Self {
            plc_directory: "https://plc.directory".to_owned(),
            development: false,
            public_url: None,
            issuers: Vec::new(),
        }
    }
}

impl Callers {
    /// Verifies what callers show for these audiences with keys from the network. Used tokens are kept
    /// in this process's memory: several processes behind one audience need a store that they share,
    /// and [`Callers::builder`]. No revocation of a space credential is known here: one is good until
    /// it ends, within the hour.
    ///
    /// # Errors
    /// The HTTP client cannot be made, or issuers are named without what their tokens need.
    pub fn over_network(
        audiences: impl IntoIterator<Item = String>,
        network: &Network,
    ) -> Result<Builder, NetworkError> {
        let audiences: Vec<String> = audiences.into_iter().collect();
        let client = GuardedClient::new(ClientSettings {
            guard: AddressGuard::new().allow_loopback(network.development),
            ..ClientSettings::default()
        })?;
        let documents = || {
            let resolver = Resolver::new(Web(client.clone()), network.plc_directory.as_str())
                .development(network.development);
            CachedResolver::new(resolver, CacheSettings::default())
        };
        let first = audiences.first().cloned();
        let builder = Self::builder(audiences, documents(), MemoryReplayStore::default());
        let Some(url) = &network.public_url else {
            return match network.issuers.is_empty() {
                true => Ok(builder),
                false => Err(NetworkError::Issuers),
            };
        };
        let credentials = SpaceCredentials::new(
            documents(),
            MemoryRevocations::default(),
            MemoryReplayStore::default(),
            Profiles::default(),
        );
        let builder = builder.space_credentials(credentials, url.clone());
        if network.issuers.is_empty() {
            return Ok(builder);
        }
        let audience = first.ok_or(NetworkError::Issuers)?;
        let nonces = Nonces::by_chance().ok_or(NetworkError::Random)?;
        let tokens = access_tokens(&network.issuers, &audience, &client);
        let access = DpopAccess::new(tokens, MemoryReplayStore::default(), nonces);
        Ok(builder.access_tokens(access, url.clone()))
    }
}

fn access_tokens(issuers: &[Issuer], audience: &str, client: &GuardedClient) -> AccessTokens {
    issuers.iter().fold(AccessTokens::new(), |tokens, issuer| {
        let settings = RemoteKeysSettings::default();
        let keys = RemoteKeys::new(Web(client.clone()), &*issuer.keys, settings);
        tokens.with(JwksAccessTokens::new(
            Terms::new(&issuer.url, audience),
            keys,
        ))
    })
}
