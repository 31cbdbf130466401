//! Why a name stands for no DID.

use std::sync::Arc;
use std::time::Duration;

use super::Name;
use crate::{FetchError, TxtError};

/// Why a name has no DID for us.
#[derive(Clone, Debug, thiserror::Error)]
#[error("cannot resolve the {name}")]
pub struct NameError {
    /// Which name.
    pub name: Name,
    /// Why not.
    #[source]
    pub kind: NameErrorKind,
}

/// What went wrong while resolving a name.
#[derive(Clone, Debug, thiserror::Error)]
pub enum NameErrorKind {
    /// A name that nobody can own.
    #[error("names under `.{0}` are never resolved; use a registered domain")]
    Reserved(&'static str),
    /// Its owner has published nothing.
    #[error(
        "no DID is published; add a TXT record `{txt}` with the text `did=DID`{}",
        or_file(file.as_deref())
    )]
    Unpublished {
        /// Where the record belongs.
        txt: String,
        /// Where the file belongs.
        file: Option<String>,
    },
    /// Several records with several DIDs; none is to be trusted.
    #[error("the TXT records of `{txt}` hold several DIDs; leave one")]
    Ambiguous {
        /// Where the records are.
        txt: String,
    },
    /// What is published is no DID.
    #[error("{place} holds no valid DID{}", after_file(place))]
    Malformed {
        /// The TXT record or the file.
        place: String,
    },
    /// The web server answered with an error.
    #[error("{file} had HTTP status {status}; it must be served with 200 and without redirects")]
    Status {
        /// Where the file belongs.
        file: String,
        /// HTTP status.
        status: u16,
    },
    /// The DNS gave no answer.
    #[error("the TXT records of `{txt}` could not be looked up; see whether its name servers work")]
    Txt {
        /// Where the records are.
        txt: String,
        /// What happened.
        #[source]
        source: Arc<TxtError>,
    },
    /// The web server gave no answer, and there is no record either.
    #[error("there is no TXT record, and {file} could not be fetched; publish one of the two")]
    Fetch {
        /// Where the file belongs.
        file: String,
        /// What happened.
        #[source]
        source: Arc<FetchError>,
    },
    /// Too many resolutions are under way.
    #[error("too many names are being resolved; try again in a few seconds")]
    Busy,
    /// The task that resolved it ended without an answer.
    #[error("the resolution was interrupted; try again")]
    Interrupted,
    /// It was given up.
    #[error("the resolution took longer than {} ms", .0.as_millis())]
    Late(Duration),
}

impl NameError {
    pub(crate) fn new(name: &Name, kind: NameErrorKind) -> Self {
        Self {
            name: name.clone(),
            kind,
        }
    }

    /// Whether trying again later may help: the fault is on the way, not in the name.
    pub fn is_transient(&self) -> bool {
        match &self.kind {
            NameErrorKind::Status { status, .. } => matches!(status, 408 | 425 | 429 | 500..),
            NameErrorKind::Txt { source, .. } => matches!(**source, TxtError::Failed(_)),
            NameErrorKind::Fetch { source, .. } => matches!(**source, FetchError::Failed(_)),
            NameErrorKind::Busy | NameErrorKind::Interrupted | NameErrorKind::Late(_) => true,
            NameErrorKind::Reserved(_)
            | NameErrorKind::Unpublished { .. }
            | NameErrorKind::Ambiguous { .. }
            | NameErrorKind::Malformed { .. } => false,
        }
    }
}

fn or_file(file: Option<&str>) -> String {
    file.map(|file| format!(", or put the DID at {file}"))
        .unwrap_or_default()
}

fn after_file(place: &str) -> &'static str {
    if place.starts_with("https:") {
        "; it must be the DID alone, as plain text"
    } else {
        "; its text must be `did=` and the DID"
    }
}
