//! String formats by name.

use std::fmt;

use crate::{
    AtIdentifier, AtUri, Cid, Datetime, Did, Handle, Language, Nsid, RecordKey, SpaceRef,
    SyntaxError, Tid, Uri,
};

/// A string format of the lexicon language.
///
/// Source: Lexicon specification, "String Formats"; `space-ref` from the permissioned-data
/// proposal (0016).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Format {
    /// `at-identifier`
    AtIdentifier,
    /// `at-uri`
    AtUri,
    /// `cid`
    Cid,
    /// `datetime`
    Datetime,
    /// `did`
    Did,
    /// `handle`
    Handle,
    /// `language`
    Language,
    /// `nsid`
    Nsid,
    /// `record-key`
    RecordKey,
    /// `space-ref`
    SpaceRef,
    /// `tid`
    Tid,
    /// `uri`
    Uri,
}

impl Format {
    /// Every format.
    pub const ALL: [Self; 12] = [
        Self::AtIdentifier,
        Self::AtUri,
        Self::Cid,
        Self::Datetime,
        Self::Did,
        Self::Handle,
        Self::Language,
        Self::Nsid,
        Self::RecordKey,
        Self::SpaceRef,
        Self::Tid,
        Self::Uri,
    ];

    /// The format of this name in a lexicon, if we know it.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.name() == name)
    }

    /// The name in a lexicon.
    pub const fn name(self) -> &'static str {
        match self {
            Self::AtIdentifier => "at-identifier",
            Self::AtUri => "at-uri",
            Self::Cid => "cid",
            Self::Datetime => "datetime",
            Self::Did => "did",
            Self::Handle => "handle",
            Self::Language => "language",
            Self::Nsid => "nsid",
            Self::RecordKey => "record-key",
            Self::SpaceRef => "space-ref",
            Self::Tid => "tid",
            Self::Uri => "uri",
        }
    }

    /// Whether the text is of this format. Never allocates.
    pub fn check(self, text: &str) -> Result<(), SyntaxError> {
        match self {
            Self::AtIdentifier => AtIdentifier::check(text),
            Self::AtUri => AtUri::check(text),
            Self::Cid => Cid::check(text),
            Self::Datetime => Datetime::check(text),
            Self::Did => Did::check(text),
            Self::Handle => Handle::check(text),
            Self::Language => Language::check(text),
            Self::Nsid => Nsid::check(text),
            Self::RecordKey => RecordKey::check(text),
            Self::SpaceRef => SpaceRef::check(text),
            Self::Tid => Tid::check(text),
            Self::Uri => Uri::check(text),
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
