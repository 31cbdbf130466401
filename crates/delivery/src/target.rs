//! The URL that a delivery goes to.

use std::fmt;
use std::sync::Arc;

use loggia_syntax::Nsid;
use url::Url;

/// An absolute `http` or `https` URL, kept as it was given.
///
/// Whether its address may be called is the transport's affair: only at connect time is it known.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Target {
    text: Arc<str>,
    host: Arc<str>,
    url: Arc<Url>,
}

/// Why a text is no target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidTarget {
    /// It is longer than [`Target::MAX_LENGTH`] bytes.
    #[error("a URL has at most 2048 bytes")]
    TooLong,
    /// It is not a URL.
    #[error("not a URL")]
    Syntax(#[source] url::ParseError),
    /// Its scheme is neither `https` nor `http`.
    #[error("the scheme is neither `https` nor `http`")]
    Scheme,
    /// It names no host.
    #[error("the URL names no host")]
    NoHost,
    /// It has a user name or password, which would end up in logs.
    #[error("a URL must not carry a user name or password")]
    Credentials,
}

impl Target {
    /// Longer URLs are refused by enough receivers and proxies to be no use.
    pub const MAX_LENGTH: usize = 2048;

    /// Reads a URL.
    pub fn new(text: &str) -> Result<Self, InvalidTarget> {
        if text.len() > Self::MAX_LENGTH {
            return Err(InvalidTarget::TooLong);
        }
        let url = Url::parse(text).map_err(InvalidTarget::Syntax)?;
        if !matches!(url.scheme(), "https" | "http") {
            return Err(InvalidTarget::Scheme);
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(InvalidTarget::Credentials);
        }
        let host = url
            .host_str()
            .filter(|host| !host.is_empty())
            .ok_or(InvalidTarget::NoHost)?;
        let port = url.port_or_known_default().ok_or(InvalidTarget::Scheme)?;
        let host = format!("{host}:{port}").into();
        Ok(Self {
            text: text.into(),
            host,
            url: url.into(),
        })
    }

    /// The URL as it was given. Paths may hold tokens: not for logs.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The same, read.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// Host and port, normalised: what deliveries share a limit by, and what a log may say.
    pub fn host(&self) -> &Arc<str> {
        &self.host
    }

    /// The URL of a method at the service that this URL names: `<service>/xrpc/<method>`, whatever
    /// query or fragment the service's own may have.
    #[must_use]
    pub fn xrpc(&self, method: &Nsid) -> Self {
        let end = self.text.find(['?', '#']).unwrap_or(self.text.len());
        let service = self.text[..end].trim_end_matches('/');
        let mut url = Url::clone(&self.url);
        url.set_path(&[url.path().trim_end_matches('/'), "/xrpc/", method.as_str()].concat());
        url.set_query(None);
        url.set_fragment(None);
        Self {
            text: [service, "/xrpc/", method.as_str()].concat().into(),
            host: self.host.clone(),
            url: url.into(),
        }
    }

    /// Whether the scheme is `https`.
    pub fn is_secure(&self) -> bool {
        self.url.scheme() == "https"
    }
}

impl fmt::Debug for Target {
    /// The host only.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Target({}/…)", self.host)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_the_text_and_normalises_the_host() {
        let target = Target::new("https://Example.COM/a?b=c").expect("a good URL");
        assert_eq!(target.as_str(), "https://Example.COM/a?b=c");
        assert_eq!(&**target.host(), "example.com:443");
        assert_eq!(format!("{target:?}"), "Target(example.com:443/…)");
    }

    #[test]
    fn a_method_goes_below_the_service() {
        let method = Nsid::from_static("com.atproto.space.notifyWrite");
        for service in [
            "https://a.example",
            "https://a.example/",
            "https://a.example//?x=/#y",
        ] {
            let target = Target::new(service).expect("a good URL").xrpc(&method);
            assert_eq!(
                target.as_str(),
                "https://a.example/xrpc/com.atproto.space.notifyWrite"
            );
            assert!(Target::new(target.as_str()) == Ok(target));
        }
    }

    #[test]
    fn refuses_what_is_no_target() {
        let long = format!("https://a.example/{}", "x".repeat(2048));
        for text in [
            "",
            "foo",
            "ftp://x",
            "https://",
            "https://u:p@a.example/",
            "mailto:a@b",
            &long,
        ] {
            assert!(Target::new(text).is_err(), "{text}");
        }
    }
}
