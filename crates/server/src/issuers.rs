//! Issuers of access tokens that this server trusts beside itself, because its settings name them.
//!
//! What an issuer says is worth as much as its operator: it can speak for every account.

use axum::http::{HeaderMap, HeaderValue, header};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use loggia_auth::AccessTokens;
use loggia_auth::access_token::{
    Introspect, IntrospectedAccessTokens, JwksAccessTokens, LARGEST_ANSWER, Terms,
};
use loggia_auth::jwk::{RemoteKeys, RemoteKeysSettings};
use loggia_callers::Web;
use loggia_identity::{FetchError, Fetched};
use loggia_xrpc_client::{GuardedClient, Method};
use tokio::sync::Semaphore;
use url::Url;
use url::form_urlencoded::{Serializer, byte_serialize};

use crate::login::secret_text::SecretText;
use crate::origin::Origin;

/// The most issuers that can be named: each keeps up to 10,000 tokens in memory, about 10 MB.
pub const MOST: usize = 16;

/// Questions to one issuer at the same time, as many as a small authorization server answers at once.
/// Further callers are told that it cannot be asked: a queue would make all of them wait.
const AT_ONCE: usize = 64;

/// An issuer whose access tokens are taken.
#[derive(Clone, Debug)]
pub struct TrustedIssuer {
    /// Its URL, exactly as in `iss`.
    pub issuer: String,
    /// How its tokens are verified.
    pub way: Way,
    /// What its tokens must name in `aud`; without it, this server's DID.
    pub audience: Option<String>,
    /// A scope without which its tokens are refused.
    pub scope: Option<String>,
}

/// How the tokens of an issuer are verified.
#[derive(Clone, Debug)]
pub enum Way {
    /// With the keys at this URL (RFC 7517).
    Keys(Url),
    /// By asking about each of them (RFC 7662). Tokens that are no JWTs name no issuer: the first
    /// issuer of this kind is asked about those.
    Introspection {
        /// Where to ask.
        url: Url,
        /// As which client of the issuer's.
        client: String,
        /// The environment variable that holds the client's secret.
        variable: String,
        /// The client's secret.
        secret: SecretText,
    },
}

impl TrustedIssuer {
    /// What is set, as it would stand in a file: the secret by the name of its variable.
    pub fn shown(&self) -> Vec<(&'static str, &str)> {
        let mut shown = vec![("issuer", self.issuer.as_str())];
        match &self.way {
            Way::Keys(url) => shown.push(("jwks", url.as_str())),
            Way::Introspection {
                url,
                client,
                variable,
                ..
            } => shown.extend([
                ("introspection", url.as_str()),
                ("introspection_client", client),
                ("introspection_secret_env", variable),
            ]),
        }
        let audience = self.audience.iter().map(|text| ("audience", text.as_str()));
        let scope = self.scope.iter().map(|text| ("scope", text.as_str()));
        shown.extend(audience.chain(scope));
        shown
    }

    fn terms(&self, origin: &Origin) -> Terms {
        let audience = self.audience.as_deref().unwrap_or(origin.did.as_str());
        let mut terms = Terms::new(&self.issuer, audience);
        terms.scope.clone_from(&self.scope);
        terms
    }
}

/// Takes the tokens of these issuers as well, whose keys and answers come through `client`.
pub fn trust(
    tokens: AccessTokens,
    issuers: &[TrustedIssuer],
    origin: &Origin,
    client: &GuardedClient,
) -> AccessTokens {
    issuers.iter().fold(tokens, |tokens, issuer| {
        let terms = issuer.terms(origin);
        match &issuer.way {
            Way::Keys(url) => {
                let settings = RemoteKeysSettings::default();
                let keys = RemoteKeys::new(Web(client.clone()), url.as_str(), settings);
                tokens.with(JwksAccessTokens::new(terms, keys))
            }
            Way::Introspection {
                url,
                client: name,
                secret,
                ..
            } => {
                let endpoint = IntrospectionEndpoint::new(client.clone(), url, name, secret);
                tokens.with(IntrospectedAccessTokens::new(terms, endpoint))
            }
        }
    })
}

/// Where an issuer is asked about its tokens. Bounded by the client's deadline and by [`AT_ONCE`].
struct IntrospectionEndpoint {
    client: GuardedClient,
    url: Url,
    headers: HeaderMap,
    at_once: Semaphore,
}

/// As many questions as are allowed are under way.
#[derive(Debug, thiserror::Error)]
#[error("{AT_ONCE} questions to this issuer are under way")]
struct TooManyQuestions;

impl IntrospectionEndpoint {
    fn new(client: GuardedClient, url: &Url, name: &str, secret: &str) -> Self {
        let form = HeaderValue::from_static("application/x-www-form-urlencoded");
        let json = HeaderValue::from_static("application/json");
        let headers = [
            (header::AUTHORIZATION, basic(name, secret)),
            (header::CONTENT_TYPE, form),
            (header::ACCEPT, json),
        ];
        Self {
            client,
            url: url.clone(),
            headers: headers.into_iter().collect(),
            at_once: Semaphore::new(AT_ONCE),
        }
    }
}

impl Introspect for IntrospectionEndpoint {
    async fn introspect(&self, token: &str) -> Result<Fetched, FetchError> {
        let _permit = self
            .at_once
            .try_acquire()
            .map_err(|_| FetchError::Failed(TooManyQuestions.into()))?;
        let (headers, body) = (self.headers.clone(), question(token).into());
        let answer = self
            .client
            .request(Method::POST, &self.url, headers, body, LARGEST_ANSWER)
            .await;
        Web::fetched(answer)
    }
}

/// The form that asks about a token (RFC 7662 §2.1).
fn question(token: &str) -> String {
    let mut form = Serializer::new(String::new());
    form.append_pair("token", token)
        .append_pair("token_type_hint", "access_token");
    form.finish()
}

/// A client's name and secret, each written as in a form first (RFC 6749 §2.3.1).
fn basic(name: &str, secret: &str) -> HeaderValue {
    let written = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
    let pair = STANDARD.encode(format!("{}:{}", written(name), written(secret)));
    let mut value = HeaderValue::try_from(format!("Basic {pair}")).expect("base64 is header text");
    value.set_sensitive(true);
    value
}

#[cfg(test)]
mod tests;
