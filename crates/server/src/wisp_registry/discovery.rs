//! Accounts with webhooks that no stream has told of: a relay is asked who has such records.
//!
//! What it answers is a hint like any other: each account's own host is asked before anything counts.

use std::collections::HashSet;
use std::time::Duration;

use loggia_api::place::wisp::v2::wh::Wh;
use loggia_delivery::{Clock as _, SystemClock};
use loggia_storage::{Errand, StorageError};
use loggia_syntax::Nsid;
use loggia_xrpc::ObjectType as _;
use serde::{Deserialize, Serialize};

use super::scan::SCANS;
use super::worker::{Undone, WispRegistry};
use super::{DISCOVERY, SCAN, hint};

/// Accounts that one walk takes from a relay: it can name as many as it likes.
const MOST_ACCOUNTS: usize = 100_000;
/// How long a walk waits while enough accounts are being scanned.
const PAUSE: Duration = Duration::from_secs(1);

/// Where a walk over a relay's accounts goes on.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
struct Discovery {
    cursor: Option<String>,
    /// How many accounts it has named.
    accounts: usize,
}

impl WispRegistry {
    /// Wants the relay asked, if there is one; a walk that has begun goes on where it is.
    pub(super) async fn want_discovery(&self) -> Result<(), StorageError> {
        let Some(relay) = &self.relay else {
            return Ok(());
        };
        if self.storage.errands().open(DISCOVERY).await? > 0 {
            return Ok(());
        }
        let mut tx = self.storage.begin().await?;
        let first = [(relay.to_string(), hint::written(&Discovery::default()))];
        hint::put(&self.storage, &mut tx, DISCOVERY, &first, SystemClock.now()).await?;
        tx.commit().await?;
        self.bell.ring();
        Ok(())
    }

    /// Asks for a page, wants those scanned of whom nothing is known, and itself again for the next
    /// page. A relay that is no longer in the settings is not asked.
    pub(super) async fn discover(&self, errand: &Errand) -> Result<(), Undone> {
        let walk: Discovery = serde_json::from_str(&errand.payload)?;
        while self.storage.errands().open(SCAN).await? >= SCANS {
            tokio::time::sleep(PAUSE).await;
        }
        let relay = self.relay.as_ref();
        let relay = relay.filter(|relay| relay.as_str() == errand.subject);
        let page = match relay {
            Some(relay) => {
                let collection = Nsid::from_static(Wh::TYPE);
                let cursor = walk.cursor.clone();
                self.hosts.accounts(relay, &collection, cursor).await?
            }
            None => Default::default(),
        };
        let now = SystemClock.now();
        let mut tx = self.storage.begin().await?;
        if !self.storage.errands().done(&mut tx, errand).await? {
            return Ok(());
        }
        let named: Vec<_> = page.accounts.iter().collect();
        let known = self.storage.wisp_webhooks();
        let known: HashSet<_> = known
            .owners_among(&mut tx, &named)
            .await?
            .into_iter()
            .collect();
        let new = named.iter().filter(|account| !known.contains(**account));
        let scans: Vec<_> = new
            .map(|account| (account.to_string(), "{}".to_owned()))
            .collect();
        hint::put(&self.storage, &mut tx, SCAN, &scans, now).await?;
        let accounts = walk.accounts.saturating_add(named.len());
        let next = page.cursor.filter(|next| {
            !named.is_empty() && accounts < MOST_ACCOUNTS && walk.cursor.as_ref() != Some(next)
        });
        tracing::info!(accounts, new = scans.len(), "a relay has named accounts");
        if next.is_some() {
            let walk = Discovery {
                cursor: next,
                accounts,
            };
            let next = [(errand.subject.clone(), hint::written(&walk))];
            hint::put(&self.storage, &mut tx, DISCOVERY, &next, now).await?;
        }
        tx.commit().await?;
        self.bell.ring();
        Ok(())
    }
}
