//! Calls that are made to others in the name of an account here, for which their documents have to be
//! asked first: news of local repositories to the hosts of spaces elsewhere, and revocations (see
//! `revocation`).
//!
//! What is wanted is an errand, written in the transaction of its cause, of which the newest about the
//! same thing counts. Once it is known where to call, it becomes a delivery.

use std::sync::Arc;

use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use loggia_api::com::atproto::space::{notify_credential_revoked, notify_write};
use loggia_delivery::{
    Clock as _, Endpoint, EndpointId, EndpointState, Handle, NewNotification, Notification,
    NotificationId, Parties, Profile, Recipient, Secrets, SystemClock, Target,
};
use loggia_identity::{DidDocument, ResolveDid as _, ResolveError, Service, ServiceLookupError};
use loggia_storage::{Errand, RepoName, Storage, StorageError, Write, Written};
use loggia_syntax::{Did, Nsid, SpaceRef};
use loggia_xrpc::Method as _;
use loggia_xrpc_client::AddressGuard;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::runner::AT_ONCE;
use crate::chance;
use crate::host_places::{Kind, NoPlace, Places, own_host};
use crate::reach::Documents;
use crate::space_host::{AccountsError, HostedAccounts};

/// What kind of call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Call {
    /// `notifyWrite` to the host of the space.
    Advance,
    /// `notifyCredentialRevoked` to the host of an account, or to a service.
    Revocation,
}

/// A call that is wanted, as the payload of its errand.
#[derive(Debug, Deserialize, Serialize)]
pub(super) struct Wanted {
    /// In whose name.
    pub(super) issuer: Did,
    /// Whose document says where to call.
    pub(super) callee: Did,
    /// The service of theirs, by the name that it was registered with; none for their host.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) service: Option<String>,
    pub(super) space: SpaceRef,
    /// The input of the method, as JSON.
    pub(super) body: String,
    /// The millisecond since 1970 in which it was wanted.
    pub(super) at: i64,
}

/// What makes deliveries of errands.
pub(crate) struct Outbound {
    pub(crate) storage: Storage,
    pub(crate) engine: Handle,
    pub(crate) documents: Documents,
    pub(crate) guard: AddressGuard,
    pub(crate) accounts: HostedAccounts,
    /// Who may be asked now.
    pub(crate) places: Places,
}

/// Why an errand was not done.
#[derive(Debug, thiserror::Error)]
pub(super) enum Undone {
    #[error("the database failed")]
    Storage(#[from] StorageError),
    #[error(transparent)]
    Accounts(#[from] AccountsError),
    #[error("what was to be said cannot be read")]
    Payload(#[from] serde_json::Error),
    #[error("the document cannot be found")]
    Resolve(#[from] ResolveError),
    #[error("the document was not to be had in time")]
    Late,
    #[error("the host of the document is asked later")]
    NoPlace(NoPlace),
    #[error(transparent)]
    Service(#[from] ServiceLookupError),
    #[error("the endpoint may not be called")]
    Endpoint(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Tells the host of a space elsewhere, in time, that a repository here has advanced.
pub(super) async fn advanced(
    storage: &Storage,
    tx: &mut Write,
    repo: &RepoName,
    written: &Written,
    now: Timestamp,
) -> Result<(), crate::space_notices::NotifyError> {
    let rev = ("rev".to_owned(), written.rev.as_str().into());
    let input = notify_write::Input {
        space: repo.space.clone(),
        repo: repo.author.clone(),
        repo_rev: written.rev.clone(),
        hash: written.hash[..].into(),
        space_rev: None,
        prev_space_rev: None,
        extra: [rev].into_iter().collect(),
    };
    let wanted = Wanted {
        issuer: repo.author.clone(),
        callee: repo.space.authority(),
        service: None,
        space: repo.space.clone(),
        body: serde_json::to_string(&input)?,
        at: now.as_millisecond(),
    };
    let subject = format!("{} {}", repo.author, repo.space);
    let payload = serde_json::to_string(&wanted)?;
    let kind = Call::Advance.kind();
    Ok(storage
        .errands()
        .put(tx, kind, &subject, &payload, now)
        .await?)
}

impl Call {
    /// All of them.
    pub(super) const ALL: [Self; 2] = [Self::Advance, Self::Revocation];

    /// What errands of this kind are called.
    pub(super) fn kind(self) -> &'static str {
        match self {
            Self::Advance => "space-advance",
            Self::Revocation => "space-revocation",
        }
    }

    /// For how long it is of interest: news for a day, and a revocation as long as a credential lives.
    pub(super) fn lasts(self) -> SignedDuration {
        match self {
            Self::Advance => SignedDuration::from_hours(24),
            Self::Revocation => SignedDuration::from_hours(2),
        }
    }

    fn method(self) -> Nsid {
        Nsid::from_static(match self {
            Self::Advance => notify_write::NotifyWrite::NSID,
            Self::Revocation => notify_credential_revoked::NotifyCredentialRevoked::NSID,
        })
    }

    /// For whom the token is.
    fn audience(self, wanted: &Wanted) -> String {
        let callee = &wanted.callee;
        match (self, &wanted.service) {
            (_, Some(service)) => service.clone(),
            (Self::Advance, None) => format!("{callee}{}", DidDocument::SPACE_HOST),
            (Self::Revocation, None) => callee.to_string(),
        }
    }

    /// Where to call. Only where an authority names no host of its spaces its PDS stands in.
    fn service<'a>(
        self,
        document: &'a DidDocument,
        wanted: &Wanted,
    ) -> Result<&'a Service, ServiceLookupError> {
        let (pds, pds_type) = DidDocument::PDS;
        let service = wanted.service.as_deref();
        if let Some((_, fragment)) = service.and_then(|name| name.split_once('#')) {
            return document.find_service(&format!("#{fragment}"), None);
        }
        if self == Self::Advance {
            match document.find_service(DidDocument::SPACE_HOST, None) {
                Err(ServiceLookupError::Missing { .. }) => {}
                found => return found,
            }
        }
        document.find_service(pds, Some(pds_type))
    }

    /// What a delivery is the newest state of. Each revocation is of its own.
    fn topic(self, wanted: &Wanted) -> Option<String> {
        (self == Self::Advance).then(|| wanted.space.to_string())
    }
}

impl Outbound {
    /// Makes a delivery of an errand.
    pub(super) async fn run(&self, call: Call, errand: &Errand) -> Result<(), Undone> {
        let wanted: Wanted = serde_json::from_str(&errand.payload)?;
        let now = SystemClock.now();
        let deadline = deadline(&wanted, call);
        // Whoever is here knows already.
        let is_here = wanted.service.is_none() && self.accounts.hosts(&wanted.callee).await?;
        if is_here || deadline <= now {
            return self.finish(errand).await;
        }
        let document = self.document(call, &wanted.callee, now).await?;
        let url = self
            .guard
            .read_url(&call.service(&document, &wanted)?.endpoint);
        let url = url.map_err(|error| Undone::Endpoint(Box::new(error)))?;
        let target =
            Target::new(url.as_str()).map_err(|error| Undone::Endpoint(Box::new(error)))?;
        self.enqueue(call, errand, &wanted, target, now).await
    }

    /// Somebody's document; if it is at a host of their own, when that may be asked.
    async fn document(
        &self,
        call: Call,
        callee: &Did,
        now: Timestamp,
    ) -> Result<Arc<DidDocument>, Undone> {
        let resolving = self.documents.resolve(callee, now);
        let Some(host) = own_host(callee) else {
            return Ok(resolving.await?);
        };
        let kind = Kind {
            name: call.kind(),
            at_once: AT_ONCE,
        };
        let place = self.places.enter(&host, kind);
        let mut place = place.map_err(Undone::NoPlace)?;
        let Ok(resolved) = tokio::time::timeout(place.patience(), resolving).await else {
            place.answered(false);
            return Err(Undone::Late);
        };
        place.answered(!resolved.as_ref().is_err_and(ResolveError::is_transient));
        Ok(resolved?)
    }

    async fn enqueue(
        &self,
        call: Call,
        errand: &Errand,
        wanted: &Wanted,
        target: Target,
        now: Timestamp,
    ) -> Result<(), Undone> {
        let deadline = deadline(wanted, call);
        let mut tx = self.storage.begin().await?;
        let endpoint = self.endpoint(&mut tx, call, wanted, target, now).await?;
        let notification = Notification {
            id: NotificationId::new(now, chance::bytes()),
            kind: call.method(),
            subject: wanted.space.to_string(),
            body: Bytes::from(wanted.body.clone()),
            created_at: now,
            deadline,
        };
        let recipient = Recipient {
            topic: call.topic(wanted),
            ..Recipient::new(endpoint, deadline)
        };
        let new = NewNotification {
            notification,
            source: None,
        };
        let deliveries = self.storage.deliveries();
        deliveries
            .enqueue(&mut tx, new, &[recipient], None, now)
            .await?;
        if self.storage.errands().done(&mut tx, errand).await? {
            tx.commit().await?;
            self.engine.endpoint_dropped(endpoint).await;
            self.engine.wake();
        }
        Ok(())
    }

    /// The endpoint of this issuer at this service, made or moved if need be.
    async fn endpoint(
        &self,
        tx: &mut Write,
        call: Call,
        wanted: &Wanted,
        target: Target,
        now: Timestamp,
    ) -> Result<EndpointId, StorageError> {
        let id = endpoint_id(call, wanted);
        let endpoints = self.storage.endpoints();
        let found = endpoints.find(id).await?;
        let stands = found.is_some_and(|endpoint| {
            endpoint.target == target && endpoint.state == EndpointState::Active
        });
        if stands {
            return Ok(id);
        }
        let (issuer, secrets) = (wanted.issuer.clone(), Secrets::default());
        let profile = Profile::SpaceProtocol;
        let mut endpoint = Endpoint::new(id, issuer.clone(), target, profile, secrets, now);
        endpoint.parties = Some(Parties {
            issuer,
            audience: call.audience(wanted),
        });
        let description = endpoint
            .parties
            .as_ref()
            .map_or("", |parties| &parties.audience);
        endpoints
            .put_standing(tx, &endpoint, description, now)
            .await?;
        Ok(id)
    }

    async fn finish(&self, errand: &Errand) -> Result<(), Undone> {
        let mut tx = self.storage.begin().await?;
        self.storage.errands().done(&mut tx, errand).await?;
        Ok(tx.commit().await?)
    }

    /// When an errand is not of interest any more; never, if that cannot be read.
    pub(super) fn is_over(&self, call: Call, errand: &Errand, now: Timestamp) -> bool {
        let wanted = serde_json::from_str::<Wanted>(&errand.payload);
        wanted.is_ok_and(|wanted| deadline(&wanted, call) <= now)
    }
}

fn deadline(wanted: &Wanted, call: Call) -> Timestamp {
    let at = Timestamp::from_millisecond(wanted.at).unwrap_or(Timestamp::UNIX_EPOCH);
    at.saturating_add(call.lasts()).unwrap_or(Timestamp::MAX)
}

/// The same for the same parties, so that there is one endpoint for them.
fn endpoint_id(call: Call, wanted: &Wanted) -> EndpointId {
    let issuer = &wanted.issuer;
    let callee = wanted.service.as_deref().unwrap_or(wanted.callee.as_str());
    let digest = Sha256::digest(format!("{} {issuer} {callee}", call.kind()));
    let id = EndpointId::from_slice(&digest[..16]);
    id.expect("any sixteen bytes are one")
}
