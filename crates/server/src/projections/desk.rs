//! What owners do with their projections, whichever way they come in.

mod looking;
mod room;

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use loggia_delivery::{
    CustomHeaders, Endpoint, EndpointId, Handle, InvalidHeaders, Profile, Secret, Secrets, Target,
};
use loggia_storage::{
    Appended, NewEvent, NewProjection, OwnedEndpoint, Projection, ProjectionId, ReaderCaps,
    Storage, StorageError, Write,
};
use loggia_syntax::Did;
use tokio::sync::Notify;

use crate::chance;
use crate::delivery_desk::DeliveryDesk;
use crate::lexicons::Lexicons;
use crate::projections::definition::{Definition, Invalid};
use crate::projections::feeding::Feeding;
use crate::projections::followers::Followers;
use crate::projections::holders::Holders;
use crate::projections::reducers::{NotRun, Reducers};
use crate::projections::{intake, readers};

/// Most projections of one owner: each of them folds whatever its owner appends.
const MOST: u32 = 100;
/// How long the old secret signs beside a new one, in the headers that have room for two.
const OVERLAP: SignedDuration = SignedDuration::from_hours(24);

/// Histories and projections. Cheap to clone.
#[derive(Clone)]
pub struct ProjectionDesk {
    /// Where they are kept.
    pub storage: Storage,
    /// The way into the delivery engine.
    pub engine: Handle,
    /// Threads for programs.
    pub reducers: Reducers,
    /// Who waits for notifications.
    pub followers: Followers,
    /// Who holds streams open.
    pub holders: Holders,
    /// Tells that there is something to fold.
    pub wake: Arc<Notify>,
    deliveries: DeliveryDesk,
    caps: ReaderCaps,
}

/// Where an owner wants notifications posted to.
#[derive(Clone, Debug, Default)]
pub struct Hook {
    /// The URL.
    pub url: String,
    /// Whether to sign with a secret of its own.
    pub isolate: bool,
    /// What to add to each request.
    pub headers: BTreeMap<String, String>,
}

/// A projection with its webhook.
#[derive(Clone, Debug)]
pub struct Shown {
    /// The projection.
    pub projection: Projection,
    /// What its owner wrote.
    pub definition: Definition,
    /// Its webhook.
    pub endpoint: Option<OwnedEndpoint>,
    /// From when on the events of its source are kept, if some have gone.
    pub history_from: Option<Timestamp>,
}

/// What was put.
#[derive(Debug)]
pub struct Put {
    /// The projection.
    pub shown: Shown,
    /// Whether it is new.
    pub is_new: bool,
    /// What its webhook's requests are signed with.
    pub secret: Option<Secret>,
}

/// Why something is not done.
#[derive(Debug, thiserror::Error)]
pub enum DeskError {
    /// The owner has no such projection.
    #[error("there is no such projection")]
    NotFound,
    /// The owner has as many as are allowed.
    #[error("an account can have {MOST} projections: delete one first")]
    TooMany,
    /// The owner has as many as are allowed of those that read what happens elsewhere.
    #[error(
        "an account can have {0} projections that read the record stream or spaces: delete one first"
    )]
    TooManyReaders(u32),
    /// So many projections read the source, whosever they are.
    #[error("{0} projections read this source, and no more can on this server")]
    SourceFull(u32),
    /// The definition.
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// The webhook's URL.
    #[error("{0}")]
    Url(String),
    /// The webhook's headers.
    #[error("`headers`: {0}")]
    Headers(#[from] InvalidHeaders),
    /// A space whose rules do not let the owner read it, or no longer.
    #[error("the rules of the space do not let this account read it with any app")]
    NotAReader,
    /// The projection has no webhook with a secret of its own.
    #[error("the projection has no webhook with a secret of its own")]
    NotIsolated,
    /// The store.
    #[error("the store failed")]
    Storage(#[from] StorageError),
    /// A program could not be looked at.
    #[error("a program could not be compiled")]
    NotRun(#[from] NotRun),
    /// Something is not JSON that should be.
    #[error("a definition cannot be read or written")]
    Json(#[from] serde_json::Error),
}

impl ProjectionDesk {
    /// The desk of a server; `caps` are those of the record stream.
    pub fn new(deliveries: &DeliveryDesk, lexicons: &Lexicons, caps: ReaderCaps) -> Self {
        Self {
            storage: deliveries.storage.clone(),
            engine: deliveries.engine.clone(),
            reducers: Reducers::new(lexicons.clone()),
            followers: Followers::default(),
            holders: Holders::default(),
            wake: Arc::default(),
            deliveries: deliveries.clone(),
            caps,
        }
    }

    /// Where other parts of the server tell what happens.
    pub fn feeding(&self) -> Feeding {
        Feeding::new(self.storage.clone(), self.wake.clone())
    }

    /// Makes a projection, or changes the one of this id; a parked one goes on where it stood.
    ///
    /// # Errors
    /// What is wrong with it.
    pub async fn put(
        &self,
        owner: &Did,
        id: Option<ProjectionId>,
        definition: &Definition,
        hook: Option<Hook>,
        now: Timestamp,
    ) -> Result<Put, DeskError> {
        let (reads, space) = (definition.reads()?, definition.space()?);
        if let Some(space) = &space
            && !readers::may_read(&self.storage, owner, space).await?
        {
            return Err(DeskError::NotAReader);
        }
        self.reducers.check(definition).await??;
        let hook = hook.map(|hook| self.read(hook)).transpose()?;
        let new = NewProjection {
            definition: serde_json::to_string(definition)?,
            reads,
        };
        let is_new = id.is_none();
        let id = id.unwrap_or_else(|| ProjectionId::new(now, chance::bytes()));
        let projections = self.storage.projections();
        let mut tx = self.storage.begin().await?;
        let which = (id, owner);
        if new.reads.is_some() {
            self.check_room(&mut tx, which, space.as_ref()).await?;
        }
        if is_new {
            if !projections.insert(&mut tx, which, &new, MOST, now).await? {
                return Err(DeskError::TooMany);
            }
        } else if !projections.update(&mut tx, which, &new, now).await? {
            return Err(DeskError::NotFound);
        }
        let found = projections.find_within(&mut tx, which).await?;
        let found = found.ok_or(DeskError::NotFound)?;
        let before = found.endpoint;
        let secret = self.put_hook(&mut tx, &found, hook, now).await?;
        tx.commit().await?;
        if let Some(endpoint) = before {
            self.engine.endpoint_dropped(endpoint).await;
        }
        self.wake.notify_one();
        Ok(Put {
            shown: self.shown(id, owner).await?,
            is_new,
            secret,
        })
    }

    fn read(&self, hook: Hook) -> Result<ReadHook, DeskError> {
        let target = self.deliveries.read_target(&hook.url);
        Ok(ReadHook {
            target: target.map_err(DeskError::Url)?,
            isolate: hook.isolate,
            headers: CustomHeaders::new(hook.headers)?,
        })
    }

    /// Gives a projection the webhook that it is to have; what that signs with. An isolated secret
    /// stays when only the URL changes.
    async fn put_hook(
        &self,
        tx: &mut Write,
        projection: &Projection,
        hook: Option<ReadHook>,
        now: Timestamp,
    ) -> Result<Option<Secret>, DeskError> {
        let projections = self.storage.projections();
        let (id, owner, before) = (projection.id, &projection.owner, projection.endpoint);
        let found = match before {
            Some(before) => self.storage.endpoints().find_owned(owner, before).await?,
            None => None,
        };
        let Some(hook) = hook else {
            if let Some(before) = before {
                let which = (owner, before);
                projections.remove_endpoint(tx, id, which, now).await?;
            }
            return Ok(None);
        };
        if let Some(found) = found
            && projection.isolated == hook.isolate
        {
            let which = (owner, found.endpoint.id);
            let change = (hook.target, hook.headers);
            projections.change_endpoint(tx, which, change, now).await?;
            return Ok(found.endpoint.secrets.current);
        }
        if let Some(before) = before {
            let which = (owner, before);
            projections.remove_endpoint(tx, id, which, now).await?;
        }
        let new = Secret::generate(chance::bytes());
        let secret = match hook.isolate {
            true => new,
            false => projections.shared_secret(tx, owner, new).await?,
        };
        let mut endpoint = Endpoint::new(
            EndpointId::new(now, chance::bytes()),
            owner.clone(),
            hook.target,
            Profile::Hapnd,
            Secrets::one(secret.clone()),
            now,
        );
        endpoint.headers = hook.headers;
        projections
            .add_endpoint(tx, id, &endpoint, hook.isolate)
            .await?;
        Ok(Some(secret))
    }

    /// Deletes a projection.
    ///
    /// # Errors
    /// There is no such.
    pub async fn delete(
        &self,
        id: ProjectionId,
        owner: &Did,
        now: Timestamp,
    ) -> Result<(), DeskError> {
        let mut tx = self.storage.begin().await?;
        let projections = self.storage.projections();
        let deleted = projections.delete(&mut tx, (id, owner), now).await?;
        let deleted = deleted.ok_or(DeskError::NotFound)?;
        tx.commit().await?;
        self.followers.deleted(id);
        if let Some(endpoint) = deleted.endpoint {
            self.engine.endpoint_dropped(endpoint).await;
        }
        Ok(())
    }

    /// Folds a projection anew from the first event on.
    ///
    /// # Errors
    /// There is no such.
    pub async fn reactivate(
        &self,
        id: ProjectionId,
        owner: &Did,
        now: Timestamp,
    ) -> Result<Shown, DeskError> {
        let mut tx = self.storage.begin().await?;
        let projections = self.storage.projections();
        if !projections.restart(&mut tx, (id, owner), now).await? {
            return Err(DeskError::NotFound);
        }
        tx.commit().await?;
        self.wake.notify_one();
        self.shown(id, owner).await
    }

    /// Gives a projection's webhook, which has a secret of its own, a new one.
    ///
    /// # Errors
    /// There is no such projection, or no such webhook.
    pub async fn rotate(
        &self,
        id: ProjectionId,
        owner: &Did,
        now: Timestamp,
    ) -> Result<Secret, DeskError> {
        let projections = self.storage.projections();
        let found = projections.find(id, owner).await?;
        let found = found.ok_or(DeskError::NotFound)?;
        let endpoint = found.endpoint.filter(|_| found.isolated);
        let endpoint = endpoint.ok_or(DeskError::NotIsolated)?;
        let secret = Secret::generate(chance::bytes());
        let mut tx = self.storage.begin().await?;
        let which = (owner, endpoint);
        let rotated = projections.rotate(&mut tx, which, secret.clone(), OVERLAP, now);
        if !rotated.await? {
            return Err(DeskError::NotIsolated);
        }
        tx.commit().await?;
        self.engine.endpoint_dropped(endpoint).await;
        Ok(secret)
    }

    /// Gives all webhooks of an owner that share a secret a new one.
    ///
    /// # Errors
    /// The store failed.
    pub async fn rotate_shared(&self, owner: &Did, now: Timestamp) -> Result<Secret, DeskError> {
        let secret = Secret::generate(chance::bytes());
        let mut tx = self.storage.begin().await?;
        let projections = self.storage.projections();
        let rotated = projections.rotate_shared(&mut tx, owner, &secret, OVERLAP, now);
        let rotated = rotated.await?;
        tx.commit().await?;
        for endpoint in rotated {
            self.engine.endpoint_dropped(endpoint).await;
        }
        Ok(secret)
    }

    /// Appends events, all or none of them, and wakes the folding.
    ///
    /// # Errors
    /// The store failed.
    pub async fn append(
        &self,
        owner: &Did,
        events: Vec<NewEvent>,
        now: Timestamp,
    ) -> Result<Appended, StorageError> {
        let mut tx = self.storage.begin().await?;
        let appended = intake::append(&self.storage, &mut tx, owner, events, now).await?;
        if matches!(appended, Appended::Done(_)) {
            tx.commit().await?;
            self.wake.notify_one();
        }
        Ok(appended)
    }
}

/// A webhook that can be called.
struct ReadHook {
    target: Target,
    isolate: bool,
    headers: CustomHeaders,
}
