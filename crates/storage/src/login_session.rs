//! People who are logged in, each with one browser and one OAuth session of its own.

use std::fmt;

use jiff::Timestamp;
use loggia_delivery::sortable_id;
use loggia_syntax::{Did, Handle};
use zeroize::Zeroizing;

use crate::column::{Reading, millis};
use crate::seal::Sealer;
use crate::sql::{self, Connection, Row};
use crate::{BadRow, Storage, StorageError};

const TOKENS: &str = "login_session.tokens";
const TABLE: &str = "login_session";
const CLIENT_KEY: &str = "oauth_client_key";

sortable_id! {
    /// Which login session.
    LoginSessionId
}

/// A person who is logged in with one browser.
#[derive(Clone, PartialEq, Eq)]
pub struct LoginSession {
    /// Which session.
    pub id: LoginSessionId,
    /// Who.
    pub did: Did,
    /// The handle that was theirs when they logged in, if they gave it.
    pub handle: Option<Handle>,
    /// Tokens and key of the OAuth session, as the server wrote them.
    pub tokens: Zeroizing<Vec<u8>>,
    /// Since when.
    pub created_at: Timestamp,
    /// From this time on they are not logged in any more.
    pub expires_at: Timestamp,
}

impl fmt::Debug for LoginSession {
    /// Without the tokens.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LoginSession")
            .field("id", &self.id)
            .field("did", &self.did)
            .finish_non_exhaustive()
    }
}

/// The login sessions of a store.
#[derive(Clone, Debug)]
pub struct LoginSessions {
    pub(crate) storage: Storage,
}

impl LoginSessions {
    /// Keeps a session, found again by `cookie`, the SHA-256 of what the browser keeps. Beyond
    /// `most` sessions of one account its oldest end; they are returned, to be revoked.
    pub async fn insert(
        &self,
        session: &LoginSession,
        cookie: &[u8; 32],
        most: u32,
    ) -> Result<Vec<LoginSession>, StorageError> {
        let sealer = &self.storage.inner.sealer;
        let id = session.id.as_bytes();
        let mut tx = self.storage.begin().await?;
        let ended = end_oldest(tx.sql(), sealer, &session.did, most).await?;
        sql::query(
            "INSERT INTO login_session (id, cookie, did, handle, tokens, created_at, expires_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7)",
        )
        .bind(&id[..])
        .bind(&cookie[..])
        .bind(session.did.as_str())
        .bind(session.handle.as_ref().map(Handle::as_str))
        .bind(sealer.seal(TOKENS, id, &session.tokens))
        .bind(millis(session.created_at))
        .bind(millis(session.expires_at))
        .execute(tx.sql())
        .await
        .map_err(StorageError::doing("insert a login session"))?;
        tx.commit().await?;
        Ok(ended)
    }

    /// The session that this cookie stands for, unless it has expired.
    pub async fn find_by_cookie(
        &self,
        cookie: &[u8; 32],
        now: Timestamp,
    ) -> Result<Option<LoginSession>, StorageError> {
        let row = sql::query("SELECT * FROM login_session WHERE cookie = $1 AND expires_at > $2")
            .bind(&cookie[..])
            .bind(millis(now))
            .fetch_optional(self.storage.readers())
            .await;
        self.read(row)
    }

    /// The session of this id, unless it has expired.
    pub async fn find(
        &self,
        id: LoginSessionId,
        now: Timestamp,
    ) -> Result<Option<LoginSession>, StorageError> {
        let row = sql::query("SELECT * FROM login_session WHERE id = $1 AND expires_at > $2")
            .bind(&id.as_bytes()[..])
            .bind(millis(now))
            .fetch_optional(self.storage.readers())
            .await;
        self.read(row)
    }

    /// The account's newest session, unless it has expired: for what is done on its behalf while
    /// nobody is looking.
    pub async fn newest_of(
        &self,
        did: &Did,
        now: Timestamp,
    ) -> Result<Option<LoginSession>, StorageError> {
        let row = sql::query(
            "SELECT * FROM login_session WHERE did = $1 AND expires_at > $2
             ORDER BY id DESC LIMIT 1",
        )
        .bind(did.as_str())
        .bind(millis(now))
        .fetch_optional(self.storage.readers())
        .await;
        self.read(row)
    }

    fn read(
        &self,
        row: Result<Option<Row>, sqlx::Error>,
    ) -> Result<Option<LoginSession>, StorageError> {
        let row = row.map_err(StorageError::doing("find a login session"))?;
        let session = row.map(|row| read(&row, &self.storage.inner.sealer));
        Ok(session.transpose()?)
    }

    /// Lets a session live until this time.
    pub async fn extend(
        &self,
        id: LoginSessionId,
        expires_at: Timestamp,
    ) -> Result<(), StorageError> {
        let mut tx = self.storage.begin().await?;
        sql::query("UPDATE login_session SET expires_at = $1 WHERE id = $2")
            .bind(millis(expires_at))
            .bind(&id.as_bytes()[..])
            .execute(tx.sql())
            .await
            .map_err(StorageError::doing("extend a login session"))?;
        tx.commit().await
    }

    /// Keeps the new tokens of a session; false if it has ended meanwhile.
    pub async fn update_tokens(
        &self,
        id: LoginSessionId,
        tokens: &[u8],
    ) -> Result<bool, StorageError> {
        let sealed = self
            .storage
            .inner
            .sealer
            .seal(TOKENS, id.as_bytes(), tokens);
        let mut tx = self.storage.begin().await?;
        let updated = sql::query("UPDATE login_session SET tokens = $1 WHERE id = $2")
            .bind(sealed)
            .bind(&id.as_bytes()[..])
            .execute(tx.sql())
            .await
            .map_err(StorageError::doing("update the tokens of a login session"))?;
        tx.commit().await?;
        Ok(updated == 1)
    }

    /// Ends a session; false if it had ended already.
    pub async fn delete(&self, id: LoginSessionId) -> Result<bool, StorageError> {
        let mut tx = self.storage.begin().await?;
        let deleted = delete(tx.sql(), id).await?;
        tx.commit().await?;
        Ok(deleted)
    }

    /// Forgets at most `limit` expired sessions; how many those were.
    pub async fn sweep(&self, now: Timestamp, limit: u32) -> Result<u64, StorageError> {
        let sql = "DELETE FROM login_session WHERE id IN
                 (SELECT id FROM login_session WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2)";
        self.storage
            .forget(sql, now, limit, "forget login sessions")
            .await
    }

    /// Forgets the key of [`LoginSessions::client_key`]: another is made by whoever asks for it next.
    pub async fn forget_client_key(&self) -> Result<(), StorageError> {
        let mut tx = self.storage.begin().await?;
        sql::query("DELETE FROM meta WHERE name = $1")
            .bind(CLIENT_KEY)
            .execute(tx.sql())
            .await
            .map_err(StorageError::doing("forget the OAuth client key"))?;
        tx.commit().await
    }

    /// The key by which this server proves to authorization servers that it is itself; `made` is
    /// kept if there is none yet.
    pub async fn client_key(&self, made: &[u8]) -> Result<Zeroizing<Vec<u8>>, StorageError> {
        let sealer = &self.storage.inner.sealer;
        let mut tx = self.storage.begin().await?;
        sql::query("INSERT INTO meta (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING")
            .bind(CLIENT_KEY)
            .bind(sealer.seal("meta.value", CLIENT_KEY.as_bytes(), made))
            .execute(tx.sql())
            .await
            .map_err(StorageError::doing("keep the OAuth client key"))?;
        let sealed: Vec<u8> = sql::query_scalar("SELECT value FROM meta WHERE name = $1")
            .bind(CLIENT_KEY)
            .fetch_one(tx.sql())
            .await
            .map_err(StorageError::doing("read the OAuth client key"))?;
        tx.commit().await?;
        let opened = sealer.open("meta.value", CLIENT_KEY.as_bytes(), &sealed);
        opened.map_err(|error| {
            StorageError::BadRow(BadRow {
                table: "meta",
                id: CLIENT_KEY.to_owned(),
                column: "value",
                source: Some(error.into()),
            })
        })
    }
}

/// So many sessions of an account are ended at once, far more than there ever are too many.
const ENDED: u32 = 1000;

/// Ends the oldest sessions of an account until there is room for one more below `most`.
async fn end_oldest(
    connection: &mut Connection,
    sealer: &Sealer,
    did: &Did,
    most: u32,
) -> Result<Vec<LoginSession>, StorageError> {
    connection.hold(&format!("login sessions of {did}")).await?;
    let rows = sql::query(
        "SELECT * FROM login_session WHERE did = $1 ORDER BY id DESC LIMIT $2 OFFSET $3",
    )
    .bind(did.as_str())
    .bind(ENDED)
    .bind(most.saturating_sub(1))
    .fetch_all(&mut *connection)
    .await
    .map_err(StorageError::doing("list the oldest login sessions"))?;
    let mut ended = Vec::new();
    for row in rows {
        let session = read(&row, sealer)?;
        delete(connection, session.id).await?;
        ended.push(session);
    }
    Ok(ended)
}

async fn delete(connection: &mut Connection, id: LoginSessionId) -> Result<bool, StorageError> {
    let deleted = sql::query("DELETE FROM login_session WHERE id = $1")
        .bind(&id.as_bytes()[..])
        .execute(connection)
        .await
        .map_err(StorageError::doing("delete a login session"))?;
    Ok(deleted == 1)
}

fn read(row: &Row, sealer: &Sealer) -> Result<LoginSession, BadRow> {
    let unnamed = Reading::new(TABLE, "?", row);
    let id = unnamed.parse("id", |bytes: &[u8]| LoginSessionId::from_slice(bytes))?;
    let reading = Reading::new(TABLE, id, row);
    let handle = match reading.get::<Option<String>>("handle")? {
        Some(_) => Some(reading.parse("handle", |text: String| Handle::new(text))?),
        None => None,
    };
    Ok(LoginSession {
        id,
        did: reading.parse("did", |text: String| Did::new(text))?,
        handle,
        tokens: reading.parse("tokens", |sealed: &[u8]| {
            sealer.open(TOKENS, id.as_bytes(), sealed)
        })?,
        created_at: reading.time("created_at")?,
        expires_at: reading.time("expires_at")?,
    })
}
