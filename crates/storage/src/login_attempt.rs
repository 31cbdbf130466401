//! People on the way to their PDS and back.

use jiff::Timestamp;
use zeroize::Zeroizing;

use crate::column::millis;
use crate::sql::{self, Connection};
use crate::{Storage, StorageError};

const PENDING: &str = "login_attempt.pending";

/// A login that begins. Whoever comes back with the state and the browser's secret ends it.
#[derive(Clone, Copy)]
pub struct NewLoginAttempt<'a> {
    /// SHA-256 of OAuth's `state`.
    pub state: [u8; 32],
    /// SHA-256 of the secret that the browser keeps in a cookie.
    pub browser: [u8; 32],
    /// What the callback needs; sealed here.
    pub pending: &'a [u8],
    /// When it begins.
    pub started_at: Timestamp,
    /// From this time on it leads nowhere.
    pub expires_at: Timestamp,
}

/// The logins that are under way.
#[derive(Clone, Debug)]
pub struct LoginAttempts {
    pub(crate) storage: Storage,
}

impl LoginAttempts {
    /// Keeps an attempt. Beyond `most` the oldest are forgotten: whoever floods the table would
    /// otherwise lock everybody out, and this way has to do so anew for every single login.
    pub async fn insert(
        &self,
        attempt: &NewLoginAttempt<'_>,
        most: u32,
    ) -> Result<(), StorageError> {
        let sealer = &self.storage.inner.sealer;
        let mut tx = self.storage.begin().await?;
        make_room(tx.sql(), most).await?;
        sql::query(
            "INSERT INTO login_attempt (state, browser, pending, started_at, expires_at)
             VALUES ($1, $2, $3, $4, $5)",
        )
        .bind(&attempt.state[..])
        .bind(&attempt.browser[..])
        .bind(sealer.seal(PENDING, &attempt.state, attempt.pending))
        .bind(millis(attempt.started_at))
        .bind(millis(attempt.expires_at))
        .execute(tx.sql())
        .await
        .map_err(StorageError::doing("insert a login attempt"))?;
        tx.commit().await
    }

    /// Uses an attempt up, whatever becomes of it: what its callback needs, if the browser is the
    /// one that began it and it has not expired.
    pub async fn take(
        &self,
        state: &[u8; 32],
        browser: &[u8; 32],
        now: Timestamp,
    ) -> Result<Option<Zeroizing<Vec<u8>>>, StorageError> {
        let mut tx = self.storage.begin().await?;
        let row = sql::query(
            "DELETE FROM login_attempt WHERE state = $1 RETURNING browser, pending, expires_at",
        )
        .bind(&state[..])
        .fetch_optional(tx.sql())
        .await
        .map_err(StorageError::doing("take a login attempt"))?;
        tx.commit().await?;
        let Some(row) = row else {
            return Ok(None);
        };
        let reading = StorageError::doing("read a login attempt");
        let read = || -> Result<_, sqlx::Error> {
            Ok((
                row.get::<Vec<u8>>("browser")?,
                row.get::<Vec<u8>>("pending")?,
                row.get::<i64>("expires_at")?,
            ))
        };
        let (theirs, pending, expires_at) = read().map_err(reading)?;
        if theirs != browser || expires_at <= millis(now) {
            return Ok(None);
        }
        // One that does not open was damaged or sealed under another key: it leads nowhere.
        Ok(self
            .storage
            .inner
            .sealer
            .open(PENDING, state, &pending)
            .ok())
    }

    /// Forgets at most `limit` attempts that led nowhere; how many those were.
    pub async fn sweep(&self, now: Timestamp, limit: u32) -> Result<u64, StorageError> {
        let sql = "DELETE FROM login_attempt WHERE state IN
                 (SELECT state FROM login_attempt WHERE expires_at <= $1
                  ORDER BY started_at LIMIT $2)";
        self.storage
            .forget(sql, now, limit, "forget login attempts")
            .await
    }
}

/// Leaves room for one more below `most`.
async fn make_room(connection: &mut Connection, most: u32) -> Result<(), StorageError> {
    let doing = StorageError::doing("count login attempts");
    let kept: i64 = sql::query_scalar("SELECT count(*) FROM login_attempt")
        .fetch_one(&mut *connection)
        .await
        .map_err(doing)?;
    let over = kept.saturating_add(1).saturating_sub(i64::from(most));
    if over <= 0 {
        return Ok(());
    }
    sql::query(
        "DELETE FROM login_attempt WHERE state IN
             (SELECT state FROM login_attempt ORDER BY started_at, state LIMIT $1)",
    )
    .bind(over)
    .execute(connection)
    .await
    .map_err(StorageError::doing("make room for a login attempt"))?;
    Ok(())
}
