//! The delivery engine of this server, and what it is connected with.

use std::future::Future;
use std::sync::Arc;

use jiff::Timestamp;
use loggia_auth::SigningKey;
use loggia_auth::service_auth::{self, Mint, MintError};
use loggia_delivery::{
    Due, Engine, Handle, Limits, Minting, NodeId, Observed, Observer, Parties, ServiceAuth, Signer,
    SystemClock, Unsigned,
};
use loggia_storage::{Announcement, Deliveries, Storage};
use loggia_syntax::Did;

use crate::archive::{self, Archive};
use crate::chance;
use crate::config::Config;
use crate::daily::Daily;
use crate::delivery_desk::DeliveryDesk;
use crate::keys::Keyring;
use crate::live_channel::{LiveChannel, LivePublisher};
use crate::outcomes::Outcomes;
use crate::outgoing::Outgoing;
use crate::replays;
use crate::running::{ATTEMPTS, Part, Running};
use crate::serve::ServeError;
use crate::space_host::{AccountsError, HostedAccounts};
use crate::space_hub::HostAudience;

/// How long a token for one attempt lives, in seconds: no longer than an attempt may take.
const TOKEN_LIFETIME: i64 = 60;

/// The engine, and what it works with.
pub(crate) struct Delivering {
    engine: Engine<Deliveries, Outgoing, SystemClock>,
    daily: Daily,
    live: Option<LivePublisher>,
    /// What this process is called among those that share the database.
    pub(crate) node: NodeId,
    /// What the handlers see of it.
    pub(crate) desk: DeliveryDesk,
}

impl Delivering {
    /// Everything that delivers over this store.
    pub(crate) fn new(
        config: &Config,
        storage: &Storage,
        outgoing: &Outgoing,
        signer: ServiceSigner,
    ) -> Result<Self, ServeError> {
        let node = node(storage);
        let (engine, handle) = Engine::new(
            node.clone(),
            storage.deliveries(),
            outgoing.clone(),
            SystemClock,
            chance::number,
            limits(config),
        );
        let outcomes = Outcomes::default();
        let mut observers: Vec<Arc<dyn Observer>> = vec![Arc::new(outcomes.clone())];
        let mut live = None;
        if let Some(url) = &config.redis {
            let (channel, publisher) =
                LiveChannel::open(url.as_str(), &config.redis_channel, storage.wisp_webhooks())?;
            observers.push(Arc::new(channel));
            live = Some(publisher);
        }
        let archive = Archive::open(&config.archive, archive::environment())?;
        Ok(Self {
            engine: engine
                .with_signer(Arc::new(signer))
                .with_observer(Arc::new(All(observers))),
            daily: Daily::new(storage.clone(), archive, config.kept),
            live,
            node,
            desk: DeliveryDesk::new(config, storage, handle, outcomes),
        })
    }

    /// Starts all of it.
    pub(crate) fn run(self, running: &mut Running, storage: &Storage) {
        let delivery = self.engine.run(running.stopping());
        running.start(Part::Delivery, async { Ok(delivery.await?) });
        let DeliveryDesk {
            engine, replays, ..
        } = self.desk;
        let follower = engine.clone();
        running.start_steady(Part::Announcements, |stopping| {
            follow(storage.clone(), follower, stopping)
        });
        running.start_steady(Part::Replays, |stopping| {
            replays::run(storage.clone(), engine, replays, stopping)
        });
        running.start_steady(Part::DailySweep, |stopping| self.daily.run(stopping));
        if let Some(live) = self.live {
            running.start_steady(Part::LiveChannel, |stopping| live.run(stopping));
        }
    }
}

fn limits(config: &Config) -> Limits {
    Limits {
        attempt: config.attempt_timeout,
        stop: ATTEMPTS,
        lease_for: config.lease,
        wisp_attempts: config.wisp_attempts,
        ..Limits::default()
    }
}

/// Several who hear the same.
struct All(Vec<Arc<dyn Observer>>);

impl Observer for All {
    fn recorded(&self, outcome: &Observed<'_>) {
        for one in &self.0 {
            one.recorded(outcome);
        }
    }
}

/// One process owns an SQLite file, so its old leases are its own whatever it was called. Of those
/// that share a database each has a name of its own, anew at every start.
fn node(storage: &Storage) -> NodeId {
    if storage.location().is_shared() {
        NodeId::new(&format!("{:016x}", chance::number()))
    } else {
        NodeId::new("single")
    }
}

/// Tells the engine what other nodes announce, until `shutdown` ends.
async fn follow(storage: Storage, engine: Handle, shutdown: impl Future<Output = ()>) {
    let mut announcements = storage.announcements();
    tokio::pin!(shutdown);
    loop {
        tokio::select! {
            () = &mut shutdown => return,
            announced = announcements.next() => match announced {
                Announcement::Due => engine.wake(),
                Announcement::Endpoint(endpoint) => engine.endpoint_dropped(endpoint).await,
            },
        }
    }
}

/// Mints the service auth that an attempt needs: in the name of the account here that the endpoint
/// names, or else in this server's.
pub(crate) struct ServiceSigner {
    pub(crate) keys: Keyring,
    pub(crate) issuer: Did,
    pub(crate) accounts: HostedAccounts,
    /// How hosts of spaces are addressed.
    pub(crate) hosts: HostAudience,
}

/// Why there is no token.
#[derive(Debug, thiserror::Error)]
enum NoToken {
    #[error(transparent)]
    Accounts(#[from] AccountsError),
    #[error("{0} is not hosted here any more")]
    Account(Did),
    #[error(transparent)]
    Mint(#[from] MintError),
}

impl ServiceSigner {
    /// For the endpoint's audience, or for this one instead.
    async fn mint(
        &self,
        due: &Due,
        instead: Option<&str>,
        now: Timestamp,
    ) -> Result<String, NoToken> {
        let mint = |key: &SigningKey, issuer: &Did, audience: &str| {
            let token = Mint {
                issuer,
                audience,
                method: &due.notification.kind,
                now,
                lifetime: TOKEN_LIFETIME,
                id: chance::bytes(),
            };
            Ok(service_auth::mint(key, &token)?)
        };
        let Some(Parties { issuer, audience }) = &due.endpoint.parties else {
            let key = &self.keys.held().atproto;
            return mint(key, &self.issuer, due.endpoint.owner.as_str());
        };
        let key = self.accounts.key(issuer).await?;
        let key = key.ok_or_else(|| NoToken::Account(issuer.clone()))?;
        mint(&key, issuer, instead.unwrap_or(audience))
    }

    async fn sign(
        &self,
        due: &Due,
        instead: Option<&str>,
        now: Timestamp,
    ) -> Result<ServiceAuth, Unsigned> {
        let minted = self.mint(due, instead, now).await;
        minted
            .map(|token| ServiceAuth(token.into()))
            .map_err(|error| Unsigned(Box::new(error)))
    }
}

impl Signer for ServiceSigner {
    fn service_auth<'a>(&'a self, due: &'a Due, now: Timestamp) -> Minting<'a> {
        Box::pin(self.sign(due, None, now))
    }

    fn another<'a>(&'a self, due: &'a Due, status: u16, now: Timestamp) -> Option<Minting<'a>> {
        let instead = self.hosts.instead(due, status)?;
        Some(Box::pin(async move {
            self.sign(due, Some(&instead), now).await
        }))
    }
}
