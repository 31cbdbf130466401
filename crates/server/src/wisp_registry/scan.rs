//! Looking through the records of accounts: which are new, changed or gone.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use loggia_api::place::wisp::v2::wh::Wh;
use loggia_delivery::{Clock as _, SystemClock};
use loggia_storage::{Errand, WispRefusal, WispState, WispWebhook};
use loggia_syntax::{Did, Nsid, RecordKey};
use loggia_xrpc::ObjectType as _;

use super::hint::{self, Hint, Walk};
use super::host::{Found, Said};
use super::worker::{Undone, WispRegistry, places_of};
use super::{BACKFILL, READ, SCAN};

/// Accounts that one step of a walk wants scanned.
const ACCOUNTS: u32 = 50;
/// Scans that are open at a time before a walk goes on.
pub(super) const SCANS: u32 = 500;
/// How long a walk waits for them.
const PAUSE: Duration = Duration::from_secs(1);
/// Pages of one account's records.
const PAGES: usize = 20;
/// Records of one account: the newest.
const RECORDS: usize = 1000;

impl WispRegistry {
    /// Wants the next known accounts scanned, and itself again for those after them.
    pub(super) async fn backfill(&self, errand: &Errand) -> Result<(), Undone> {
        let walk: Walk = serde_json::from_str(&errand.payload)?;
        while self.storage.errands().open(SCAN).await? >= SCANS {
            tokio::time::sleep(PAUSE).await;
        }
        let now = SystemClock.now();
        let webhooks = self.storage.wisp_webhooks();
        let owners = webhooks.known_owners(walk.after.as_ref(), now, ACCOUNTS);
        let owners = owners.await?;
        let mut tx = self.storage.begin().await?;
        if !self.storage.errands().done(&mut tx, errand).await? {
            return Ok(());
        }
        let scans = owners
            .iter()
            .map(|owner| (owner.to_string(), "{}".to_owned()));
        let scans: Vec<_> = scans.collect();
        hint::put(&self.storage, &mut tx, SCAN, &scans, now).await?;
        if let Some(last) = owners.last() {
            let walk = hint::written(&Walk {
                after: Some(last.clone()),
            });
            let next = [(errand.subject.clone(), walk)];
            hint::put(&self.storage, &mut tx, BACKFILL, &next, now).await?;
        }
        tx.commit().await?;
        self.bell.ring();
        Ok(())
    }

    /// Compares the records of an account with what is known of them: whatever differs is read back.
    pub(super) async fn scan(&self, errand: &Errand) -> Result<(), Undone> {
        let owner = Did::new(&errand.subject).map_err(|_| Undone::Subject)?;
        let now = SystemClock.now();
        let there = self.records(&owner).await?;
        let mut tx = self.storage.begin().await?;
        if !self.storage.errands().done(&mut tx, errand).await? {
            return Ok(());
        }
        let mut dropped = Vec::new();
        match there {
            None => hint::pause(&self.storage, &mut tx, &owner, &mut dropped, now).await?,
            Some(there) => {
                let known = self.storage.wisp_webhooks();
                let known = known.list_within(&mut tx, &owner).await?;
                let reads: Vec<_> = differing(&there, &known)
                    .into_iter()
                    .map(|(rkey, rev)| {
                        let deleted = false;
                        let hint = hint::written(&Hint { rev, deleted });
                        (hint::subject(&owner, &rkey), hint)
                    })
                    .collect();
                hint::put(&self.storage, &mut tx, READ, &reads, now).await?;
            }
        }
        tx.commit().await?;
        self.bell.ring();
        for endpoint in dropped {
            self.engine.endpoint_dropped(endpoint).await;
        }
        Ok(())
    }

    /// All records of an account, page by page; none if its host does not serve it.
    async fn records(&self, owner: &Did) -> Result<Option<Vec<Found>>, Undone> {
        let collection = Nsid::from_static(Wh::TYPE);
        let mut all: Vec<Found> = Vec::new();
        let (mut cursor, mut cursors) = (None, HashSet::new());
        let mut turn = self
            .hosts
            .turn(places_of(SCAN), owner, SystemClock.now())
            .await?;
        for _ in 0..PAGES {
            let page = self.hosts.page(&mut turn, owner, &collection, cursor);
            let page = page.await?;
            let page = match page {
                Said::Found(page) => page,
                Said::NotFound | Said::Away => return Ok(None),
            };
            let empty = page.records.is_empty();
            all.extend(page.records);
            cursor = page.cursor.filter(|_| !empty && all.len() < RECORDS);
            if !cursor
                .as_ref()
                .is_some_and(|next| cursors.insert(next.clone()))
            {
                break;
            }
        }
        // What is beyond is as good as not there; what is known of it is read by itself.
        all.truncate(RECORDS);
        Ok(Some(all))
    }
}

/// The records that differ from what is known, with the newest revision that was seen of each: new ones,
/// changed ones, those that are gone, and those that may be told again.
fn differing(there: &[Found], known: &[WispWebhook]) -> Vec<(RecordKey, String)> {
    let by_key: HashMap<_, _> = known.iter().map(|one| (&one.rkey, one)).collect();
    let is_settled = |found: &Found, known: &WispWebhook| {
        let settled = matches!(known.state, WispState::Active | WispState::Disabled)
            || matches!(&known.state, WispState::Refused { kind, .. }
                if *kind == WispRefusal::Invalid);
        settled
            && !known.paused
            && found.cid.is_some()
            && found.cid.as_ref().map(|cid| cid.as_str()) == known.cid.as_deref()
    };
    let changed = there
        .iter()
        .filter_map(|found| match by_key.get(&found.rkey) {
            None => Some((found.rkey.clone(), String::new())),
            Some(known) if is_settled(found, known) => None,
            Some(known) => Some((found.rkey.clone(), known.rev.clone())),
        });
    let there: HashSet<_> = there.iter().map(|found| &found.rkey).collect();
    let gone = known.iter().filter(|one| !there.contains(&one.rkey));
    let gone = gone.map(|one| (one.rkey.clone(), one.rev.clone()));
    changed.chain(gone).collect()
}
