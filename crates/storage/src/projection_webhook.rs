//! The webhooks of projections, and what they are signed with: a secret of their owner's that they
//! share, or one of their own.

use jiff::{SignedDuration, Timestamp};
use loggia_delivery::{CustomHeaders, Endpoint, EndpointId, Secret, Target};
use loggia_syntax::Did;

use crate::column::Reading;
use crate::projection::hold;
use crate::sql::{self, Connection};
use crate::{EndpointChange, ProjectionId, Projections, StorageError, Write, endpoint, event};

const SECRET: &str = "projection_tenant.secret";

impl Projections {
    /// The secret that all of an owner's webhooks share; `new` from now on, if there was none.
    pub async fn shared_secret(
        &self,
        tx: &mut Write,
        owner: &Did,
        new: Secret,
    ) -> Result<Secret, StorageError> {
        hold(tx.sql(), owner).await?;
        event::begin(tx.sql(), owner).await?;
        let row = sql::query("SELECT secret FROM projection_tenant WHERE owner = $1")
            .bind(owner.as_str())
            .fetch_one(tx.sql())
            .await
            .map_err(StorageError::doing("find a shared secret"))?;
        let reading = Reading::new("projection_tenant", owner, &row);
        if let Some(sealed) = reading.get::<Option<&[u8]>>("secret")? {
            let sealer = &self.storage.inner.sealer;
            let opened = sealer.open(SECRET, owner.as_str().as_bytes(), sealed);
            let opened = opened.map_err(|error| reading.bad("secret", Some(error.into())))?;
            let secret = Secret::from_stored(&opened);
            return Ok(secret.map_err(|error| reading.bad("secret", Some(error.into())))?);
        }
        self.keep_secret(tx.sql(), owner, &new).await?;
        Ok(new)
    }

    async fn keep_secret(
        &self,
        connection: &mut Connection,
        owner: &Did,
        secret: &Secret,
    ) -> Result<(), StorageError> {
        let stored = secret.to_stored();
        let sealer = &self.storage.inner.sealer;
        let sealed = sealer.seal(SECRET, owner.as_str().as_bytes(), stored.as_bytes());
        sql::query("UPDATE projection_tenant SET secret = $1 WHERE owner = $2")
            .bind(sealed)
            .bind(owner.as_str())
            .execute(connection)
            .await
            .map_err(StorageError::doing("keep a shared secret"))?;
        Ok(())
    }

    /// Gives a projection an endpoint that is new, in the place of none.
    pub async fn add_endpoint(
        &self,
        tx: &mut Write,
        id: ProjectionId,
        endpoint: &Endpoint,
        isolated: bool,
    ) -> Result<(), StorageError> {
        self.storage.endpoints().insert(tx, endpoint).await?;
        sql::query("UPDATE projection SET endpoint = $1, isolated = $2 WHERE id = $3")
            .bind(&endpoint.id.as_bytes()[..])
            .bind(isolated)
            .bind(&id.as_bytes()[..])
            .execute(tx.sql())
            .await
            .map_err(StorageError::doing("give a projection an endpoint"))?;
        Ok(())
    }

    /// Changes where a projection's webhook goes, and tells it again should it be disabled. After the
    /// commit, tell the engine's handle.
    pub async fn change_endpoint(
        &self,
        tx: &mut Write,
        (owner, endpoint): (&Did, EndpointId),
        (target, headers): (Target, CustomHeaders),
        now: Timestamp,
    ) -> Result<(), StorageError> {
        let change = EndpointChange {
            target: Some(target),
            headers: Some(headers),
            ..EndpointChange::default()
        };
        let endpoints = self.storage.endpoints();
        let which = (owner, endpoint, false);
        endpoints.change(tx, which, change, now).await?;
        endpoints.enable(tx, endpoint).await
    }

    /// Takes a projection's webhook away. After the commit, tell the engine's handle.
    pub async fn remove_endpoint(
        &self,
        tx: &mut Write,
        id: ProjectionId,
        (owner, endpoint): (&Did, EndpointId),
        now: Timestamp,
    ) -> Result<(), StorageError> {
        endpoint::delete(tx.sql(), owner, (endpoint, false), now).await?;
        sql::query("UPDATE projection SET endpoint = NULL, isolated = 0 WHERE id = $1")
            .bind(&id.as_bytes()[..])
            .execute(tx.sql())
            .await
            .map_err(StorageError::doing("take a projection's endpoint away"))?;
        Ok(())
    }

    /// Gives an isolated projection's webhook a new secret; the one before signs along for `overlap`.
    pub async fn rotate(
        &self,
        tx: &mut Write,
        (owner, endpoint): (&Did, EndpointId),
        secret: Secret,
        overlap: SignedDuration,
        now: Timestamp,
    ) -> Result<bool, StorageError> {
        let which = (owner, endpoint, false);
        let endpoints = self.storage.endpoints();
        endpoints.exchange(tx, which, secret, overlap, now).await
    }

    /// Gives all of an owner's webhooks that share a secret a new one, the one before signing along
    /// for `overlap`; which those are. After the commit, tell the engine's handle of each.
    pub async fn rotate_shared(
        &self,
        tx: &mut Write,
        owner: &Did,
        secret: &Secret,
        overlap: SignedDuration,
        now: Timestamp,
    ) -> Result<Vec<EndpointId>, StorageError> {
        hold(tx.sql(), owner).await?;
        event::begin(tx.sql(), owner).await?;
        self.keep_secret(tx.sql(), owner, secret).await?;
        let rows = sql::query(
            "SELECT endpoint FROM projection WHERE owner = $1 AND status <> 'deleted'
                 AND endpoint IS NOT NULL AND isolated = 0 ORDER BY id",
        )
        .bind(owner.as_str())
        .fetch_all(tx.sql())
        .await
        .map_err(StorageError::doing("list webhooks that share a secret"))?;
        let mut rotated = Vec::with_capacity(rows.len());
        for row in &rows {
            let reading = Reading::new("projection", "(listed)", row);
            let endpoint = reading.parse("endpoint", EndpointId::from_slice)?;
            let which = (owner, endpoint);
            self.rotate(tx, which, secret.clone(), overlap, now).await?;
            rotated.push(endpoint);
        }
        Ok(rotated)
    }
}
