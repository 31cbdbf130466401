//! What owners see of their projections, and this process of what others have done.

use loggia_storage::{Projection, ProjectionId, StorageError, StoredEvent};
use loggia_syntax::Did;

use super::{DeskError, ProjectionDesk, Shown};
use crate::projections::definition::Definition;
use crate::projections::{readers, sources};

impl ProjectionDesk {
    /// One projection of an owner.
    ///
    /// # Errors
    /// There is no such.
    pub async fn shown(&self, id: ProjectionId, owner: &Did) -> Result<Shown, DeskError> {
        let found = self.storage.projections().find(id, owner).await?;
        self.show(found.ok_or(DeskError::NotFound)?).await
    }

    /// A projection whose notifications its owner may read now.
    ///
    /// # Errors
    /// There is no such, or it is of a space that does not let them read any more.
    pub async fn readable(&self, id: ProjectionId, owner: &Did) -> Result<Projection, DeskError> {
        let found = self.storage.projections().find(id, owner).await?;
        let found = found.ok_or(DeskError::NotFound)?;
        // Of which space one is that cannot be read nobody knows, and so nobody may see what it told.
        let definition = serde_json::from_str::<Definition>(&found.definition).ok();
        match definition.and_then(|definition| definition.space().ok()) {
            None => Err(DeskError::NotAReader),
            Some(Some(space)) if !readers::may_read(&self.storage, owner, &space).await? => {
                Err(DeskError::NotAReader)
            }
            Some(_) => Ok(found),
        }
    }

    /// A projection as its owner sees it.
    ///
    /// # Errors
    /// The store failed, or what stands there cannot be read.
    pub async fn show(&self, projection: Projection) -> Result<Shown, DeskError> {
        let endpoint = match projection.endpoint {
            None => None,
            Some(id) => {
                let endpoints = self.storage.endpoints();
                endpoints.find_owned(&projection.owner, id).await?
            }
        };
        // What cannot be read is why the projection is parked, which the view says.
        let definition: Definition =
            serde_json::from_str(&projection.definition).unwrap_or_default();
        let history_from = match definition.reads().ok().flatten() {
            None => None,
            Some(_) => {
                let events = self.storage.events();
                events.sourced_from(&projection.owner).await?
            }
        };
        Ok(Shown {
            definition,
            endpoint,
            projection,
            history_from,
        })
    }

    /// Events of one aggregate, oldest first: those that the owner may read now.
    ///
    /// # Errors
    /// The store failed.
    pub async fn events(
        &self,
        owner: &Did,
        aggregate: &str,
        after: i64,
        limit: u32,
    ) -> Result<Vec<StoredEvent>, StorageError> {
        let events = self.storage.events();
        let mut events = events.list(owner, aggregate, after, limit).await?;
        // An aggregate of a space is a record there: all of its events are of one space.
        let origins = events.iter().filter_map(|event| event.origin.as_deref());
        if let Some(space) = origins.filter_map(sources::space_of).next()
            && !readers::may_read(&self.storage, owner, &space).await?
        {
            events.retain(|event| event.origin.is_none());
        }
        Ok(events)
    }

    /// Sees what other processes have folded, deleted and revoked, for those who follow it here.
    pub(crate) async fn look_at_others(&self) {
        let seen = async {
            self.followers.look(&self.storage.projections()).await?;
            self.holders.look(&self.storage.api_clients()).await
        };
        if let Err(error) = seen.await {
            let error = &error as &dyn std::error::Error;
            tracing::warn!(error, "what other processes have done cannot be seen");
        }
    }
}
