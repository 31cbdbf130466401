//! Lexicons that are not known here, as their authorities publish them: for records that accounts write in
//! collections of others. Asked for only where the settings allow it.
//!
//! What is published counts for as long as it can be had. A lexicon that leads to another that cannot be
//! is of no use, and its records are those of an unknown one: nobody is refused because a stranger's host
//! is down.

mod published;

use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use jiff::Timestamp;
use loggia_identity::{Cache, CacheFailure, CacheKey, CacheSettings};
use loggia_lexicon::catalog::Catalog;
use loggia_lexicon::document::Document;
use loggia_lexicon::validate::Validator;
use loggia_syntax::Nsid;

use crate::lexicons::Lexicons;

pub(crate) use published::Published;

/// Documents of one lexicon with all that it leads to.
const MOST_DOCUMENTS: usize = 32;
/// Lexicons that are looked up for one call.
const MOST_FOR_A_CALL: usize = 8;
/// How long somebody who writes waits. What comes later is there for the next one.
const PATIENCE: Duration = Duration::from_secs(5);

/// Who knows what is published.
pub(crate) trait Publications: Send + Sync + 'static {
    /// The document that is published under this name.
    fn find<'a>(&'a self, nsid: &'a Nsid, now: Timestamp) -> Finding<'a>;
}

/// What [`Publications::find`] answers.
pub(crate) type Finding<'a> =
    Pin<Box<dyn Future<Output = Result<Document, Unpublished>> + Send + 'a>>;

/// Why a lexicon cannot be had.
#[derive(Clone, Debug, thiserror::Error)]
#[error("the lexicon {nsid} cannot be had: {why}")]
pub(crate) struct Unpublished {
    nsid: Nsid,
    why: Arc<str>,
    is_transient: bool,
}

/// A lexicon by its name, as the key of a cache.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Name(Nsid);

/// Finds lexicons and remembers them. Cheap to clone.
#[derive(Clone)]
pub(crate) struct LexiconNetwork {
    publications: Arc<dyn Publications>,
    built_in: Lexicons,
    known: Cache<Name, Validator, Unpublished>,
}

impl LexiconNetwork {
    /// What is published, and not known already. Nothing is remembered yet.
    pub(crate) fn new(publications: Arc<dyn Publications>, built_in: Lexicons) -> Self {
        let settings = CacheSettings {
            // A program of a lexicon has some 10 KB.
            entries: 1_000,
            flights: 16,
            flights_of_a_host: 2,
            remember_absence: Duration::from_secs(600),
            remember_failure: Duration::from_secs(60),
            ..CacheSettings::default()
        };
        Self {
            publications,
            built_in,
            known: Cache::new(settings),
        }
    }

    /// What validates records of these collections, of as many as can be had.
    pub(crate) async fn validators(
        &self,
        collections: BTreeSet<&Nsid>,
        now: Timestamp,
    ) -> HashMap<Nsid, Validator> {
        let known = self.built_in.catalog();
        let unknown = collections
            .into_iter()
            .filter(|nsid| known.document(nsid.as_str()).is_none());
        let asked = unknown.take(MOST_FOR_A_CALL).map(async |nsid| {
            let found = tokio::time::timeout(PATIENCE, self.validator(nsid, now)).await;
            match found {
                Ok(Ok(validator)) => Some((nsid.clone(), validator)),
                Ok(Err(error)) => {
                    tracing::debug!(nsid = nsid.as_str(), %error, "a lexicon stays unknown");
                    None
                }
                Err(_) => None,
            }
        });
        join_all(asked).await.into_iter().flatten().collect()
    }

    async fn validator(&self, nsid: &Nsid, now: Timestamp) -> Result<Validator, Unpublished> {
        let ask = || {
            let (this, nsid) = (self.clone(), nsid.clone());
            async move { this.compile(&nsid, now).await }
        };
        self.known.get(&Name(nsid.clone()), now, ask).await
    }

    /// A lexicon with all that it leads to.
    async fn compile(&self, nsid: &Nsid, now: Timestamp) -> Result<Validator, Unpublished> {
        let mut documents = vec![self.publications.find(nsid, now).await?];
        loop {
            let catalog = Catalog::from_documents(documents.iter().cloned());
            let missing = catalog.unresolved_from(nsid.as_str());
            let Some(reference) = missing.first() else {
                return Ok(Validator::new(&catalog));
            };
            let (name, _) = reference.split_once('#').unwrap_or((reference, ""));
            let failed = |why: String| Unpublished::new(nsid, why, false);
            let wanted = Nsid::new(name)
                .map_err(|error| failed(format!("it leads to {reference}: {error}")))?;
            if catalog.document(name).is_some() {
                return Err(failed(format!(
                    "it leads to {reference}, which is not there"
                )));
            }
            if documents.len() >= MOST_DOCUMENTS {
                let why = format!("it leads to more than {MOST_DOCUMENTS} documents");
                return Err(failed(why));
            }
            documents.push(match self.built_in.catalog().document(name) {
                Some(document) => document.clone(),
                None => self.publications.find(&wanted, now).await?,
            });
        }
    }
}

impl Unpublished {
    pub(crate) fn new(nsid: &Nsid, why: impl fmt::Display, is_transient: bool) -> Self {
        Self {
            nsid: nsid.clone(),
            why: why.to_string().into(),
            is_transient,
        }
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl CacheKey for Name {
    /// The last two labels of the authority's domain: whoever has one can make any number below it.
    fn host(&self) -> Option<String> {
        let domain = self.0.domain().to_ascii_lowercase();
        let labels = domain.rmatch_indices('.').nth(1);
        Some(labels.map_or(domain.clone(), |(dot, _)| domain[dot + 1..].to_owned()))
    }
}

impl CacheFailure<Name> for Unpublished {
    fn is_transient(&self) -> bool {
        self.is_transient
    }

    fn busy(name: &Name) -> Self {
        Self::new(&name.0, "too many are looked up already", true)
    }

    fn interrupted(name: &Name) -> Self {
        Self::new(&name.0, "the look-up was interrupted", true)
    }

    fn late(name: &Name, patience: Duration) -> Self {
        let why = format!("it takes longer than {} s", patience.as_secs());
        Self::new(&name.0, why, true)
    }
}

#[cfg(test)]
mod tests;
