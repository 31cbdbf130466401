//! Clients of the API: whose key is whose. Keys are known by their SHA-256 only.

use jiff::Timestamp;
use loggia_delivery::sortable_id;

use crate::column::{Reading, millis};
use crate::sql::{self, Columns, Kind, Row, Rows};
use crate::{BadRow, Storage, StorageError, Write};

sortable_id! {
    /// Which client of the API.
    ApiClientId
}

/// A client of the API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiClient {
    /// Which client.
    pub id: ApiClientId,
    /// What its operator calls it.
    pub name: String,
    /// The origins of web pages that may use its key, as browsers write them.
    pub origins: Vec<String>,
    /// How many calls it has within a minute; without it, as many as anybody.
    pub requests_per_minute: Option<u32>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When its key stopped being one.
    pub revoked_at: Option<Timestamp>,
}

/// The clients of a store.
#[derive(Clone, Debug)]
pub struct ApiClients {
    pub(crate) storage: Storage,
}

impl ApiClients {
    /// The client whose key has this SHA-256, revoked or not.
    ///
    /// Found through an index: how long that takes may tell how much of a hash is known, and a hash
    /// tells nothing of the key.
    pub async fn find(&self, key_hash: &[u8; 32]) -> Result<Option<ApiClient>, StorageError> {
        let row = sql::query("SELECT * FROM api_client WHERE key_hash = $1")
            .bind(&key_hash[..])
            .fetch_optional(self.storage.readers())
            .await
            .map_err(StorageError::doing("find an API client"))?;
        Ok(row.as_ref().map(read).transpose()?)
    }

    /// Those of these clients whose key is good.
    pub async fn good(&self, ids: &[ApiClientId]) -> Result<Vec<ApiClientId>, StorageError> {
        const IDS: Columns = &[("id", Kind::Blob)];
        let mut rows = Rows::new(IDS);
        for id in ids {
            rows.push([id.as_bytes()[..].into()]);
        }
        let readers = self.storage.engine_readers();
        let connection = readers.acquire().await;
        let mut connection = connection.map_err(StorageError::doing("look at API clients"))?;
        let found = rows.fetch_all(
            &mut connection,
            "SELECT c.id FROM r JOIN api_client c ON c.id = r.id WHERE c.revoked_at IS NULL",
        );
        let found = found.await;
        let found = found.map_err(StorageError::doing("look at API clients"))?;
        let read = |row| {
            let reading = Reading::new("api_client", "(asked for)", row);
            reading.parse("id", ApiClientId::from_slice)
        };
        Ok(found.iter().map(read).collect::<Result<_, _>>()?)
    }

    /// Every client, oldest first.
    pub async fn list(&self) -> Result<Vec<ApiClient>, StorageError> {
        let rows = sql::query("SELECT * FROM api_client ORDER BY id")
            .fetch_all(self.storage.readers())
            .await
            .map_err(StorageError::doing("list the API clients"))?;
        Ok(rows.iter().map(read).collect::<Result<_, _>>()?)
    }

    /// Adds a client with the SHA-256 of its key.
    pub async fn insert(
        &self,
        tx: &mut Write,
        client: &ApiClient,
        key_hash: &[u8; 32],
    ) -> Result<(), StorageError> {
        let origins = serde_json::Value::from(client.origins.clone()).to_string();
        sql::query(
            "INSERT INTO api_client
                 (id, name, key_hash, origins, requests_per_minute, created_at, revoked_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7)",
        )
        .bind(&client.id.as_bytes()[..])
        .bind(&client.name)
        .bind(&key_hash[..])
        .bind(origins)
        .bind(client.requests_per_minute)
        .bind(millis(client.created_at))
        .bind(client.revoked_at.map(millis))
        .execute(tx.sql())
        .await
        .map_err(StorageError::doing("insert an API client"))?;
        Ok(())
    }

    /// Makes a client's key worthless; whether there was such a client with a good key.
    pub async fn revoke(
        &self,
        tx: &mut Write,
        id: ApiClientId,
        now: Timestamp,
    ) -> Result<bool, StorageError> {
        let revoked = sql::query(
            "UPDATE api_client SET revoked_at = $1 WHERE id = $2 AND revoked_at IS NULL",
        )
        .bind(millis(now))
        .bind(&id.as_bytes()[..])
        .execute(tx.sql())
        .await
        .map_err(StorageError::doing("revoke an API client"))?;
        Ok(revoked == 1)
    }
}

fn read(row: &Row) -> Result<ApiClient, BadRow> {
    let id = Reading::new("api_client", "?", row).parse("id", ApiClientId::from_slice)?;
    let reading = Reading::new("api_client", id, row);
    Ok(ApiClient {
        id,
        name: reading.get("name")?,
        origins: reading.parse("origins", |text: &str| serde_json::from_str(text))?,
        requests_per_minute: reading.parse("requests_per_minute", |count: Option<i64>| {
            count.map(u32::try_from).transpose()
        })?,
        created_at: reading.time("created_at")?,
        revoked_at: reading.maybe_time("revoked_at")?,
    })
}
