//! What a stream hints at: noted in the transaction that moves it.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use loggia_api::place::wisp::v2::wh::Wh;
use loggia_delivery::{DisableReason, EndpointId};
use loggia_firehose::{Change, Event, Gap, What};
use loggia_storage::{Storage, StorageError, WispState, WispWebhook, Write};
use loggia_syntax::{Did, RecordKey};
use loggia_xrpc::ObjectType as _;
use serde::{Deserialize, Serialize};

use super::{BACKFILL, GAP, READ, SCAN};

/// What came of noting events.
#[derive(Debug, Default)]
pub(crate) struct Noted {
    /// Whether there are new errands.
    pub(crate) errands: bool,
    /// Endpoints that changed: the engine is to be told after the commit.
    pub(crate) dropped: Vec<EndpointId>,
}

/// What a host calls the status of an account that does not come back.
const DELETED: &str = "deleted";

/// What has become of an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Account {
    /// It is there, and may have changed.
    Here,
    /// It is not there for now.
    Away,
    /// It was deleted.
    Gone,
}

/// Which change of a record is to be read back.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(super) struct Hint {
    /// The revision that the change was made in; empty if a scan found the record.
    pub(super) rev: String,
    /// Whether the stream says that the record was deleted.
    pub(super) deleted: bool,
}

/// What is to be looked for after a gap.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(super) struct Missed {
    pub(super) from: Timestamp,
    pub(super) to: Timestamp,
}

/// Where a walk over the known accounts goes on.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub(super) struct Walk {
    pub(super) after: Option<Did>,
}

/// Notes what the events mean for webhooks themselves: records to be read back, accounts that went
/// away, came back or are to be looked at anew.
pub(crate) async fn note(
    storage: &Storage,
    tx: &mut Write,
    events: &[Event],
    now: Timestamp,
) -> Result<Noted, StorageError> {
    let (mut hints, mut accounts) = (BTreeMap::new(), BTreeMap::new());
    for event in events {
        match &event.what {
            What::Change(change) if change.collection.as_str() == Wh::TYPE => {
                hints.insert((&event.did, &change.rkey), change);
            }
            What::Account { active, status } => {
                let gone = status.as_deref() == Some(DELETED);
                let account = match (*active, gone) {
                    (true, _) => Account::Here,
                    (false, false) => Account::Away,
                    (false, true) => Account::Gone,
                };
                accounts.insert(&event.did, account);
            }
            What::Resync => {
                accounts.entry(&event.did).or_insert(Account::Here);
            }
            What::Change(_) | What::Identity { .. } => {}
        }
    }
    let mut noted = Noted::default();
    noted.errands |= note_records(storage, tx, hints, now).await?;
    if !accounts.is_empty() {
        note_accounts(storage, tx, &accounts, &mut noted, now).await?;
    }
    Ok(noted)
}

/// The last change of each record is to be read back, unless it or a later one was; whether there is
/// any.
async fn note_records(
    storage: &Storage,
    tx: &mut Write,
    hints: BTreeMap<(&Did, &RecordKey), &Change>,
    now: Timestamp,
) -> Result<bool, StorageError> {
    let webhooks = storage.wisp_webhooks();
    let mut errands = Vec::new();
    for ((owner, rkey), change) in hints {
        let rev = change.rev.as_str();
        if webhooks.has_seen(tx, owner, rkey, rev).await? {
            continue;
        }
        let hint = Hint {
            rev: rev.to_owned(),
            deleted: change.cid.is_none(),
        };
        errands.push((subject(owner, rkey), written(&hint)));
    }
    put(storage, tx, READ, &errands, now).await?;
    Ok(!errands.is_empty())
}

/// The webhooks of an account that goes away are not told from then on; where its records stand is to
/// be found out. Those of one that was deleted are gone with it.
async fn note_accounts(
    storage: &Storage,
    tx: &mut Write,
    accounts: &BTreeMap<&Did, Account>,
    noted: &mut Noted,
    now: Timestamp,
) -> Result<(), StorageError> {
    let all: Vec<_> = accounts.keys().copied().collect();
    let owners = storage.wisp_webhooks().owners_among(tx, &all).await?;
    let mut errands = Vec::new();
    for owner in owners {
        let dropped = &mut noted.dropped;
        match accounts.get(&owner) {
            Some(Account::Gone) => {
                remove_all(storage, tx, &owner, dropped, now).await?;
                continue;
            }
            Some(Account::Away) => pause(storage, tx, &owner, dropped, now).await?,
            Some(Account::Here) | None => {}
        }
        errands.push((owner.to_string(), "{}".to_owned()));
    }
    put(storage, tx, SCAN, &errands, now).await?;
    noted.errands |= !errands.is_empty();
    Ok(())
}

/// Stops telling the webhooks of an account that is away.
pub(super) async fn pause(
    storage: &Storage,
    tx: &mut Write,
    owner: &Did,
    dropped: &mut Vec<EndpointId>,
    now: Timestamp,
) -> Result<(), StorageError> {
    let webhooks = storage.wisp_webhooks();
    for webhook in webhooks.list_within(tx, owner).await? {
        if webhook.paused {
            continue;
        }
        let told = webhook.state == WispState::Active;
        if let Some(endpoint) = webhook.endpoint.filter(|_| told) {
            let endpoints = storage.endpoints();
            endpoints
                .disable(tx, endpoint, DisableReason::Away, now)
                .await?;
            dropped.push(endpoint);
        }
        let webhook = WispWebhook {
            paused: true,
            ..webhook
        };
        webhooks.put(tx, &webhook, now).await?;
    }
    Ok(())
}

/// These records are to be read back, whatever is known of them. After the commit, ring the bell.
pub(crate) async fn reread(
    storage: &Storage,
    tx: &mut Write,
    records: &[(Did, RecordKey)],
    now: Timestamp,
) -> Result<(), StorageError> {
    let hint = written(&Hint {
        rev: String::new(),
        deleted: false,
    });
    let errands = records.iter();
    let errands = errands.map(|(owner, rkey)| (subject(owner, rkey), hint.clone()));
    put(storage, tx, READ, &errands.collect::<Vec<_>>(), now).await
}

/// Forgets the webhooks of an account that was deleted.
async fn remove_all(
    storage: &Storage,
    tx: &mut Write,
    owner: &Did,
    dropped: &mut Vec<EndpointId>,
    now: Timestamp,
) -> Result<(), StorageError> {
    let webhooks = storage.wisp_webhooks();
    for webhook in webhooks.list_within(tx, owner).await? {
        if let Some(endpoint) = webhook.endpoint {
            storage.endpoints().retire(tx, endpoint, now).await?;
            dropped.push(endpoint);
        }
        let webhook = WispWebhook {
            state: WispState::Removed,
            cid: None,
            ..webhook
        };
        webhooks.put(tx, &webhook, now).await?;
    }
    Ok(())
}

/// A consumer of this stream begins: all known accounts are to be scanned.
pub(crate) async fn want_backfill(
    storage: &Storage,
    tx: &mut Write,
    stream: &str,
    now: Timestamp,
) -> Result<(), StorageError> {
    let walk = written(&Walk::default());
    let errands = storage.errands();
    errands.put(tx, BACKFILL, stream, &walk, now).await
}

/// A stream has a gap: all known accounts are to be scanned, and what webhooks watch is to be looked
/// through for what was missed.
pub(crate) async fn want_gap(
    storage: &Storage,
    tx: &mut Write,
    stream: &str,
    gap: &Gap,
    now: Timestamp,
) -> Result<(), StorageError> {
    want_backfill(storage, tx, stream, now).await?;
    let missed = written(&Missed {
        from: gap.from,
        to: gap.to,
    });
    let webhooks = storage.wisp_webhooks();
    let mut watched = BTreeSet::new();
    let mut after = 0;
    loop {
        let changes = webhooks.changed(tx, after, 1000).await?;
        let Some(last) = changes.last() else { break };
        after = last.seq;
        let active = changes.into_iter().filter_map(|change| change.webhook);
        let active = active.filter(|one| one.state == WispState::Active && !one.paused);
        watched.extend(active.map(|webhook| webhook.scope));
    }
    let subject = |scope| format!("{stream} {} {scope}", gap.from);
    let errands: Vec<_> = watched
        .into_iter()
        .map(|scope| (subject(scope), missed.clone()))
        .collect();
    put(storage, tx, GAP, &errands, now).await
}

pub(super) fn subject(owner: &Did, rkey: &RecordKey) -> String {
    format!("{owner}/{rkey}")
}

pub(super) fn written(payload: &impl Serialize) -> String {
    serde_json::to_string(payload).expect("texts and times can always be written")
}

pub(super) async fn put(
    storage: &Storage,
    tx: &mut Write,
    kind: &str,
    errands: &[(String, String)],
    now: Timestamp,
) -> Result<(), StorageError> {
    let errands: Vec<_> = errands.iter().map(|(s, p)| (&**s, &**p)).collect();
    storage.errands().put_all(tx, kind, &errands, now).await
}
