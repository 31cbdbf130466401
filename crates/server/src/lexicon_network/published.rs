//! From the name of a lexicon to its document: the authority's DID in the DNS, its PDS, and there the
//! record of the lexicon's name. Everything goes through the guarded client.

use jiff::Timestamp;
use loggia_api::com::atproto::repo::get_record::{GetRecord, Params};
use loggia_identity::{DidDocument, Name, ResolveDid, ResolveName};
use loggia_lexicon::read::read;
use loggia_syntax::data::{Data, Object};
use loggia_syntax::{AtIdentifier, Nsid, RecordKey};
use loggia_xrpc::NoBody;
use loggia_xrpc_client::{CallError, Credentials, GuardedClient, Url};

use super::{Edition, Finding, Publications, Unpublished};

/// The collection of published lexicons.
const SCHEMA: &str = "com.atproto.lexicon.schema";
/// Bytes of a record with its envelope; the largest published lexicon has 130 kB.
const DOCUMENT_BYTES: usize = 512 << 10;

/// What the network publishes.
pub(crate) struct Published<N, D> {
    /// From a domain to the DID of its authority.
    pub(crate) names: N,
    /// From that to its host.
    pub(crate) documents: D,
    /// The way there.
    pub(crate) client: GuardedClient,
}

impl<N: ResolveName, D: ResolveDid> Publications for Published<N, D> {
    fn find<'a>(&'a self, nsid: &'a Nsid, now: Timestamp) -> Finding<'a> {
        Box::pin(self.fetch(nsid, now))
    }
}

impl<N: ResolveName, D: ResolveDid> Published<N, D> {
    async fn fetch(&self, nsid: &Nsid, now: Timestamp) -> Result<Edition, Unpublished> {
        let lasting = |why: String| Unpublished::new(nsid, why, false);
        let authority = self.names.resolve_name(&Name::lexicon(nsid), now).await;
        let authority =
            authority.map_err(|error| Unpublished::new(nsid, &error, error.is_transient()))?;
        let document = self.documents.resolve(&authority, now).await;
        let document =
            document.map_err(|error| Unpublished::new(nsid, &error, error.is_transient()))?;
        let (pds, pds_type) = DidDocument::PDS;
        let host = document.find_service(pds, Some(pds_type));
        let host = host.map_err(|error| lasting(error.to_string()))?;
        let host = Url::parse(&host.endpoint).map_err(|error| lasting(error.to_string()))?;
        let params = Params {
            repo: AtIdentifier::from(authority),
            collection: Nsid::from_static(SCHEMA),
            rkey: RecordKey::new(nsid.as_str()).map_err(|error| lasting(error.to_string()))?,
            cid: None,
        };
        let called = self
            .client
            .call_within::<GetRecord>(
                &host,
                &params,
                NoBody,
                Credentials::Anonymous,
                DOCUMENT_BYTES,
            )
            .await;
        let output = called.map_err(|error| Unpublished::new(nsid, &error, may_pass(&error)))?;
        document_of(nsid, output.value).map_err(lasting)
    }
}

/// Whether a call may fare better another time: not where a host has said no.
fn may_pass(error: &CallError) -> bool {
    match error {
        CallError::Client { source, .. } => !source.is_refused(),
        CallError::Refused { source, .. } => source.status >= 500 || source.status == 429,
        _ => false,
    }
}

/// The document in a record, if it is that of this name.
fn document_of(nsid: &Nsid, mut fields: Object) -> Result<Edition, String> {
    if fields.remove("$type").as_ref().and_then(Data::as_str) != Some(SCHEMA) {
        return Err(format!("its record is no {SCHEMA}"));
    }
    let text = serde_json::to_string(&fields).map_err(|error| error.to_string())?;
    let (document, _) = read(&text).map_err(|error| error.to_string())?;
    match document.id == *nsid {
        true => Ok(Edition {
            document,
            bytes: text.len(),
        }),
        false => Err(format!("its record is that of {}", document.id)),
    }
}
