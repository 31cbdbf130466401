//! What name servers say: TXT records, which no function of the system gives, and addresses, where others
//! are to be asked than the system asks.
//!
//! The guard has no part in it: who is asked is the operator's choice, and addresses are checked by whoever
//! connects to them. What an answer says is anybody's, so that time and size are bounded.

use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use hickory_resolver::config::{
    ConnectionConfig, NameServerConfig, ResolveHosts, ResolverConfig, ResolverOpts,
};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::net::{DnsError, NetError};
use hickory_resolver::proto::op::ResponseCode;
use hickory_resolver::proto::rr::{Name, RData};
use hickory_resolver::{Resolver, ResolverBuilder, TokioResolver};
use tokio::sync::Semaphore;

use crate::dns::{Found, Lookup};

/// Addresses of one host that are looked at.
const ADDRESSES: usize = 32;

/// How look-ups behave.
#[derive(Clone, Debug)]
pub struct DnsSettings {
    /// The deadline of one look-up, with its retries and the wait for a place. 5 s.
    pub deadline: Duration,
    /// How long one name server may take before it, or the next, is asked again. 2 s.
    pub patience: Duration,
    /// The most look-ups at once; more wait within their deadline. 64.
    pub lookups: usize,
    /// The longest answer, in bytes of text over all records. 8 KiB: a name has a dozen records of
    /// other services beside the one that is wanted.
    pub answer: usize,
}

impl Default for DnsSettings {
    fn default() -> Self {
        Self {
            deadline: Duration::from_secs(5),
            patience: Duration::from_secs(2),
            lookups: 64,
            answer: 8 * 1024,
        }
    }
}

/// Asks name servers. It remembers nothing: a cache goes around it. Cheap to clone.
#[derive(Clone)]
pub struct DnsClient {
    dns: TokioResolver,
    lookups: Arc<Semaphore>,
    settings: DnsSettings,
}

/// Why there are no records to be had.
#[derive(Debug, thiserror::Error)]
pub enum TxtLookupError {
    /// Not a name of the DNS.
    #[error("the name is not one of the DNS")]
    Name(#[source] Source),
    /// The deadline has passed.
    #[error("no name server answered within {} ms", deadline.as_millis())]
    Timeout {
        /// The deadline of the whole look-up.
        deadline: Duration,
    },
    /// The records are longer than allowed.
    #[error("the TXT records are longer than {limit} bytes")]
    TooLarge {
        /// The limit in bytes.
        limit: usize,
    },
    /// The name servers failed, or cannot be reached.
    #[error("the name servers gave no answer")]
    Failed(#[source] Source),
}

/// Why nothing can be looked up here.
#[derive(Debug, thiserror::Error)]
#[error("the system names no name server (see /etc/resolv.conf)")]
pub struct DnsSetupError(#[source] Source);

type Source = Box<dyn std::error::Error + Send + Sync>;

impl DnsClient {
    /// Asks the name servers of the system's configuration, which is read now.
    pub fn from_system(settings: DnsSettings) -> Result<Self, DnsSetupError> {
        let builder =
            TokioResolver::builder_tokio().map_err(|error| DnsSetupError(error.into()))?;
        Self::build(builder, settings)
    }

    /// Asks one name server alone, e.g. on this machine.
    pub fn from_server(server: SocketAddr, settings: DnsSettings) -> Result<Self, DnsSetupError> {
        let connections = [ConnectionConfig::udp(), ConnectionConfig::tcp()];
        let connections = connections.map(|mut connection| {
            connection.port = server.port();
            connection
        });
        let server = NameServerConfig::new(server.ip(), true, connections.into());
        let config = ResolverConfig::from_name_servers(vec![server]);
        let provider = TokioRuntimeProvider::default();
        Self::build(Resolver::builder_with_config(config, provider), settings)
    }

    fn build(
        builder: ResolverBuilder<TokioRuntimeProvider>,
        settings: DnsSettings,
    ) -> Result<Self, DnsSetupError> {
        let mut options = ResolverOpts::default();
        options.timeout = settings.patience;
        options.attempts = 1;
        options.cache_size = 0;
        options.use_hosts_file = ResolveHosts::Never;
        let dns = builder.with_options(options).build();
        Ok(Self {
            dns: dns.map_err(|error| DnsSetupError(error.into()))?,
            lookups: Arc::new(Semaphore::new(settings.lookups)),
            settings,
        })
    }

    /// The addresses of a host, at most [`ADDRESSES`]; none if it has none.
    async fn addresses(&self, host: &str) -> io::Result<Vec<IpAddr>> {
        let deadline = self.settings.deadline;
        let mut name = Name::from_ascii(host).map_err(io::Error::other)?;
        name.set_fqdn(true);
        let look_up = async {
            let _place = self.lookups.acquire().await.map_err(io::Error::other)?;
            match self.dns.lookup_ip(name).await {
                Ok(found) => Ok(found.iter().take(ADDRESSES).collect()),
                Err(error) if is_absence(&error) => Ok(Vec::new()),
                Err(error) => Err(io::Error::other(error)),
            }
        };
        tokio::time::timeout(deadline, look_up).await?
    }

    /// The text of each TXT record of exactly this name; none if there is no such name. The strings
    /// of one record are joined. Records that are no UTF-8 are left out.
    pub async fn look_up(&self, name: &str) -> Result<Vec<String>, TxtLookupError> {
        let deadline = self.settings.deadline;
        let mut name =
            Name::from_ascii(name).map_err(|error| TxtLookupError::Name(error.into()))?;
        // No search list: the name is whole.
        name.set_fqdn(true);
        tokio::time::timeout(deadline, self.records(name))
            .await
            .unwrap_or(Err(TxtLookupError::Timeout { deadline }))
    }

    async fn records(&self, name: Name) -> Result<Vec<String>, TxtLookupError> {
        let closed = |error| TxtLookupError::Failed(Box::new(io::Error::other(error)));
        let _place = self.lookups.acquire().await.map_err(closed)?;
        let answer = match self.dns.txt_lookup(name).await {
            Ok(answer) => answer,
            Err(error) if is_absence(&error) => return Ok(Vec::new()),
            Err(error) => return Err(TxtLookupError::Failed(error.into())),
        };
        let limit = self.settings.answer;
        let mut length = 0;
        let mut records = Vec::new();
        for record in answer.answers() {
            let RData::TXT(text) = &record.data else {
                continue;
            };
            length += text.txt_data.iter().map(|part| part.len()).sum::<usize>();
            if length > limit {
                return Err(TxtLookupError::TooLarge { limit });
            }
            records.extend(String::from_utf8(text.txt_data.concat()).ok());
        }
        Ok(records)
    }
}

impl Lookup for DnsClient {
    fn lookup<'a>(&'a self, name: &'a str) -> Found<'a> {
        Box::pin(self.addresses(name))
    }
}

/// That there is no such name, or no such record. A server that refuses to say is another matter.
fn is_absence(error: &NetError) -> bool {
    match error {
        NetError::Dns(DnsError::NoRecordsFound(nothing)) => matches!(
            nothing.response_code,
            ResponseCode::NXDomain | ResponseCode::NoError
        ),
        _ => false,
    }
}

impl fmt::Debug for DnsClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("DnsClient").field(&self.settings).finish()
    }
}
