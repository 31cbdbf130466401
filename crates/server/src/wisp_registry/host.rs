//! What the host of an account says of its records.

use std::time::Duration;

use jiff::Timestamp;
use loggia_api::com::atproto::repo::{describe_repo, get_record, list_records};
use loggia_api::com::atproto::sync::list_repos_by_collection::{self, ListReposByCollection};
use loggia_identity::{DidDocument, ResolveDid as _, ResolveError};
use loggia_syntax::{AtIdentifier, Cid, Did, Nsid, RecordKey};
use loggia_xrpc::NoBody;
use loggia_xrpc::syntax::data::Object;
use loggia_xrpc_client::{CallError, Credentials, Refusal};
use url::Url;

use crate::host_places::{Kind, NoPlace, PATIENCE, Place, Places, own_host};
use crate::outgoing::Outgoing;
use crate::reach::Documents;

/// Accounts that a relay is asked for at once.
const ACCOUNTS: i64 = 500;

/// Asks hosts of accounts, through the guarded client.
#[derive(Clone)]
pub(crate) struct Hosts {
    pub(crate) documents: Documents,
    pub(crate) outgoing: Outgoing,
    pub(crate) places: Places,
}

/// The host of an account, with a place to ask it.
pub(super) struct Turn {
    base: Url,
    place: Place,
}

/// What a host says when it can be asked.
#[derive(Debug)]
pub(super) enum Said<T> {
    /// This.
    Found(T),
    /// There is no such record.
    NotFound,
    /// It does not serve the account, or not now.
    Away,
}

/// A record as its host has it.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) rkey: RecordKey,
    pub(super) cid: Option<Cid>,
    /// The record as JSON.
    pub(super) record: Vec<u8>,
}

/// A page of a collection.
#[derive(Debug)]
pub(super) struct Page {
    pub(super) records: Vec<Found>,
    pub(super) cursor: Option<String>,
}

/// Accounts that a relay names.
#[derive(Debug, Default)]
pub(super) struct Accounts {
    pub(super) accounts: Vec<Did>,
    pub(super) cursor: Option<String>,
}

/// Why nothing is known.
#[derive(Debug, thiserror::Error)]
pub(super) enum AskError {
    #[error("the account's document cannot be had")]
    Document(#[from] ResolveError),
    #[error("the account has no host")]
    NoHost,
    #[error("the account's host has no usable URL")]
    Url(#[source] url::ParseError),
    #[error("the account's host does not answer as it should")]
    Call(#[from] CallError),
    #[error("the account's host answered with another record than it was asked for")]
    Another,
    #[error("the account's host did not answer in time")]
    Late,
    #[error("the account's host is asked later")]
    NoPlace(NoPlace),
    #[error("the relay does not answer as it should")]
    Relay(#[source] CallError),
}

impl Hosts {
    /// The host of an account, if it may be asked now.
    pub(super) async fn turn(
        &self,
        kind: Kind,
        owner: &Did,
        now: Timestamp,
    ) -> Result<Turn, AskError> {
        let base = match own_host(owner) {
            None => in_time(PATIENCE, self.base(owner, now)).await?,
            // The document is at a host of the account's as well.
            Some(host) => {
                let place = self.places.enter(&host, kind);
                let mut place = place.map_err(AskError::NoPlace)?;
                let base = in_time(place.patience(), self.base(owner, now)).await;
                // That it gives a document, perhaps a remembered one, says nothing of its answers to come.
                match &base {
                    Err(AskError::Late) => place.answered(false),
                    Err(AskError::Document(error)) => place.answered(!error.is_transient()),
                    _ => {}
                }
                base?
            }
        };
        let place = self.places.enter(&base, kind).map_err(AskError::NoPlace)?;
        Ok(Turn { base, place })
    }

    /// A record as it is now.
    pub(super) async fn record(
        &self,
        kind: Kind,
        owner: &Did,
        collection: &Nsid,
        rkey: &RecordKey,
        now: Timestamp,
    ) -> Result<Said<Found>, AskError> {
        let mut turn = self.turn(kind, owner, now).await?;
        let patience = turn.place.patience();
        let asked = in_time(
            patience,
            self.ask_record(&turn.base, owner, collection, rkey),
        )
        .await;
        turn.heard(asked)
    }

    /// A page of a collection, the newest keys first.
    pub(super) async fn page(
        &self,
        turn: &mut Turn,
        owner: &Did,
        collection: &Nsid,
        cursor: Option<String>,
    ) -> Result<Said<Page>, AskError> {
        let patience = turn.place.patience();
        let asked = in_time(
            patience,
            self.ask_page(&turn.base, owner, collection, cursor),
        )
        .await;
        turn.heard(asked)
    }

    /// The collections that an account has records of, as far as this host says.
    pub(super) async fn collections(
        &self,
        turn: &mut Turn,
        owner: &Did,
    ) -> Result<Said<Vec<Nsid>>, AskError> {
        let patience = turn.place.patience();
        let asked = in_time(patience, self.ask_collections(&turn.base, owner)).await;
        turn.heard(asked)
    }

    /// A page of the accounts that have records of a collection, as a relay says.
    pub(super) async fn accounts(
        &self,
        relay: &Url,
        collection: &Nsid,
        cursor: Option<String>,
    ) -> Result<Accounts, AskError> {
        let params = list_repos_by_collection::Params {
            collection: collection.clone(),
            limit: ACCOUNTS,
            cursor,
        };
        let asked = self.outgoing.0.call::<ListReposByCollection>(
            relay,
            &params,
            NoBody,
            Credentials::Anonymous,
        );
        let asked = tokio::time::timeout(PATIENCE, asked).await;
        let output = asked
            .map_err(|_| AskError::Late)?
            .map_err(AskError::Relay)?;
        Ok(Accounts {
            accounts: output.repos.into_iter().map(|repo| repo.did).collect(),
            cursor: output.cursor,
        })
    }

    async fn ask_record(
        &self,
        base: &Url,
        owner: &Did,
        collection: &Nsid,
        rkey: &RecordKey,
    ) -> Result<Said<Found>, AskError> {
        let params = get_record::Params {
            repo: AtIdentifier::from(owner.clone()),
            collection: collection.clone(),
            rkey: rkey.clone(),
            cid: None,
        };
        let client = &self.outgoing.0;
        let answer = client
            .call::<get_record::GetRecord>(base, &params, NoBody, Credentials::Anonymous)
            .await;
        match said(answer)? {
            Said::Found(output) => {
                let found = found(
                    owner,
                    collection,
                    output.uri.as_str(),
                    output.cid,
                    output.value,
                );
                let found = found.filter(|found| found.rkey == *rkey);
                found.map(Said::Found).ok_or(AskError::Another)
            }
            Said::NotFound => Ok(Said::NotFound),
            Said::Away => Ok(Said::Away),
        }
    }

    async fn ask_collections(&self, base: &Url, owner: &Did) -> Result<Said<Vec<Nsid>>, AskError> {
        let params = describe_repo::Params {
            repo: AtIdentifier::from(owner.clone()),
        };
        let client = &self.outgoing.0;
        let answer = client
            .call::<describe_repo::DescribeRepo>(base, &params, NoBody, Credentials::Anonymous)
            .await;
        Ok(match said(answer)? {
            Said::Found(output) if output.did != *owner => return Err(AskError::Another),
            Said::Found(output) => Said::Found(output.collections),
            Said::NotFound => Said::NotFound,
            Said::Away => Said::Away,
        })
    }

    async fn ask_page(
        &self,
        base: &Url,
        owner: &Did,
        collection: &Nsid,
        cursor: Option<String>,
    ) -> Result<Said<Page>, AskError> {
        let params = list_records::Params {
            repo: AtIdentifier::from(owner.clone()),
            collection: collection.clone(),
            limit: 100,
            cursor,
            reverse: None,
        };
        let client = &self.outgoing.0;
        let answer = client
            .call::<list_records::ListRecords>(base, &params, NoBody, Credentials::Anonymous)
            .await;
        Ok(match said(answer)? {
            Said::Found(output) => {
                let records = output.records.into_iter().map(|one| {
                    let cid = Some(one.cid);
                    found(owner, collection, one.uri.as_str(), cid, one.value)
                });
                let records: Option<_> = records.collect();
                Said::Found(Page {
                    records: records.ok_or(AskError::Another)?,
                    cursor: output.cursor,
                })
            }
            Said::NotFound => Said::NotFound,
            Said::Away => Said::Away,
        })
    }

    /// Where the account is now: an account that has moved is asked at its new host.
    async fn base(&self, owner: &Did, now: Timestamp) -> Result<Url, AskError> {
        let document = match self.documents.refresh(owner, now).await? {
            Some(document) => document,
            None => self.documents.resolve(owner, now).await?,
        };
        let (fragment, kind) = DidDocument::PDS;
        let service = document.service(fragment);
        let service = service.filter(|service| service.kind == kind);
        let service = service.ok_or(AskError::NoHost)?;
        Url::parse(&service.endpoint).map_err(AskError::Url)
    }
}

impl Turn {
    /// Takes note of whether the host answered at all.
    fn heard<T>(&mut self, answer: Result<T, AskError>) -> Result<T, AskError> {
        let silent = matches!(
            answer,
            Err(AskError::Late | AskError::Call(CallError::Client { .. }))
        );
        self.place.answered(!silent);
        answer
    }
}

/// What is asked, or nothing once patience is at its end.
async fn in_time<T>(
    patience: Duration,
    asked: impl Future<Output = Result<T, AskError>>,
) -> Result<T, AskError> {
    let answer = tokio::time::timeout(patience, asked).await;
    answer.unwrap_or(Err(AskError::Late))
}

/// A record of this account and collection.
fn found(
    owner: &Did,
    collection: &Nsid,
    uri: &str,
    cid: Option<Cid>,
    value: Object,
) -> Option<Found> {
    let path = uri.strip_prefix("at://")?.strip_prefix(owner.as_str())?;
    let path = path.strip_prefix('/')?.strip_prefix(collection.as_str())?;
    let rkey = RecordKey::new(path.strip_prefix('/')?).ok()?;
    let record = serde_json::to_vec(&value).ok()?;
    Some(Found { rkey, cid, record })
}

/// What a refusal means, where it means something.
fn said<T>(answer: Result<T, CallError>) -> Result<Said<T>, AskError> {
    match answer {
        Ok(output) => Ok(Said::Found(output)),
        Err(CallError::Refused { source, .. }) if is_record_not_found(&source) => {
            Ok(Said::NotFound)
        }
        Err(CallError::Refused { source, .. }) if is_away(&source) => Ok(Said::Away),
        Err(error) => Err(error.into()),
    }
}

fn is_record_not_found(refusal: &Refusal) -> bool {
    refusal.name.as_deref() == Some("RecordNotFound")
}

/// Hosts name it in one of these ways, or say it in words only.
fn is_away(refusal: &Refusal) -> bool {
    const NAMES: [&str; 7] = [
        "RepoNotFound",
        "RepoDeactivated",
        "RepoSuspended",
        "RepoTakendown",
        "AccountDeactivated",
        "AccountTakedown",
        "AccountSuspended",
    ];
    let name = refusal.name.as_deref().unwrap_or_default();
    let message = refusal.message.as_deref().unwrap_or_default();
    NAMES.contains(&name)
        || refusal.status == 400
            && (message.starts_with("Could not find repo")
                || message.starts_with("Could not locate record"))
}
