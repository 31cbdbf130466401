//! The requests that an authorization server takes, and what it answers.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::{SignedDuration, Timestamp};
use loggia_auth::SigningKey;
use loggia_syntax::Did;
use serde::Deserialize;
use sha2::{Digest, Sha256};
use url::Url;

use super::exchange::{Dpop, Exchange, ExchangeError, host, one_line};
use super::metadata::{
    AuthorizationServer, MetadataError, RESOURCE_PATH, SERVER_PATH, check_origin, read_resource,
};
use super::{Client, SCOPE};
use crate::chance;
use crate::login::secret_text::SecretText;

/// The longest token that is taken, in bytes: it has to fit a header.
const LONGEST_TOKEN: usize = 8 * 1024;

/// How long an access token is taken to live if the server does not say, in seconds.
const USUAL_LIFETIME: i64 = 300;

/// The longest lifetime that is believed, in seconds. Refreshing early costs one request.
const LONGEST_LIFETIME: i64 = 24 * 60 * 60;

/// What a token endpoint gave.
pub struct Tokens {
    /// Whose they are, as the server says.
    pub sub: Did,
    /// Goes with every call.
    pub access: SecretText,
    /// Brings the next pair, once.
    pub refresh: Option<SecretText>,
    /// What they allow.
    pub scope: String,
    /// When the access token is over.
    pub expires_at: Timestamp,
}

/// The challenge that goes with a verifier (RFC 7636, S256).
pub fn pkce_challenge(verifier: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(verifier))
}

/// What is pushed when a login begins.
pub struct Push<'a> {
    /// OAuth's `state`.
    pub state: &'a str,
    /// The PKCE challenge.
    pub challenge: &'a str,
    /// What the person gave: the server proposes that account.
    pub login_hint: &'a str,
}

impl Exchange {
    /// Finds the authorization server of a PDS and checks that it will do.
    ///
    /// # Errors
    /// Either server cannot be reached, or does not do what the profile asks for.
    pub async fn find_server(
        &self,
        pds: &str,
        client: &Client,
    ) -> Result<AuthorizationServer, ExchangeError> {
        let url = self.origin("serviceEndpoint", pds)?;
        let json = self.describe(&url, RESOURCE_PATH).await?;
        let issuer =
            read_resource(&json, pds, self.guard()).map_err(|source| metadata(&url, source))?;
        self.server_of(&issuer, pds, client).await
    }

    /// The authorization server of this issuer.
    ///
    /// # Errors
    /// See [`Exchange::find_server`].
    pub async fn server_of(
        &self,
        issuer: &str,
        pds: &str,
        client: &Client,
    ) -> Result<AuthorizationServer, ExchangeError> {
        let url = self.origin("issuer", issuer)?;
        let json = self.describe(&url, SERVER_PATH).await?;
        AuthorizationServer::read(&json, issuer, pds, client.auth_method(), self.guard())
            .map_err(|source| metadata(&url, source))
    }

    fn origin(&self, name: &'static str, text: &str) -> Result<Url, ExchangeError> {
        check_origin(name, text, self.guard()).map_err(|source| ExchangeError::Metadata {
            host: one_line(text),
            source,
        })
    }

    /// Pushes an authorization request; the URL where the person goes on.
    ///
    /// # Errors
    /// The server refused or cannot be reached.
    pub async fn push(
        &self,
        server: &AuthorizationServer,
        client: &Client,
        key: &SigningKey,
        push: &Push<'_>,
        now: Timestamp,
    ) -> Result<Url, ExchangeError> {
        #[derive(Deserialize)]
        struct Pushed {
            request_uri: String,
        }
        let fields = [
            ("response_type", "code"),
            ("redirect_uri", client.redirect_uri()),
            ("scope", SCOPE),
            ("state", push.state),
            ("code_challenge", push.challenge),
            ("code_challenge_method", "S256"),
            ("login_hint", push.login_hint),
        ];
        let endpoint = self.endpoint(&server.par_endpoint)?;
        let body = self
            .ask(server, client, &endpoint, key, &fields, now)
            .await?;
        let pushed: Pushed = read(&endpoint, &body)?;
        let mut url = self.endpoint(&server.authorization_endpoint)?;
        url.query_pairs_mut()
            .append_pair("client_id", client.id())
            .append_pair("request_uri", &pushed.request_uri);
        Ok(url)
    }

    /// Changes a code for tokens.
    ///
    /// # Errors
    /// The server refused or cannot be reached, or its answer is not that of the profile.
    pub async fn redeem(
        &self,
        server: &AuthorizationServer,
        client: &Client,
        key: &SigningKey,
        (code, verifier): (&str, &str),
        now: Timestamp,
    ) -> Result<Tokens, ExchangeError> {
        let fields = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", client.redirect_uri()),
            ("code_verifier", verifier),
        ];
        self.tokens(server, client, key, &fields, now).await
    }

    /// Changes a refresh token for the next pair. The old one is of no use afterwards.
    ///
    /// # Errors
    /// See [`Exchange::redeem`].
    pub async fn refresh(
        &self,
        server: &AuthorizationServer,
        client: &Client,
        key: &SigningKey,
        token: &str,
        now: Timestamp,
    ) -> Result<Tokens, ExchangeError> {
        let fields = [("grant_type", "refresh_token"), ("refresh_token", token)];
        self.tokens(server, client, key, &fields, now).await
    }

    /// Gives a token back, and with it all that were made from it.
    ///
    /// # Errors
    /// The server refused or cannot be reached.
    pub async fn revoke(
        &self,
        server: &AuthorizationServer,
        client: &Client,
        key: &SigningKey,
        token: &str,
        now: Timestamp,
    ) -> Result<(), ExchangeError> {
        let Some(endpoint) = &server.revocation_endpoint else {
            return Ok(());
        };
        let endpoint = self.endpoint(endpoint)?;
        let fields = [("token", token)];
        self.ask(server, client, &endpoint, key, &fields, now)
            .await
            .map(drop)
    }

    async fn tokens(
        &self,
        server: &AuthorizationServer,
        client: &Client,
        key: &SigningKey,
        fields: &[(&'static str, &str)],
        now: Timestamp,
    ) -> Result<Tokens, ExchangeError> {
        let endpoint = self.endpoint(&server.token_endpoint)?;
        let body = self
            .ask(server, client, &endpoint, key, fields, now)
            .await?;
        let given: Given = read(&endpoint, &body)?;
        given.tokens(now).map_err(|what| ExchangeError::Answer {
            host: host(&endpoint),
            what,
        })
    }

    async fn ask(
        &self,
        server: &AuthorizationServer,
        client: &Client,
        endpoint: &Url,
        key: &SigningKey,
        fields: &[(&'static str, &str)],
        now: Timestamp,
    ) -> Result<bytes::Bytes, ExchangeError> {
        let dpop = Dpop {
            key,
            token: None,
            now,
        };
        let whole = || {
            let mut whole = client.authenticate(&server.issuer, now, chance::bytes())?;
            whole.extend(fields.iter().map(|&(name, value)| (name, value.to_owned())));
            Ok(whole)
        };
        self.post_form(endpoint, dpop, whole).await
    }

    /// Checked again on every use: what is allowed may have changed since it was stored.
    fn endpoint(&self, text: &str) -> Result<Url, ExchangeError> {
        self.guard().read_url(text).map_err(|source| {
            let name = "endpoint";
            ExchangeError::Metadata {
                host: one_line(text),
                source: MetadataError::Url { name, source },
            }
        })
    }
}

/// A token answer as it comes.
#[derive(Deserialize)]
struct Given {
    access_token: SecretText,
    token_type: String,
    refresh_token: Option<SecretText>,
    expires_in: Option<i64>,
    #[serde(default)]
    scope: String,
    sub: Did,
}

impl Given {
    fn tokens(self, now: Timestamp) -> Result<Tokens, &'static str> {
        let refresh_length = self.refresh_token.as_ref().map_or(0, |token| token.len());
        let longest = self.access_token.len().max(refresh_length);
        if !self.token_type.eq_ignore_ascii_case("DPoP") {
            return Err("holds a token that is not bound to our key");
        }
        if longest > LONGEST_TOKEN || self.access_token.is_empty() {
            return Err("holds a token of no usable length");
        }
        if !self
            .access_token
            .bytes()
            .all(|byte| byte.is_ascii_graphic())
        {
            return Err("holds a token that no header takes");
        }
        if !self.scope.split(' ').any(|scope| scope == "atproto") {
            return Err("does not grant the scope `atproto`");
        }
        let lifetime = self.expires_in.unwrap_or(USUAL_LIFETIME);
        let lifetime = SignedDuration::from_secs(lifetime.clamp(0, LONGEST_LIFETIME));
        Ok(Tokens {
            sub: self.sub,
            access: self.access_token,
            refresh: self.refresh_token,
            scope: self.scope,
            expires_at: now.saturating_add(lifetime).unwrap_or(now),
        })
    }
}

fn read<T: for<'de> Deserialize<'de>>(url: &Url, body: &[u8]) -> Result<T, ExchangeError> {
    serde_json::from_slice(body).map_err(|_| ExchangeError::Answer {
        host: host(url),
        what: "lacks members that it must have",
    })
}

fn metadata(url: &Url, source: MetadataError) -> ExchangeError {
    ExchangeError::Metadata {
        host: host(url),
        source,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn given(change: impl FnOnce(&mut Value)) -> Result<Tokens, &'static str> {
        let mut answer = json!({
            "access_token": "access",
            "token_type": "DPoP",
            "refresh_token": "refresh",
            "expires_in": 3600,
            "scope": "atproto repo:a.b.c",
            "sub": "did:web:alice.example",
        });
        change(&mut answer);
        let given: Given = serde_json::from_value(answer).map_err(|_| "is malformed")?;
        given.tokens(Timestamp::UNIX_EPOCH)
    }

    #[test]
    fn a_token_answer_is_held_to_the_profile() {
        let tokens = given(|_| {}).expect("good");
        assert_eq!(tokens.expires_at.as_second(), 3600);
        assert!(given(|answer| answer["token_type"] = "Bearer".into()).is_err());
        assert!(given(|answer| answer["scope"] = "transition:generic".into()).is_err());
        assert!(given(|answer| answer["scope"] = "atprotox".into()).is_err());
        assert!(given(|answer| answer["sub"] = "alice".into()).is_err());
        assert!(given(|answer| answer["access_token"] = "".into()).is_err());
        assert!(given(|answer| answer["access_token"] = "x".repeat(9000).into()).is_err());
        assert!(given(|answer| answer["refresh_token"] = "x".repeat(9000).into()).is_err());
        for name in ["access_token", "token_type", "scope", "sub"] {
            let without = given(|answer| {
                answer.as_object_mut().expect("an object").remove(name);
            });
            assert!(without.is_err(), "{name}");
        }
    }

    #[test]
    fn lifetimes_are_bounded() {
        for (expires_in, seconds) in [(-5, 0), (i64::MAX, LONGEST_LIFETIME), (i64::MIN, 0)] {
            let tokens = given(|answer| answer["expires_in"] = expires_in.into()).expect("good");
            assert_eq!(tokens.expires_at.as_second(), seconds, "{expires_in}");
        }
    }

    #[test]
    fn the_challenge_is_that_of_rfc_7636() {
        let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
        let challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
        assert_eq!(pkce_challenge(verifier), challenge);
    }
}
