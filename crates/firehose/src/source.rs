//! Where events come from.

use url::Url;

use crate::dictionary::Inflater;
use crate::{Dictionary, SourceKind, Wanted};

/// One source, which may have several hosts that say the same.
#[derive(Clone, Debug)]
pub struct Source {
    /// What an operator calls it.
    pub name: String,
    /// Which protocol its hosts speak.
    pub kind: SourceKind,
    /// Its hosts: whoever comes first is asked first, the others when it fails. At least one.
    pub hosts: Vec<SourceUrl>,
    /// Of which collections changes are wanted.
    pub wanted: Wanted,
    /// With it, [`SourceKind::Jetstream`] is asked to compress. The others cannot be.
    pub dictionary: Option<Dictionary>,
}

/// The URL of a source: `ws` or `wss`, a host and a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceUrl(Url);

/// Why a text is not the URL of a source.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SourceUrlError {
    /// Not a URL.
    #[error("not a URL")]
    Syntax(#[source] url::ParseError),
    /// Another scheme.
    #[error("the URL's scheme is neither wss nor https")]
    Scheme,
    /// No host.
    #[error("the URL names no host")]
    Host,
    /// A user name, a password, a query or a fragment: none of them is part of what a source is.
    #[error("the URL holds more than a host and a path")]
    More,
}

/// The most collections that Jetstream can be asked for.
const MOST_COLLECTIONS: usize = 100;
/// The longest URL that is asked for; with more collections than fit, all are, and what is not wanted
/// is left out here. Servers commonly take 8 KiB.
const LONGEST_URL: usize = 8192;

impl SourceUrl {
    /// Reads one. `https` and `http` stand for `wss` and `ws`; without a path it is the protocol's own.
    pub fn read(text: &str, kind: SourceKind) -> Result<Self, SourceUrlError> {
        let mut url = Url::parse(text).map_err(SourceUrlError::Syntax)?;
        let scheme = match url.scheme() {
            "wss" | "https" => "wss",
            "ws" | "http" => "ws",
            _ => return Err(SourceUrlError::Scheme),
        };
        let more = url.query().is_some()
            || url.fragment().is_some()
            || !url.username().is_empty()
            || url.password().is_some();
        if more {
            return Err(SourceUrlError::More);
        }
        if url.host_str().is_none_or(str::is_empty) {
            return Err(SourceUrlError::Host);
        }
        url.set_scheme(scheme)
            .map_err(|()| SourceUrlError::Scheme)?;
        if url.path() == "/" {
            url.set_path(kind.path());
        }
        Ok(Self(url))
    }

    /// Whose numbers its positions are: scheme, host and path.
    pub fn identity(&self) -> &str {
        self.0.as_str()
    }

    /// Its host and port, for people.
    pub fn host(&self) -> String {
        let host = self.0.host_str().unwrap_or_default();
        match self.0.port() {
            Some(port) => format!("{host}:{port}"),
            None => host.to_owned(),
        }
    }

    /// What is connected to: from a position on, of the source's collections.
    pub(crate) fn from(&self, position: Option<i64>, source: &Source) -> Url {
        let mut url = self.0.clone();
        let wanted = &source.wanted;
        if let Some(position) = position {
            url.query_pairs_mut()
                .append_pair("cursor", &position.to_string());
        }
        if source.compresses() {
            url.query_pairs_mut().append_pair("compress", "true");
        }
        let filter = match source.kind {
            SourceKind::Jetstream => "wantedCollections",
            SourceKind::Jetstream2 => "collections",
            SourceKind::Repos => return url,
        };
        if wanted.patterns().len() > MOST_COLLECTIONS {
            return url;
        }
        let mut filtered = url.clone();
        for pattern in wanted.patterns() {
            filtered.query_pairs_mut().append_pair(filter, pattern);
        }
        match filtered.as_str().len() > LONGEST_URL {
            true => url,
            false => filtered,
        }
    }
}

impl Source {
    fn compresses(&self) -> bool {
        self.kind == SourceKind::Jetstream && self.dictionary.is_some()
    }

    /// What reads the compressed frames of a connection, if any are to come.
    pub(crate) fn inflater(&self) -> Option<Inflater> {
        let dictionary = self.dictionary.as_ref().filter(|_| self.compresses());
        dictionary.and_then(Dictionary::inflater)
    }
}

impl SourceKind {
    /// Where it is served, if nothing else is said.
    pub const fn path(self) -> &'static str {
        match self {
            Self::Jetstream => "/subscribe",
            Self::Jetstream2 => "/xrpc/network.bsky.jetstream.subscribeEvents",
            Self::Repos => "/xrpc/com.atproto.sync.subscribeRepos",
        }
    }
}
