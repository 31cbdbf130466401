//! What owners do with the webhooks of their communities.

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use loggia_delivery::{Endpoint, EndpointId, Profile, Secret, Secrets, Target};
use loggia_storage::{CommunityWebhook, CommunityWebhookChange, CommunityWebhooks, StorageError};
use loggia_syntax::{Did, Nsid};
use loggia_xrpc::{Failure, Rejection};
use loggia_xrpc_server::CallerKey;

use super::challenge::{self, Unanswered};
use super::{Event, event, limits};
use crate::at_once::AtOnce;
use crate::chance;
use crate::delivery_desk::DeliveryDesk;
use crate::outgoing::Outgoing;
use crate::space_host::{AccountsError, HostedAccounts, not_hosted};

/// Challenges under way at once: of one account, whose receivers may take their time, and altogether.
const CHALLENGES_OF_ONE: usize = 2;
/// See [`CHALLENGES_OF_ONE`].
const CHALLENGES: usize = 32;

/// Webhooks of communities. Cheap to clone.
#[derive(Clone)]
pub struct CommunityDesk {
    deliveries: DeliveryDesk,
    accounts: HostedAccounts,
    outgoing: Outgoing,
    timeout: Duration,
    challenges: Arc<AtOnce>,
}

/// Why something is not done.
#[derive(Debug, thiserror::Error)]
pub enum DeskError {
    /// The owner has no such webhook.
    #[error("there is no such webhook")]
    NotFound,
    /// The owner has as many as are allowed.
    #[error(
        "an account can have {} webhooks of its communities: delete one first",
        limits::WEBHOOKS
    )]
    TooMany,
    /// The URL.
    #[error("{0}")]
    Url(String),
    /// The receiver.
    #[error(transparent)]
    Unanswered(#[from] Unanswered),
    /// Too much is under way.
    #[error("too many receivers are being asked at the moment: try again later")]
    Busy,
    /// Whoever has no spaces here has nothing to tell.
    #[error("this server does not host the account")]
    NotHosted,
    /// The input.
    #[error("{}", .0.message)]
    Rejected(Rejection),
    /// The store.
    #[error("the store failed")]
    Storage(#[from] StorageError),
    /// It cannot be told whether the account is hosted here.
    #[error("an account cannot be looked up")]
    Accounts(#[from] AccountsError),
}

impl DeskError {
    /// As callers are told of it, where their method has no words of its own for it.
    pub(crate) fn into_failure<E>(self) -> Failure<E> {
        let message = self.to_string();
        match self {
            Self::Rejected(rejection) => rejection.into(),
            Self::NotHosted => not_hosted().into(),
            Self::Busy => Rejection::new(429, "TooManyRequests", message).into(),
            other => other.into(),
        }
    }
}

impl CommunityDesk {
    /// The desk of a server; receivers have as long to answer a challenge as for an attempt.
    pub(crate) fn new(
        deliveries: &DeliveryDesk,
        accounts: &HostedAccounts,
        outgoing: &Outgoing,
        timeout: Duration,
    ) -> Self {
        Self {
            deliveries: deliveries.clone(),
            accounts: accounts.clone(),
            outgoing: outgoing.clone(),
            timeout,
            challenges: Arc::new(AtOnce::new(CHALLENGES_OF_ONE, CHALLENGES)),
        }
    }

    /// The webhooks of the store.
    pub fn webhooks(&self) -> CommunityWebhooks {
        self.deliveries.storage.community_webhooks()
    }

    /// Makes a webhook, if its receiver answers the challenge.
    ///
    /// # Errors
    /// It is not made, and why.
    pub(crate) async fn create(
        &self,
        owner: &Did,
        (url, secret): (&str, Secret),
        names: impl Iterator<Item = &str>,
        in_order: bool,
        now: Timestamp,
    ) -> Result<CommunityWebhook, DeskError> {
        let events = event::read(names).map_err(DeskError::Rejected)?;
        let target = self.read_target(url)?;
        if !self.accounts.hosts(owner).await? {
            return Err(DeskError::NotHosted);
        }
        // Before anybody is asked in vain; it is counted once more when it is made.
        if self.webhooks().count(owner).await? >= i64::from(limits::WEBHOOKS) {
            return Err(DeskError::TooMany);
        }
        let id = EndpointId::new(now, chance::bytes());
        let secrets = Secrets::one(secret);
        let profile = Profile::Bettermode;
        let mut endpoint = Endpoint::new(id, owner.clone(), target, profile, secrets, now);
        endpoint.in_order = in_order;
        self.challenge(&endpoint, now).await?;
        let names: Vec<_> = events
            .iter()
            .map(|event| event.wire().name.into())
            .collect();
        let mut tx = self.deliveries.storage.begin().await?;
        let most = limits::WEBHOOKS;
        let webhooks = self.webhooks();
        let inserted = webhooks.insert(&mut tx, &endpoint, &names, most);
        if !inserted.await? {
            return Err(DeskError::TooMany);
        }
        tx.commit().await?;
        self.find(owner, id).await
    }

    /// Changes what is given, if the receiver at another URL answers the challenge.
    ///
    /// # Errors
    /// Nothing is changed, and why.
    pub(crate) async fn update(
        &self,
        (owner, id): (&Did, EndpointId),
        change: WantedChange<'_>,
        now: Timestamp,
    ) -> Result<CommunityWebhook, DeskError> {
        let found = self.find(owner, id).await?;
        let names = change.events.map(|names| event::read(names.into_iter()));
        let events = names.transpose().map_err(DeskError::Rejected)?;
        let target = change.url.map(|url| self.read_target(url)).transpose()?;
        let moved = target.filter(|target| *target != found.owned.endpoint.target);
        if let Some(target) = &moved {
            let mut endpoint = found.owned.endpoint.clone();
            endpoint.target = target.clone();
            self.challenge(&endpoint, now).await?;
        }
        let dropped = events.as_ref().map_or_else(Vec::new, |wanted| {
            let is_dropped = |event: &Event| !wanted.contains(event);
            let kind = |event: Event| Nsid::from_static(event.wire().kind);
            Event::ALL
                .into_iter()
                .filter(is_dropped)
                .map(kind)
                .collect()
        });
        let names = |events: Vec<Event>| events.iter().map(|one| one.wire().name.into()).collect();
        let change = CommunityWebhookChange {
            target: moved,
            events: events.map(names),
            dropped,
            in_order: change.in_order,
            active: change.active,
        };
        let mut tx = self.deliveries.storage.begin().await?;
        let webhooks = self.webhooks();
        if !webhooks.update(&mut tx, (owner, id), change, now).await? {
            return Err(DeskError::NotFound);
        }
        tx.commit().await?;
        self.deliveries.engine.endpoint_dropped(id).await;
        self.find(owner, id).await
    }

    /// Removes a webhook.
    ///
    /// # Errors
    /// There is no such.
    pub(crate) async fn delete(
        &self,
        owner: &Did,
        id: EndpointId,
        now: Timestamp,
    ) -> Result<(), DeskError> {
        let mut tx = self.deliveries.storage.begin().await?;
        if !self.webhooks().delete(&mut tx, (owner, id), now).await? {
            return Err(DeskError::NotFound);
        }
        tx.commit().await?;
        self.deliveries.engine.endpoint_dropped(id).await;
        Ok(())
    }

    /// Gives a webhook another secret.
    ///
    /// # Errors
    /// There is no such.
    pub(crate) async fn rotate(
        &self,
        (owner, id): (&Did, EndpointId),
        secret: Secret,
        overlap: SignedDuration,
        now: Timestamp,
    ) -> Result<CommunityWebhook, DeskError> {
        let mut tx = self.deliveries.storage.begin().await?;
        let webhooks = self.webhooks();
        let rotated = webhooks.rotate(&mut tx, (owner, id), secret, overlap, now);
        if !rotated.await? {
            return Err(DeskError::NotFound);
        }
        tx.commit().await?;
        self.deliveries.engine.endpoint_dropped(id).await;
        self.find(owner, id).await
    }

    /// One webhook of an owner.
    ///
    /// # Errors
    /// There is no such.
    pub(crate) async fn find(
        &self,
        owner: &Did,
        id: EndpointId,
    ) -> Result<CommunityWebhook, DeskError> {
        let found = self.webhooks().find(owner, id).await?;
        found.ok_or(DeskError::NotFound)
    }

    fn read_target(&self, url: &str) -> Result<Target, DeskError> {
        self.deliveries.read_target(url).map_err(DeskError::Url)
    }

    async fn challenge(&self, endpoint: &Endpoint, now: Timestamp) -> Result<(), DeskError> {
        let caller = CallerKey::Name(endpoint.owner.as_str().into());
        let _place = self.challenges.enter(Some(caller)).ok_or(DeskError::Busy)?;
        Ok(challenge::ask(&self.outgoing, endpoint, self.timeout, now).await?)
    }
}

/// What an owner wants changed: only what is given.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct WantedChange<'a> {
    pub(crate) url: Option<&'a str>,
    pub(crate) events: Option<Vec<&'a str>>,
    pub(crate) in_order: Option<bool>,
    pub(crate) active: Option<bool>,
}
