//! From a name to its DID, over the network.

use std::sync::Arc;

use jiff::Timestamp;
use loggia_syntax::Did;

use super::{Name, NameError, NameErrorKind};
use crate::{Fetch, FetchError, LookUpTxt};

/// The largest file that is read. A DID has at most 2,048 characters.
const LARGEST: usize = 4 * 1024;

/// Whoever can say which DID a name stands for.
///
/// The answer is the name's word alone. That the DID agrees is another question; for handles
/// [`Accounts`](crate::Accounts) asks it.
pub trait ResolveName: Send + Sync + 'static {
    /// The DID of `name`, as fresh as this resolver keeps them.
    fn resolve_name(
        &self,
        name: &Name,
        now: Timestamp,
    ) -> impl Future<Output = Result<Did, NameError>> + Send;
}

impl<R: ResolveName> ResolveName for Arc<R> {
    async fn resolve_name(&self, name: &Name, now: Timestamp) -> Result<Did, NameError> {
        R::resolve_name(self, name, now).await
    }
}

/// Resolves over the network, every time; [`CachedNames`](crate::CachedNames) goes around it.
///
/// The DNS is asked first and has the last word where it has one: the web server is asked only if
/// there is no record, or if the DNS fails.
#[derive(Clone, Debug)]
pub struct NameResolver<F, T> {
    fetch: F,
    txt: T,
    development: bool,
}

impl<F: Fetch, T: LookUpTxt> NameResolver<F, T> {
    /// A resolver that fetches files and looks up records in these ways.
    pub fn new(fetch: F, txt: T) -> Self {
        Self {
            fetch,
            txt,
            development: false,
        }
    }

    /// Allows names under `.test`.
    #[must_use]
    pub fn development(mut self, allowed: bool) -> Self {
        self.development = allowed;
        self
    }

    async fn resolve(&self, name: &Name) -> Result<Did, NameErrorKind> {
        if let Some(reserved) = name.reserved(self.development) {
            return Err(NameErrorKind::Reserved(reserved));
        }
        let dns_failure = match self.in_dns(name).await {
            Ok(Some(did)) => return Ok(did),
            Ok(None) => None,
            Err(failure @ NameErrorKind::Txt { .. }) => Some(failure),
            Err(refusal) => return Err(refusal),
        };
        let file = match name.well_known() {
            Some(file) => self.in_file(file).await,
            None => Ok(None),
        };
        match (file, dns_failure) {
            (Ok(Some(did)), _) => Ok(did),
            (_, Some(failure)) => Err(failure),
            (Err(refusal), None) => Err(refusal),
            (Ok(None), None) => Err(NameErrorKind::Unpublished {
                txt: name.txt_name(),
                file: name.well_known(),
            }),
        }
    }

    async fn in_dns(&self, name: &Name) -> Result<Option<Did>, NameErrorKind> {
        let txt = name.txt_name();
        // A longer name is none of the DNS; the handle may still be on a web server.
        if txt.len() > 253 {
            return Ok(None);
        }
        match self.txt.look_up_txt(&txt).await {
            Ok(records) => read_records(txt, &records),
            Err(error) => Err(NameErrorKind::Txt {
                txt,
                source: Arc::new(error),
            }),
        }
    }

    async fn in_file(&self, file: String) -> Result<Option<Did>, NameErrorKind> {
        let answer = match self.fetch.get(&file, LARGEST).await {
            Ok(answer) => answer,
            // A page that a web server answers to everything.
            Err(FetchError::TooLarge { .. }) => {
                return Err(NameErrorKind::Malformed { place: file });
            }
            Err(error) => {
                let source = Arc::new(error);
                return Err(NameErrorKind::Fetch { file, source });
            }
        };
        match answer.status {
            200..=299 => {}
            404 | 410 => return Ok(None),
            status => return Err(NameErrorKind::Status { file, status }),
        }
        let text = str::from_utf8(&answer.body).ok();
        match text.and_then(|text| Did::new(text.trim_ascii()).ok()) {
            Some(did) => Ok(Some(did)),
            None => Err(NameErrorKind::Malformed { place: file }),
        }
    }
}

impl<F: Fetch, T: LookUpTxt> ResolveName for NameResolver<F, T> {
    async fn resolve_name(&self, name: &Name, _: Timestamp) -> Result<Did, NameError> {
        let resolved = self.resolve(name).await;
        resolved.map_err(|kind| NameError::new(name, kind))
    }
}

/// The DID among the records. Others (of other services) do not matter; one that is meant for us and
/// is wrong does, since its owner has meant something.
fn read_records(txt: String, records: &[String]) -> Result<Option<Did>, NameErrorKind> {
    let mut found: Option<Did> = None;
    for text in records.iter().filter_map(|text| text.strip_prefix("did=")) {
        let Ok(did) = Did::new(text) else {
            let place = format!("the TXT record `{txt}`");
            return Err(NameErrorKind::Malformed { place });
        };
        if found.as_ref().is_some_and(|found| *found != did) {
            return Err(NameErrorKind::Ambiguous { txt });
        }
        found = Some(did);
    }
    Ok(found)
}
