//! What a proof is for: the URL of the request as callers see it.

use std::fmt;

use url::Url;

/// A URL without query and fragment, in the normal form of the WHATWG: case of scheme and host,
/// default port, dot segments. Paths are compared as they are, a slash at the end included.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Target(Url);

/// Why a text is no target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    /// Not an absolute URL.
    #[error("not an absolute URL")]
    Url(#[source] url::ParseError),
    /// Neither `https` nor `http`.
    #[error("not an http or https URL")]
    Scheme,
    /// It names a user or has a password.
    #[error("the URL has credentials in it")]
    Credentials,
    /// The path of a request does not begin with `/`.
    #[error("the path does not begin with a slash")]
    Path,
}

impl Target {
    /// Reads a URL and drops its query and fragment.
    pub fn parse(text: &str) -> Result<Self, TargetError> {
        let mut url = Url::parse(text).map_err(TargetError::Url)?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(TargetError::Scheme);
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(TargetError::Credentials);
        }
        url.set_query(None);
        url.set_fragment(None);
        Ok(Self(url))
    }

    /// Whether a text is a URL that means this target.
    pub(super) fn is_meant_by(&self, text: &str) -> Result<bool, TargetError> {
        // Most clients write the normal form, which reads as itself.
        Ok(text == self.as_str() || Self::parse(text)? == *self)
    }

    /// The text that a proof carries as `htu`.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Target({})", self.as_str())
    }
}

/// The URL under which the world reaches this server. It is configured, since the `Host` header is
/// the caller's word and a proxy may have changed the scheme.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicUrl(String);

impl PublicUrl {
    /// Takes a URL such as `https://api.example.com`, with or without a path under which all else is.
    pub fn new(text: &str) -> Result<Self, TargetError> {
        let target = Target::parse(text)?;
        Ok(Self(target.as_str().trim_end_matches('/').to_owned()))
    }

    /// The target of a request for this path.
    pub fn target(&self, path: &str) -> Result<Target, TargetError> {
        if !path.starts_with('/') {
            return Err(TargetError::Path);
        }
        Target::parse(&format!("{}{path}", self.0))
    }
}
