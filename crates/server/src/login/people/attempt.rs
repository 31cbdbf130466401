//! Logins that are under way: from the form to the PDS and back.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::{SignedDuration, Timestamp};
use loggia_auth::SigningKey;
use loggia_storage::NewLoginAttempt;
use loggia_xrpc_server::CallerKey;
use sha2::{Digest, Sha256};
use url::Url;

use super::{Inner, People};
use crate::chance;
use crate::login::LoginError;
use crate::login::cookie::CookieId;
use crate::login::grant::{self, Grant, Pending};
use crate::login::oauth::{self, Push, StoredKey, pkce_challenge};
use crate::login::secret_text::SecretText;

/// How long a login may take from the form to the callback.
const ATTEMPT_LIFETIME: SignedDuration = SignedDuration::from_mins(10);
/// Logins under way at once; beyond it the oldest are forgotten. Some 2 KB each.
const MOST_ATTEMPTS: u32 = 10_000;

/// What came back to the callback.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Returned {
    /// OAuth's `state`.
    pub state: String,
    /// Who answers.
    pub iss: Option<String>,
    /// The code, if the person agreed.
    pub code: Option<String>,
    /// OAuth's name of the error, if not.
    pub error: Option<String>,
    /// The server's words for it.
    pub description: Option<String>,
}

impl fmt::Debug for Returned {
    /// Without state and code.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Returned")
            .field("iss", &self.iss)
            .field("error", &self.error)
            .finish_non_exhaustive()
    }
}

/// A login that succeeded.
pub struct LoggedInNow {
    /// For the browser.
    pub cookie: CookieId,
    /// Where to.
    pub return_to: String,
}

impl People {
    /// Begins a login: where to send the person. Of one `caller` few begin at once.
    ///
    /// # Errors
    /// The account cannot be found, or its server does not take the login.
    pub async fn begin(
        &self,
        caller: Option<CallerKey>,
        typed: &str,
        return_to: String,
        browser: &CookieId,
        now: Timestamp,
    ) -> Result<Url, LoginError> {
        let beginning = self.begin_at_leisure(typed, return_to, browser, now);
        Self::talk(&self.inner.talks.beginnings, caller, beginning).await
    }

    async fn begin_at_leisure(
        &self,
        typed: &str,
        return_to: String,
        browser: &CookieId,
        now: Timestamp,
    ) -> Result<Url, LoginError> {
        let Inner {
            accounts,
            exchange,
            client,
            ..
        } = &*self.inner;
        let account = accounts.find(typed, now).await?;
        let server = exchange.find_server(&account.pds, client).await?;
        let key = SigningKey::generate_p256()?;
        let [state, verifier] = [(); 2].map(|()| URL_SAFE_NO_PAD.encode(chance::bytes::<32>()));
        let login_hint = account
            .handle
            .as_ref()
            .map_or(account.did.as_str(), |handle| handle.as_str());
        let push = Push {
            state: &state,
            challenge: &pkce_challenge(&verifier),
            login_hint,
        };
        let url = exchange.push(&server, client, &key, &push, now).await?;
        let pending = Pending {
            did: account.did,
            handle: account.handle,
            pds: account.pds,
            server,
            verifier: SecretText::new(verifier),
            key: StoredKey::of(&key),
            return_to,
        };
        let attempt = NewLoginAttempt {
            state: hash(&state),
            browser: browser.hash(),
            pending: &grant::write(&pending)?,
            started_at: now,
            expires_at: now + ATTEMPT_LIFETIME,
        };
        let attempts = self.inner.storage.login_attempts();
        attempts.insert(&attempt, MOST_ATTEMPTS).await?;
        Ok(url)
    }

    /// Ends a login: the person is back. Of one `caller` few end at once.
    ///
    /// # Errors
    /// There is no such login in this browser, the person or their server said no, or it was not
    /// the account that it should be.
    pub async fn finish(
        &self,
        caller: Option<CallerKey>,
        returned: &Returned,
        browser: &CookieId,
        now: Timestamp,
    ) -> Result<LoggedInNow, LoginError> {
        let ending = self.finish_at_leisure(returned, browser, now);
        Self::talk(&self.inner.talks.callbacks, caller, ending).await
    }

    async fn finish_at_leisure(
        &self,
        returned: &Returned,
        browser: &CookieId,
        now: Timestamp,
    ) -> Result<LoggedInNow, LoginError> {
        let attempts = self.inner.storage.login_attempts();
        let state = hash(&returned.state);
        let pending = attempts.take(&state, &browser.hash(), now).await?;
        let pending: Pending = grant::read(&pending.ok_or(LoginError::Unknown)?)?;
        // Everything that follows belongs to this server, or to nobody (RFC 9207).
        if returned.iss.as_deref() != Some(&pending.server.issuer) {
            return Err(LoginError::Issuer);
        }
        let code = code(returned, &pending)?;
        let Inner {
            exchange, client, ..
        } = &*self.inner;
        let key = pending.key.read()?;
        let with = (code, &*pending.verifier);
        let tokens = exchange
            .redeem(&pending.server, client, &key, with, now)
            .await?;
        let given = tokens.sub.clone();
        let Pending {
            did: wanted,
            server,
            pds,
            ..
        } = &pending;
        let grant = Grant::new(tokens, &server.issuer, pds, pending.key.clone());
        if given != *wanted {
            self.give_back(server, &key, &grant, &given, now).await;
            let wanted = pending.did;
            return Err(LoginError::OtherAccount { wanted, given });
        }
        self.keep(pending, &grant, now).await
    }
}

fn code<'a>(returned: &'a Returned, pending: &Pending) -> Result<&'a str, LoginError> {
    match (&returned.code, returned.error.as_deref()) {
        (Some(code), None) => Ok(code),
        (_, Some("access_denied")) => Err(LoginError::Declined),
        (_, error) => Err(LoginError::Exchange(oauth::ExchangeError::Refused {
            host: oauth::one_line(&pending.server.issuer),
            status: 400,
            error: error.map(str::to_owned).and_then(oauth::error_name),
            description: returned.description.as_ref().map(oauth::one_line),
        })),
    }
}

fn hash(text: &str) -> [u8; 32] {
    Sha256::digest(text).into()
}
