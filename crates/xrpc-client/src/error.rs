//! Why a request has no answer.

use std::error::Error as StdError;
use std::io;
use std::time::Duration;

use crate::dns::LookupFailed;
use crate::guard::{Blocked, UrlRefusal};

type Source = Box<dyn StdError + Send + Sync>;

/// Why a request has no answer. No message holds a body, a header or the URL's query.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The URL may not be requested.
    #[error("the URL is refused")]
    Url(#[source] UrlRefusal),
    /// The name resolves to an address that may not be reached.
    #[error("the host `{host}` is refused")]
    Blocked {
        /// The URL's host.
        host: String,
        /// Which address, and why.
        #[source]
        source: Blocked,
    },
    /// The name does not resolve.
    #[error("the host `{host}` cannot be found")]
    Dns {
        /// The URL's host.
        host: String,
        /// What the resolver said.
        #[source]
        source: Source,
    },
    /// The deadline has passed.
    #[error("`{host}` did not answer completely within {} ms", deadline.as_millis())]
    Timeout {
        /// The URL's host.
        host: String,
        /// The deadline of the whole request.
        deadline: Duration,
    },
    /// The answer comes in too slowly.
    #[error("`{host}` sent less than {bytes} bytes within {} ms", within.as_millis())]
    Slow {
        /// The URL's host.
        host: String,
        /// How much should have come.
        bytes: usize,
        /// In which time.
        within: Duration,
    },
    /// No connection.
    #[error("cannot connect to `{host}`")]
    Connect {
        /// The URL's host.
        host: String,
        /// Why not.
        #[source]
        source: Source,
    },
    /// The other side's certificate or its TLS is not acceptable.
    #[error("`{host}` is not trusted")]
    Tls {
        /// The URL's host.
        host: String,
        /// What is wrong.
        #[source]
        source: Source,
    },
    /// The answer is larger than the limit.
    #[error("the answer of `{host}` is larger than {limit} bytes")]
    TooLarge {
        /// The URL's host.
        host: String,
        /// The limit in bytes, after decompression.
        limit: usize,
    },
    /// The exchange broke off, or was not HTTP.
    #[error("the exchange with `{host}` failed")]
    Exchange {
        /// The URL's host.
        host: String,
        /// What happened.
        #[source]
        source: Source,
    },
}

/// Why there is no client.
#[derive(Debug, thiserror::Error)]
#[error("cannot set up the HTTP client")]
pub struct BuildError(#[source] pub(crate) Source);

impl ClientError {
    /// A short name for logs and metrics.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Url(_) => "invalid_url",
            Self::Blocked { .. } => "blocked_address",
            Self::Dns { .. } => "dns",
            Self::Timeout { .. } => "timeout",
            Self::Slow { .. } => "slow",
            Self::Connect { .. } => "connect",
            Self::Tls { .. } => "tls",
            Self::TooLarge { .. } => "too_large",
            Self::Exchange { .. } => "exchange",
        }
    }

    /// Whether the target itself is refused, so that trying again does not help.
    pub fn is_refused(&self) -> bool {
        matches!(self, Self::Url(_) | Self::Blocked { .. })
    }

    pub(crate) fn from_reqwest(error: reqwest::Error, host: &str, deadline: Duration) -> Self {
        let host = host.to_owned();
        if error.is_timeout() {
            return Self::Timeout { host, deadline };
        }
        if let Some(refusal) = find::<UrlRefusal>(&error) {
            return Self::Url(refusal.clone());
        }
        if let Some(&source) = find::<Blocked>(&error) {
            return Self::Blocked { host, source };
        }
        let is_dns = find::<LookupFailed>(&error).is_some();
        let is_tls = find::<rustls::Error>(&error).is_some();
        let is_connect = error.is_connect();
        let source: Source = Box::new(error.without_url());
        match (is_dns, is_tls, is_connect) {
            (true, ..) => Self::Dns { host, source },
            (_, true, _) => Self::Tls { host, source },
            (_, _, true) => Self::Connect { host, source },
            _ => Self::Exchange { host, source },
        }
    }
}

/// The first cause of this type.
fn find<'a, T: StdError + 'static>(error: &'a (dyn StdError + 'static)) -> Option<&'a T> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref() {
            return Some(found);
        }
        // `io::Error` skips the error that it was made of when it is asked for its source.
        let inner = error
            .downcast_ref::<io::Error>()
            .and_then(io::Error::get_ref);
        next = match inner {
            Some(inner) => Some(inner),
            None => error.source(),
        };
    }
    None
}
