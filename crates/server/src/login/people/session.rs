//! People who are logged in: kept, recognized, logged out.

use axum::http::HeaderMap;
use jiff::{SignedDuration, Timestamp};
use loggia_auth::SigningKey;
use loggia_storage::{LoginSession, LoginSessionId};
use loggia_syntax::Did;
use loggia_xrpc_server::CallerKey;

use super::{Inner, LoggedInNow, People};
use crate::chance;
use crate::login::LoginError;
use crate::login::cookie::{CookieId, Kind};
use crate::login::grant::{self, Grant, Pending};
use crate::login::oauth::AuthorizationServer;

/// How long a session lives after the person was last seen.
pub const SESSION_LIFETIME: SignedDuration = SignedDuration::from_hours(30 * 24);
/// How long a session lives at most, however often the person is seen.
const LONGEST_SESSION: SignedDuration = SignedDuration::from_hours(180 * 24);
/// A session's new expiry is written only if it moves by this much: once a day.
const SLIDE: SignedDuration = SignedDuration::from_hours(24);
/// Sessions of one account; beyond it the oldest end.
pub const MOST_SESSIONS: u32 = 20;

impl People {
    /// Keeps the session of a login that succeeded.
    pub(super) async fn keep(
        &self,
        pending: Pending,
        grant: &Grant,
        now: Timestamp,
    ) -> Result<LoggedInNow, LoginError> {
        let session = LoginSession {
            id: LoginSessionId::new(now, chance::bytes()),
            did: pending.did,
            handle: pending.handle,
            tokens: grant::write(grant)?,
            created_at: now,
            expires_at: now + SESSION_LIFETIME,
        };
        let cookie = CookieId::new(chance::bytes());
        let sessions = self.inner.storage.login_sessions();
        let ended = sessions
            .insert(&session, &cookie.hash(), MOST_SESSIONS)
            .await?;
        tracing::info!(did = %session.did, session = %session.id, "a person logged in");
        for old in ended {
            self.revoke(&old, now).await;
        }
        Ok(LoggedInNow {
            cookie,
            return_to: pending.return_to,
        })
    }

    /// Who the browser that sent these headers is logged in as. Whoever comes by stays logged in.
    ///
    /// # Errors
    /// The store failed.
    pub async fn who(
        &self,
        headers: &HeaderMap,
        now: Timestamp,
    ) -> Result<Option<LoginSession>, LoginError> {
        let Some(cookie) = self.inner.cookies.read(Kind::Session, headers) else {
            return Ok(None);
        };
        let sessions = self.inner.storage.login_sessions();
        let Some(session) = sessions.find_by_cookie(&cookie.hash(), now).await? else {
            return Ok(None);
        };
        let expires_at = end(session.created_at, now);
        if expires_at.duration_since(session.expires_at) >= SLIDE {
            sessions.extend(session.id, expires_at).await?;
        }
        Ok(Some(session))
    }

    /// Logs the browser out: here at once, and at the person's server as well as that can be done.
    ///
    /// # Errors
    /// The store failed.
    pub async fn log_out(&self, headers: &HeaderMap, now: Timestamp) -> Result<(), LoginError> {
        let Some(session) = self.who(headers, now).await? else {
            return Ok(());
        };
        if self
            .inner
            .storage
            .login_sessions()
            .delete(session.id)
            .await?
        {
            tracing::info!(did = %session.did, session = %session.id, "a person logged out");
            self.revoke(&session, now).await;
        }
        Ok(())
    }

    /// Gives the tokens of an ended session back.
    async fn revoke(&self, session: &LoginSession, now: Timestamp) {
        let finding = async {
            let grant: Grant = grant::read(&session.tokens)?;
            let Inner {
                exchange, client, ..
            } = &*self.inner;
            let server = exchange
                .server_of(&grant.issuer, &grant.pds, client)
                .await?;
            let key = grant.key()?;
            self.give_back(&server, &key, &grant, &session.did, now)
                .await;
            Ok(())
        };
        let account = CallerKey::Name(session.did.as_str().into());
        let talked = Self::talk(&self.inner.talks.revocations, Some(account), finding).await;
        log_failed_revocation(talked, &session.did);
    }

    /// Gives tokens back. If that fails it is logged: they end by themselves.
    pub(in crate::login) async fn give_back(
        &self,
        server: &AuthorizationServer,
        key: &SigningKey,
        grant: &Grant,
        did: &Did,
        now: Timestamp,
    ) {
        let Inner {
            exchange, client, ..
        } = &*self.inner;
        let revoked = exchange
            .revoke(server, client, key, grant.to_revoke(), now)
            .await;
        log_failed_revocation(revoked.map_err(LoginError::from), did);
    }
}

/// When a session ends whose person was seen now.
fn end(created_at: Timestamp, now: Timestamp) -> Timestamp {
    (now + SESSION_LIFETIME).min(created_at + LONGEST_SESSION)
}

fn log_failed_revocation(revoked: Result<(), LoginError>, did: &Did) {
    if let Err(error) = revoked {
        let error = &error as &dyn std::error::Error;
        tracing::warn!(%did, error, "tokens could not be revoked; they end by themselves");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_comes_by_stays_logged_in_for_half_a_year() {
        let day = |days: i64| Timestamp::UNIX_EPOCH + SignedDuration::from_hours(24 * days);
        for (seen, until) in [(0, 30), (29, 59), (150, 180), (179, 180)] {
            assert_eq!(end(day(0), day(seen)), day(until), "seen on day {seen}");
        }
    }
}
