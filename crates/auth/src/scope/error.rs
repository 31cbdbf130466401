//! How scopes say no.

/// Why a text is no scope. No message holds the text: it may be anybody's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ScopeError {
    /// Neither `atproto`, nor `transition:…`, nor of a family that is known here.
    #[error("the scope is of no known family")]
    Family,
    /// A `%` without two hexadecimal digits, or bytes that are no UTF-8.
    #[error("the scope is not percent-encoded UTF-8")]
    Encoding,
    /// A parameter that the family does not have. A restriction that is not understood cannot be
    /// kept, so that the whole scope counts for nothing.
    #[error("the scope has a parameter that its family does not have")]
    Unknown,
    /// A parameter that the family must have is absent.
    #[error("the scope has no `{param}`")]
    Missing {
        /// Which one.
        param: &'static str,
    },
    /// A parameter is there twice that may be there once, or both after the colon and by its name.
    #[error("the scope has several `{param}`")]
    Repeated {
        /// Which one.
        param: &'static str,
    },
    /// A parameter has a value that it cannot have.
    #[error("the scope's `{param}` has a value that is not valid")]
    Value {
        /// Which one.
        param: &'static str,
    },
    /// `rpc` for every method of every service.
    #[error("a scope may not allow every method of every service")]
    Everything,
}

/// The claim is longer than any real one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the scopes have {length} bytes, more than {limit}")]
pub struct ScopesTooLong {
    /// How long the claim is.
    pub length: usize,
    /// How long it may be.
    pub limit: usize,
}

/// The token does not allow what the method needs. Status, name and message are those of the
/// reference implementation.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("Missing required scope \"{scope}\"")]
pub struct ScopeMissing {
    scope: String,
}

impl ScopeMissing {
    pub(super) fn new(scope: String) -> Self {
        Self { scope }
    }

    /// The narrowest scope that would have been enough, canonical.
    pub fn scope(&self) -> &str {
        &self.scope
    }

    /// The HTTP status.
    pub fn status(&self) -> u16 {
        403
    }

    /// The error name on the wire.
    pub fn name(&self) -> &'static str {
        "ScopeMissingError"
    }
}
