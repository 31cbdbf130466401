//! `include:`, a set of permissions that is published as a lexicon.

use std::fmt;

use loggia_syntax::Nsid;

use super::text::{Fields, Writer};
use super::{Audience, ScopeError};

/// A published set of permissions: `include:com.example.authBasic?aud=did:web:…%23feed`.
///
/// It allows nothing by itself: whoever issues tokens replaces it by what the set holds.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct IncludeScope {
    set: Nsid,
    audience: Option<Audience>,
}

impl IncludeScope {
    pub(super) fn read(text: &str) -> Result<Self, ScopeError> {
        let fields = Fields::read(text, &["nsid", "aud"])?;
        let set = Nsid::new(fields.required("nsid")?);
        let audience = fields.one("aud")?;
        Ok(Self {
            set: set.map_err(|_| ScopeError::Value { param: "nsid" })?,
            audience: audience.map(Audience::try_from).transpose()?,
        })
    }

    /// The lexicon of the set.
    pub fn set(&self) -> &Nsid {
        &self.set
    }

    /// The service for those of its `rpc` permissions that leave it open.
    pub fn audience(&self) -> Option<&Audience> {
        self.audience.as_ref()
    }

    /// Whether the set may speak of this record type or method: a set has a say only in the
    /// namespace that its own NSID stands in, and below.
    pub fn governs(&self, item: &Nsid) -> bool {
        let below = item.authority().strip_prefix(self.set.authority());
        below.is_some_and(|below| below.is_empty() || below.starts_with('.'))
    }
}

impl fmt::Display for IncludeScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut writer = Writer::new(f, "include")?;
        writer.value(self.set.as_str())?;
        match &self.audience {
            Some(audience) => writer.param("aud", audience.as_str()),
            None => Ok(()),
        }
    }
}
