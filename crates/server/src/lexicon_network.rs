//! Lexicons that are not known here, as their authorities publish them: for records that accounts write in
//! collections of others. Asked for only where the settings allow it.
//!
//! What is published counts for as long as it can be had. A lexicon that leads to another that cannot be
//! is of no use, and its records are those of an unknown one: nobody is refused because a stranger's host
//! is down.

mod published;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream;
use jiff::Timestamp;
use loggia_identity::{Cache, CacheFailure, CacheKey, CacheSettings};
use loggia_lexicon::catalog::Catalog;
use loggia_lexicon::document::Document;
use loggia_lexicon::validate::Validator;
use loggia_syntax::{Nsid, SyntaxError};
use loggia_xrpc::NoError;
use tokio::time::Instant;

use crate::computing::Computing;
use crate::lexicons::Lexicons;

pub(crate) use published::Published;

/// Documents of one lexicon with all that it leads to.
const MOST_DOCUMENTS: usize = 32;
/// Bytes of those as they are published; the largest that is known has some 130 kB.
const MOST_BYTES: usize = 1 << 20;
/// Bytes of the documents of all lexicons that are remembered. Compiled they take a few times that.
const MOST_REMEMBERED: usize = 32 << 20;
/// What a document counts at least.
const LEAST: usize = 4 << 10;
/// Authorities that are asked at once for one call, each for one of its lexicons after the other.
const AUTHORITIES: usize = 8;
/// How long somebody who writes waits. What comes later is there for the next one.
const PATIENCE: Duration = Duration::from_secs(5);

/// Who knows what is published.
pub(crate) trait Publications: Send + Sync + 'static {
    /// The document that is published under this name.
    fn find<'a>(&'a self, nsid: &'a Nsid, now: Timestamp) -> Finding<'a>;
}

/// What [`Publications::find`] answers.
pub(crate) type Finding<'a> =
    Pin<Box<dyn Future<Output = Result<Edition, Unpublished>> + Send + 'a>>;

/// A document as it was published.
pub(crate) struct Edition {
    document: Document,
    /// What its text takes.
    bytes: usize,
}

/// A lexicon with all that it leads to.
#[derive(Clone)]
struct Compiled {
    validator: Validator,
    bytes: usize,
}

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
    known: Cache<Name, Compiled, Unpublished>,
    computing: Computing,
}

impl LexiconNetwork {
    /// What is published, and not known already. Nothing is remembered yet.
    pub(crate) fn new(
        publications: Arc<dyn Publications>,
        built_in: Lexicons,
        computing: Computing,
    ) -> Self {
        let settings = CacheSettings {
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
            known: Cache::weighing(settings, MOST_REMEMBERED, |known| known.bytes),
            computing,
        }
    }

    /// What validates records of these collections, of as many as can be had in time.
    pub(crate) async fn validators(
        &self,
        collections: BTreeSet<&Nsid>,
        now: Timestamp,
    ) -> HashMap<Nsid, Validator> {
        let known = self.built_in.catalog();
        let mut authorities: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for nsid in collections {
            if known.document(nsid.as_str()).is_none() {
                let authority = Name(nsid.clone()).host();
                authorities.entry(authority).or_default().push(nsid.clone());
            }
        }
        let until = Instant::now() + PATIENCE;
        let asked = authorities.into_values();
        let asked = asked.map(|names| self.clone().of_one(names, until, now));
        let found = stream::iter(asked).buffer_unordered(AUTHORITIES);
        found.concat().await.into_iter().collect()
    }

    /// The same of one authority, of which not everything is asked at once.
    async fn of_one(
        self,
        names: Vec<Nsid>,
        until: Instant,
        now: Timestamp,
    ) -> Vec<(Nsid, Validator)> {
        let mut validators = Vec::new();
        for nsid in names {
            match tokio::time::timeout_at(until, self.validator(&nsid, now)).await {
                Ok(Ok(validator)) => validators.push((nsid, validator)),
                Ok(Err(error)) => {
                    tracing::debug!(nsid = nsid.as_str(), %error, "a lexicon stays unknown");
                }
                Err(_) => tracing::debug!(nsid = nsid.as_str(), "a lexicon is late"),
            }
        }
        validators
    }

    async fn validator(&self, nsid: &Nsid, now: Timestamp) -> Result<Validator, Unpublished> {
        let ask = || {
            let (this, nsid) = (self.clone(), nsid.clone());
            async move { this.compile(&nsid, now).await }
        };
        let known = self.known.get(&Name(nsid.clone()), now, ask).await?;
        Ok(known.validator)
    }

    /// A lexicon with all that it leads to. Each document is looked at once, however they lead to each
    /// other, and all are compiled together.
    async fn compile(&self, nsid: &Nsid, now: Timestamp) -> Result<Compiled, Unpublished> {
        let failed = |why: String| Unpublished::new(nsid, why, false);
        let mut bytes = 0;
        let mut documents = BTreeMap::new();
        let mut wanted = BTreeSet::from([nsid.to_string()]);
        while let Some(name) = wanted.pop_first() {
            let edition = self.document(&name, now).await;
            let edition = edition.map_err(|error| match error {
                NotHad::Name(error) => failed(format!("it leads to {name}: {error}")),
                NotHad::Unpublished(error) => error,
            })?;
            bytes += edition.bytes.max(LEAST);
            if bytes > MOST_BYTES {
                let why = format!("with all that it leads to it has more than {MOST_BYTES} bytes");
                return Err(failed(why));
            }
            let new = edition.document.leads_to().into_iter();
            let new = new.filter(|one| *one != name && !documents.contains_key(*one));
            wanted.extend(new.map(str::to_owned));
            documents.insert(name, edition.document);
            if documents.len() + wanted.len() > MOST_DOCUMENTS {
                let why = format!("it leads to more than {MOST_DOCUMENTS} documents");
                return Err(failed(why));
            }
        }
        let main = nsid.clone();
        let compiling = move || whole(documents.into_values(), &main);
        let compiled = self.computing.run::<_, NoError>(compiling).await;
        let compiled =
            compiled.map_err(|_| Unpublished::new(nsid, "there is too much to compute", true))?;
        let validator = compiled
            .map_err(|reference| failed(format!("it leads to {reference}, which is not there")))?;
        Ok(Compiled { validator, bytes })
    }

    /// A document that is built in or published.
    async fn document(&self, name: &str, now: Timestamp) -> Result<Edition, NotHad> {
        if let Some(document) = self.built_in.catalog().document(name) {
            return Ok(Edition {
                document: document.clone(),
                bytes: LEAST,
            });
        }
        let nsid = Nsid::new(name).map_err(NotHad::Name)?;
        let found = self.publications.find(&nsid, now).await;
        found.map_err(NotHad::Unpublished)
    }
}

/// Why a document cannot be had.
enum NotHad {
    /// Its name is none.
    Name(SyntaxError),
    /// It is not published.
    Unpublished(Unpublished),
}

/// What validates a lexicon, from it and all that it leads to; or what it leads to that is not there.
fn whole(documents: impl Iterator<Item = Document>, main: &Nsid) -> Result<Validator, String> {
    let catalog = Catalog::from_documents(documents);
    match catalog.unresolved_from(main.as_str()).first() {
        None => Ok(Validator::new(&catalog)),
        Some(reference) => Err(reference.to_string()),
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
