//! What this server reaches: which addresses, through which client, and whose documents.

use loggia_callers::Web;
use loggia_identity::{CacheSettings, CachedNames, CachedResolver, NameResolver, Resolver};
use loggia_xrpc_client::{ClientSettings, DnsClient, DnsSettings, DnsSetupError, GuardedClient};

use crate::config::Config;
use crate::names::NameServers;
use crate::outgoing::Outgoing;
use crate::serve::ServeError;

/// Finds DID documents, through the client and a cache that everybody shares.
pub type Documents = CachedResolver<Resolver<Web>>;

/// Finds handles, through the name servers, the client and a cache that everybody shares.
pub type Names = CachedNames<NameResolver<Web, NameServers>>;

/// The client that everything goes out through.
pub fn outgoing(config: &Config) -> Result<Outgoing, ServeError> {
    let names = match config.name_server {
        Some(_) => loggia_xrpc_client::Names::by(dns(config)?),
        None => loggia_xrpc_client::Names::default(),
    };
    let settings = ClientSettings {
        guard: config.guard(),
        names,
        ..ClientSettings::default()
    };
    Ok(GuardedClient::new(settings).map(Outgoing)?)
}

/// Whoever answers for the DNS.
fn dns(config: &Config) -> Result<DnsClient, DnsSetupError> {
    match config.name_server {
        Some(server) => DnsClient::from_server(server, DnsSettings::default()),
        None => DnsClient::from_system(DnsSettings::default()),
    }
}

/// Where DID documents come from.
pub fn documents(config: &Config, outgoing: &Outgoing) -> Documents {
    let resolver = Resolver::new(Web(outgoing.0.clone()), config.plc_directory.as_str())
        .development(config.is_development());
    CachedResolver::new(resolver, CacheSettings::default())
}

/// Where handles come from.
pub fn names(config: &Config, outgoing: &Outgoing) -> Result<Names, DnsSetupError> {
    let servers = NameServers(dns(config)?);
    let resolver =
        NameResolver::new(Web(outgoing.0.clone()), servers).development(config.is_development());
    Ok(CachedNames::new(resolver, CacheSettings::default()))
}
