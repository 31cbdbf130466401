//! What this server reaches: which addresses, through which client, and whose documents.

use loggia_callers::Web;
use loggia_identity::{CacheSettings, CachedNames, CachedResolver, NameResolver, Resolver};
use loggia_xrpc_client::{
    BuildError, ClientSettings, GuardedClient, TxtResolver, TxtSettings, TxtSetupError,
};

use crate::config::Config;
use crate::names::NameServers;
use crate::outgoing::Outgoing;

/// Finds DID documents, through the client and a cache that everybody shares.
pub type Documents = CachedResolver<Resolver<Web>>;

/// Finds handles, through the name servers, the client and a cache that everybody shares.
pub type Names = CachedNames<NameResolver<Web, NameServers>>;

/// The client that everything goes out through.
pub fn outgoing(config: &Config) -> Result<Outgoing, BuildError> {
    let settings = ClientSettings {
        guard: config.guard(),
        ..ClientSettings::default()
    };
    GuardedClient::new(settings).map(Outgoing)
}

/// Where DID documents come from.
pub fn documents(config: &Config, outgoing: &Outgoing) -> Documents {
    let resolver = Resolver::new(Web(outgoing.0.clone()), config.plc_directory.as_str())
        .development(config.is_development());
    CachedResolver::new(resolver, CacheSettings::default())
}

/// Where handles come from.
pub fn names(config: &Config, outgoing: &Outgoing) -> Result<Names, TxtSetupError> {
    let servers = NameServers(TxtResolver::from_system(TxtSettings::default())?);
    let resolver =
        NameResolver::new(Web(outgoing.0.clone()), servers).development(config.is_development());
    Ok(CachedNames::new(resolver, CacheSettings::default()))
}
