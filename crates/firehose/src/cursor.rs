//! How far a consumer has come.

use jiff::Timestamp;

/// Which protocol a source speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SourceKind {
    /// Jetstream's first: JSON, positions are microseconds since 1970 and good for any instance.
    Jetstream,
    /// `network.bsky.jetstream.subscribeEvents`: positions are numbers of that instance alone.
    Jetstream2,
    /// `com.atproto.sync.subscribeRepos` of a relay or a PDS: positions are numbers of that host alone.
    Repos,
}

/// A place in a source: everything up to it is done with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// Whose numbers these are: scheme, host and path of the source, without query or credentials.
    pub source: String,
    /// The number of the last event, as the source counts.
    pub position: i64,
    /// When that event happened, as the source says: what a gap is measured from.
    pub time: Timestamp,
}

/// Events that were missed: the source no longer has them, or another took its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gap {
    /// From when on.
    pub from: Timestamp,
    /// Until when, as far as is known.
    pub to: Timestamp,
}

impl SourceKind {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Jetstream, Self::Jetstream2, Self::Repos];

    /// The name in settings.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Jetstream => "jetstream",
            Self::Jetstream2 => "jetstream-v2",
            Self::Repos => "repos",
        }
    }
}
