//! What a record means for its webhook: applied in one transaction, after the record was read back.

use jiff::Timestamp;
use loggia_api::place::wisp::v2::wh::Wh;
use loggia_delivery::{
    CancelReason, Clock as _, DisableReason, Endpoint, EndpointId, Secret, Secrets, SystemClock,
    Target,
};
use loggia_storage::{Errand, StorageError, WispRefusal, WispState, WispWebhook, Write};
use loggia_syntax::{Did, Nsid, RecordKey};
use loggia_xrpc::ObjectType as _;

use super::READ;
use super::hint::{self, Hint};
use super::host::{AskError, Found, Said};
use super::worker::{Undone, WispRegistry, places_of};
use crate::chance;
use crate::wisp::Webhook;

/// After so many hosts' silences a deletion is believed without them.
const SILENCES: u32 = 3;
/// Webhooks that are tried again when one has made room.
const WAITING: usize = 10;

/// What is applied: which webhook, what was known of it, and what is changed on the way.
struct Applying<'a> {
    tx: &'a mut Write,
    owner: &'a Did,
    rkey: &'a RecordKey,
    old: Option<WispWebhook>,
    rev: String,
    now: Timestamp,
    dropped: Vec<EndpointId>,
}

/// What a record is to become.
enum Wanted {
    /// It is told at this target with this secret.
    Active(Target, Option<Secret>),
    /// It is not told.
    Not(WispState, DisableReason),
}

impl WispRegistry {
    /// Reads a record back and applies what it says now.
    pub(super) async fn read(&self, errand: &Errand) -> Result<(), Undone> {
        let hint: Hint = serde_json::from_str(&errand.payload)?;
        let (owner, rkey) = subject(&errand.subject).ok_or(Undone::Subject)?;
        let collection = Nsid::from_static(Wh::TYPE);
        let asked = self.hosts.record(
            places_of(READ),
            &owner,
            &collection,
            &rkey,
            SystemClock.now(),
        );
        let said = match asked.await {
            Err(error) if hint.deleted && silences(errand, &error) >= SILENCES => {
                tracing::debug!(%owner, %rkey, %error, "a deletion is believed without the host");
                Said::NotFound
            }
            said => said?,
        };
        let now = SystemClock.now();
        let mut tx = self.storage.begin().await?;
        if !self.storage.errands().done(&mut tx, errand).await? {
            // A newer change has come; what was read may be older than that.
            return Ok(());
        }
        let webhooks = self.storage.wisp_webhooks();
        let old = webhooks.find(&mut tx, &owner, &rkey).await?;
        let rev = old.as_ref().map_or("", |old| &old.rev).max(&hint.rev);
        let mut applying = Applying {
            owner: &owner,
            rkey: &rkey,
            rev: rev.to_owned(),
            now,
            dropped: Vec::new(),
            old,
            tx: &mut tx,
        };
        match said {
            Said::Found(found) => self.apply(&mut applying, &found).await?,
            Said::NotFound => self.remove(&mut applying).await?,
            Said::Away => {
                let Applying { tx, dropped, .. } = &mut applying;
                hint::pause(&self.storage, tx, &owner, dropped, now).await?;
            }
        }
        let dropped = std::mem::take(&mut applying.dropped);
        tx.commit().await?;
        for endpoint in dropped {
            self.engine.endpoint_dropped(endpoint).await;
        }
        Ok(())
    }

    /// The record is gone.
    async fn remove(&self, applying: &mut Applying<'_>) -> Result<(), StorageError> {
        let old = applying.old.take();
        let Some(old) = old.filter(|old| old.state != WispState::Removed) else {
            return Ok(());
        };
        let now = applying.now;
        if let Some(endpoint) = old.endpoint {
            let endpoints = self.storage.endpoints();
            endpoints.retire(applying.tx, endpoint, now).await?;
            applying.dropped.push(endpoint);
        }
        let made_room = old.state == WispState::Active;
        // The endpoint stays known by its webhook for as long as the record of its deliveries is shown.
        let gone = WispWebhook {
            state: WispState::Removed,
            paused: false,
            cid: None,
            rev: applying.rev.clone(),
            ..old
        };
        let webhooks = self.storage.wisp_webhooks();
        webhooks.put(applying.tx, &gone, now).await?;
        tracing::info!(owner = %gone.owner, rkey = %gone.rkey, "a webhook is gone");
        if made_room {
            self.retry_waiting(applying).await?;
        }
        Ok(())
    }

    /// The record is there, and says this.
    async fn apply(&self, applying: &mut Applying<'_>, found: &Found) -> Result<(), StorageError> {
        let webhooks = self.storage.wisp_webhooks();
        let unknown = applying.old.is_none();
        if unknown && !webhooks.can_keep(applying.tx, applying.owner).await? {
            let (owner, rkey) = (applying.owner, applying.rkey);
            tracing::warn!(%owner, %rkey, "there are too many webhooks to keep another");
            return Ok(());
        }
        let read = Webhook::read(&found.record, &self.guard);
        let wanted = match &read {
            Ok(webhook) => self.wanted(applying, webhook).await?,
            Err(invalid) => Wanted::Not(
                refused(WispRefusal::Invalid, &invalid.to_string()),
                DisableReason::Refused,
            ),
        };
        let old = applying.old.take();
        let mut new = described(applying, found, read.ok().as_ref(), old.as_ref());
        let same = new.cid.is_some() && old.as_ref().is_some_and(|old| old.cid == new.cid);
        match wanted {
            Wanted::Active(target, secret) => {
                self.tell(applying, &mut new, target, secret, same).await?;
            }
            Wanted::Not(state, reason) => {
                if let Some(endpoint) = new.endpoint {
                    let endpoints = self.storage.endpoints();
                    let now = applying.now;
                    endpoints
                        .disable(applying.tx, endpoint, reason, now)
                        .await?;
                    applying.dropped.push(endpoint);
                }
                new.state = state;
            }
        }
        webhooks.put(applying.tx, &new, applying.now).await?;
        let (owner, rkey, state) = (applying.owner, applying.rkey, &new.state);
        tracing::info!(%owner, %rkey, %state, "a webhook was read");
        let was_active = old.is_some_and(|old| old.state == WispState::Active);
        if was_active && new.state != WispState::Active {
            self.retry_waiting(applying).await?;
        }
        Ok(())
    }

    async fn wanted(
        &self,
        applying: &mut Applying<'_>,
        webhook: &Webhook,
    ) -> Result<Wanted, StorageError> {
        if !webhook.enabled() {
            return Ok(Wanted::Not(WispState::Disabled, DisableReason::Owner));
        }
        let webhooks = self.storage.wisp_webhooks();
        let (owner, rkey) = (applying.owner, applying.rkey);
        let full = webhooks.full(applying.tx, owner, rkey, &self.caps).await?;
        if let Some(full) = full {
            let state = refused(WispRefusal::Limit, &full);
            return Ok(Wanted::Not(state, DisableReason::Refused));
        }
        let secret = match webhook.secret_id() {
            None => webhook.secret(),
            Some(name) => {
                let secrets = self.storage.wisp_secrets();
                let found = secrets.find_within(applying.tx, owner, name).await?;
                let Some(secret) = found else {
                    let reason = format!("there is no secret `{name}`");
                    let state = refused(WispRefusal::NoSecret, &reason);
                    return Ok(Wanted::Not(state, DisableReason::NoSecret));
                };
                Some(secret)
            }
        };
        Ok(Wanted::Active(webhook.target(), secret))
    }

    /// Its endpoint is told from now on as the record says; what waits for it as it was before is not.
    async fn tell(
        &self,
        applying: &mut Applying<'_>,
        new: &mut WispWebhook,
        target: Target,
        secret: Option<Secret>,
        same: bool,
    ) -> Result<(), StorageError> {
        let now = applying.now;
        let endpoints = self.storage.endpoints();
        let id = match new.endpoint {
            Some(id) => id,
            None => EndpointId::new(now, chance::bytes()),
        };
        let is_new = new.endpoint.replace(id).is_none();
        if !is_new && !same {
            let changed = CancelReason::Changed;
            endpoints.cancel_open(applying.tx, id, changed, now).await?;
        }
        let secrets = secret.map_or_else(Secrets::default, Secrets::one);
        let (owner, profile) = (applying.owner.clone(), self.terms.version.profile());
        let endpoint = Endpoint::new(id, owner, target, profile, secrets, now);
        let uri = format!("at://{}/{}/{}", applying.owner, Wh::TYPE, applying.rkey);
        endpoints
            .put_standing(applying.tx, &endpoint, &uri, now)
            .await?;
        applying.dropped.push(id);
        Ok(())
    }

    /// There is room for a webhook that was refused for want of it: the first few of the same owner are
    /// read again.
    async fn retry_waiting(&self, applying: &mut Applying<'_>) -> Result<(), StorageError> {
        let webhooks = self.storage.wisp_webhooks();
        let all = webhooks.list_within(applying.tx, applying.owner).await?;
        let waiting = all.iter().filter(|one| {
            matches!(&one.state, WispState::Refused { kind, .. } if *kind == WispRefusal::Limit)
        });
        let reads: Vec<_> = waiting
            .take(WAITING)
            .map(|one| {
                let (rev, deleted) = (one.rev.clone(), false);
                let hint = hint::written(&Hint { rev, deleted });
                (hint::subject(&one.owner, &one.rkey), hint)
            })
            .collect();
        hint::put(&self.storage, applying.tx, READ, &reads, applying.now).await?;
        self.bell.ring();
        Ok(())
    }
}

/// How often the host was asked in vain.
fn silences(errand: &Errand, error: &AskError) -> u32 {
    match error {
        AskError::NoPlace(busy) => busy.silences,
        _ => errand.attempts,
    }
}

/// The endpoint that a webhook goes on with: one whose record was removed does not come back.
fn endpoint_of(old: &WispWebhook) -> Option<EndpointId> {
    old.endpoint.filter(|_| old.state != WispState::Removed)
}

/// The webhook as its record describes it, told until something speaks against it.
fn described(
    applying: &Applying<'_>,
    found: &Found,
    read: Option<&Webhook>,
    old: Option<&WispWebhook>,
) -> WispWebhook {
    WispWebhook {
        owner: applying.owner.clone(),
        rkey: applying.rkey.clone(),
        endpoint: old.and_then(endpoint_of),
        state: WispState::Active,
        paused: false,
        scope: read.map_or_else(String::new, Webhook::scope_text),
        backlinks: read.is_some_and(Webhook::backlinks),
        actions: read.map_or_else(Vec::new, Webhook::action_names),
        secret_id: read.and_then(Webhook::secret_id).map(str::to_owned),
        cid: found.cid.as_ref().map(|cid| cid.as_str().to_owned()),
        rev: applying.rev.clone(),
    }
}

fn refused(kind: WispRefusal, reason: &str) -> WispState {
    // Words that a stranger may have put into it: bounded, and without what no database takes.
    let reason = reason.replace(char::is_control, " ");
    let reason = reason[..reason.floor_char_boundary(300)].to_owned();
    WispState::Refused { kind, reason }
}

fn subject(text: &str) -> Option<(Did, RecordKey)> {
    let (owner, rkey) = text.split_once('/')?;
    Some((Did::new(owner).ok()?, RecordKey::new(rkey).ok()?))
}
