//! Where a service is, as its DID document says.

use jiff::Timestamp;
use loggia_delivery::{InvalidTarget, Target};
use loggia_identity::{DidDocument, ResolveDid as _, ResolveError, ServiceLookupError};
use loggia_syntax::Did;
use loggia_xrpc::Rejection;

use crate::space_host::SpaceHost;

/// Most bytes of a fragment: longer ones are no names.
const FRAGMENT: usize = 256;

/// A service by its name: a DID, and an entry of its document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Service {
    pub(super) did: Did,
    /// With its `#`; none for the PDS of the DID.
    fragment: Option<String>,
}

/// Why a service cannot be told.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unreachable {
    #[error("its document cannot be found")]
    Resolve(#[from] ResolveError),
    #[error(transparent)]
    Service(#[from] ServiceLookupError),
    #[error("its endpoint may not be called")]
    Blocked(#[source] Box<dyn std::error::Error + Send + Sync>),
    #[error("its endpoint cannot be called")]
    Target(#[from] InvalidTarget),
}

impl Service {
    /// Reads a name.
    pub(super) fn read(text: &str) -> Result<Self, Rejection> {
        let wrong = |what: &str| Rejection::invalid_request(format!("`service`: {what}"));
        let (did, fragment) = match text.split_once('#') {
            Some((did, fragment)) => (did, Some(fragment)),
            None => (text, None),
        };
        let did = Did::new(did).map_err(|error| wrong(&error.to_string()))?;
        let names = |fragment: &str| {
            (1..=FRAGMENT).contains(&fragment.len())
                && fragment.bytes().all(|b| b.is_ascii_graphic())
        };
        if fragment.is_some_and(|fragment| !names(fragment)) {
            return Err(wrong("what follows `#` names no entry of a DID document"));
        }
        Ok(Self {
            did,
            fragment: fragment.map(|fragment| format!("#{fragment}")),
        })
    }

    /// Where it is. A bare DID stands for its PDS.
    pub(super) async fn find(
        &self,
        host: &SpaceHost,
        now: Timestamp,
    ) -> Result<Target, Unreachable> {
        let document = host.documents.resolve(&self.did, now).await?;
        let (pds, pds_type) = DidDocument::PDS;
        let service = match &self.fragment {
            Some(fragment) => document.find_service(fragment, None)?,
            None => document.find_service(pds, Some(pds_type))?,
        };
        let url = host.notices.guard.read_url(&service.endpoint);
        let url = url.map_err(|error| Unreachable::Blocked(Box::new(error)))?;
        Ok(Target::new(url.as_str())?)
    }
}
