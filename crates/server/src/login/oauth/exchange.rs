//! Requests to PDSs and authorization servers: proved by DPoP, repeated once with a nonce, bounded.

use axum::http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use axum::http::{HeaderName, Method};
use bytes::Bytes;
use jiff::Timestamp;
use loggia_auth::SigningKey;
use loggia_auth::dpop::{NewProof, Target, TargetError, mint};
use loggia_auth::jws::SignError;
use loggia_xrpc_client::{Answer, ClientError, GuardedClient, HeaderMap, HeaderValue};
use serde::Deserialize;
use url::Url;

use super::metadata::MetadataError;
use super::nonces::Nonces;
use crate::chance;

/// The largest description or token answer that is read. Real ones have less than 4 KiB.
const LARGEST: usize = 64 * 1024;

/// The longest name of an error that is believed to be one, in bytes.
const LONGEST_NAME: usize = 64;

/// The longest texts of a refusal that are kept for a person to read, in characters.
const LONGEST_WORDS: usize = 300;

const DPOP: HeaderName = HeaderName::from_static("dpop");
const DPOP_NONCE: HeaderName = HeaderName::from_static("dpop-nonce");

/// Why a server did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum ExchangeError {
    /// There is no answer.
    #[error("{0} cannot be reached")]
    Client(String, #[source] ClientError),
    /// A typed call failed.
    #[error("a call failed")]
    Call(#[source] Box<loggia_xrpc_client::CallError>),
    /// The URL is none that a proof can be made for.
    #[error("no proof can be made for a URL of {0}")]
    Target(String, #[source] TargetError),
    /// A proof could not be made.
    #[error("a proof cannot be made")]
    Sign(#[from] SignError),
    /// The server's description of itself will not do.
    #[error("{host} cannot be used for logging in")]
    Metadata {
        /// Whose.
        host: String,
        /// What is wrong with it.
        #[source]
        source: MetadataError,
    },
    /// The server said no.
    #[error("{host} refused with HTTP status {status}, {}", error.as_deref().unwrap_or("unnamed"))]
    Refused {
        /// Which server.
        host: String,
        /// HTTP status.
        status: u16,
        /// OAuth's name of the error, if it gave one.
        error: Option<String>,
        /// Its own words, as they are.
        description: Option<String>,
    },
    /// The server said yes, but not what it should have said.
    #[error("{host} gave an answer that {what}")]
    Answer {
        /// Which server.
        host: String,
        /// What is wrong with it, after "an answer that".
        what: &'static str,
    },
}

impl ExchangeError {
    /// Whether this is OAuth's error of that name.
    pub fn is(&self, name: &str) -> bool {
        matches!(self, Self::Refused { error: Some(error), .. } if error == name)
    }
}

/// An access token and the key that it is bound to.
#[derive(Clone, Copy)]
pub struct Dpop<'a> {
    /// The key that proves.
    pub key: &'a SigningKey,
    /// The token, if there is one yet.
    pub token: Option<&'a str>,
    /// The time.
    pub now: Timestamp,
}

/// A request without its proof.
#[derive(Clone)]
pub struct Request<'a> {
    /// The HTTP method.
    pub method: Method,
    /// The whole URL.
    pub url: &'a Url,
    /// Headers that are the same each time.
    pub headers: HeaderMap,
    /// The largest answer.
    pub limit: usize,
}

/// Sends the requests. Remembers nonces, and nothing else.
pub struct Exchange {
    http: GuardedClient,
    nonces: Nonces,
}

impl Exchange {
    /// Sends through this client.
    pub fn new(http: GuardedClient) -> Self {
        Self {
            http,
            nonces: Nonces::default(),
        }
    }

    /// What this may reach.
    pub fn guard(&self) -> &loggia_xrpc_client::AddressGuard {
        &self.http.settings().guard
    }

    /// Fetches a server's description of itself.
    ///
    /// # Errors
    /// No answer, or one other than 200.
    pub async fn describe(&self, origin: &Url, path: &str) -> Result<Bytes, ExchangeError> {
        let mut url = origin.clone();
        url.set_path(path);
        let answer = self.http.get(&url, LARGEST).await;
        let answer = answer.map_err(|error| ExchangeError::Client(host(&url), error))?;
        match answer.status {
            200 => Ok(answer.body),
            _ => Err(refused(&url, &answer)),
        }
    }

    /// Posts a form with a proof. `fields` is asked anew for each attempt, since an assertion is good
    /// for one request.
    ///
    /// # Errors
    /// No answer, or one other than 2xx.
    pub async fn post_form(
        &self,
        url: &Url,
        dpop: Dpop<'_>,
        fields: impl Fn() -> Result<Vec<(&'static str, String)>, SignError>,
    ) -> Result<Bytes, ExchangeError> {
        let form = HeaderValue::from_static("application/x-www-form-urlencoded");
        let json = HeaderValue::from_static("application/json");
        let request = Request {
            method: Method::POST,
            url,
            headers: HeaderMap::from_iter([(CONTENT_TYPE, form), (ACCEPT, json)]),
            limit: LARGEST,
        };
        let body = || {
            let mut form = url::form_urlencoded::Serializer::new(String::new());
            form.extend_pairs(fields()?);
            Ok(Bytes::from(form.finish()))
        };
        let answer = self.send(&request, dpop, body).await?;
        match answer.status {
            200..=299 => Ok(answer.body),
            _ => Err(refused(url, &answer)),
        }
    }

    /// Sends a request with a proof, and once more if the server wants another nonce in it.
    ///
    /// # Errors
    /// There is no answer, or the proof could not be made; every status is an answer.
    pub async fn send(
        &self,
        request: &Request<'_>,
        dpop: Dpop<'_>,
        body: impl Fn() -> Result<Bytes, SignError>,
    ) -> Result<Answer, ExchangeError> {
        let origin = request.url.origin().ascii_serialization();
        let known = self.nonces.of(&origin);
        let first = self.once(request, dpop, known.as_deref(), body()?).await?;
        let given = self.remember(&origin, &first);
        match given {
            Some(given) if Some(&given) != known.as_ref() && wants_nonce(&first) => {
                let second = self.once(request, dpop, Some(&given), body()?).await?;
                self.remember(&origin, &second);
                Ok(second)
            }
            _ => Ok(first),
        }
    }

    async fn once(
        &self,
        request: &Request<'_>,
        dpop: Dpop<'_>,
        nonce: Option<&str>,
        body: Bytes,
    ) -> Result<Answer, ExchangeError> {
        let target = Target::parse(request.url.as_str());
        let proof = NewProof {
            method: request.method.as_str(),
            target: &target.map_err(|error| ExchangeError::Target(host(request.url), error))?,
            token: dpop.token,
            nonce,
            now: dpop.now,
            id: chance::bytes(),
        };
        let proof = mint(dpop.key, &proof)?;
        let mut headers = request.headers.clone();
        headers.insert(DPOP, secret(&proof, request.url)?);
        if let Some(token) = dpop.token {
            headers.insert(
                AUTHORIZATION,
                secret(&format!("DPoP {token}"), request.url)?,
            );
        }
        let (method, url) = (request.method.clone(), request.url);
        let sent = self.http.request(method, url, headers, body, request.limit);
        sent.await
            .map_err(|error| ExchangeError::Client(host(url), error))
    }

    fn remember(&self, origin: &str, answer: &Answer) -> Option<String> {
        let nonce = answer.headers.get(DPOP_NONCE)?.to_str().ok()?;
        self.nonces.remember(origin, nonce);
        Some(nonce.to_owned())
    }
}

/// A header that no log shows.
fn secret(text: &str, url: &Url) -> Result<HeaderValue, ExchangeError> {
    let mut value = HeaderValue::from_str(text).map_err(|_| ExchangeError::Answer {
        host: host(url),
        what: "holds characters that no header takes",
    })?;
    value.set_sensitive(true);
    Ok(value)
}

/// Authorization servers say it in the body, resource servers in `WWW-Authenticate`.
fn wants_nonce(answer: &Answer) -> bool {
    const NAME: &str = "use_dpop_nonce";
    let challenge = answer.headers.get("www-authenticate");
    let challenged = challenge
        .and_then(|value| value.to_str().ok())
        .is_some_and(|text| text.contains(NAME));
    let named = || words(&answer.body).0.is_some_and(|error| error == NAME);
    matches!(answer.status, 400 | 401) && (challenged || named())
}

/// The refusal in an answer that is none of success.
pub fn refused(url: &Url, answer: &Answer) -> ExchangeError {
    let (error, description) = words(&answer.body);
    ExchangeError::Refused {
        host: host(url),
        status: answer.status,
        error,
        description,
    }
}

fn words(body: &Bytes) -> (Option<String>, Option<String>) {
    #[derive(Default, Deserialize)]
    struct Refusal {
        error: Option<String>,
        #[serde(alias = "message")]
        error_description: Option<String>,
    }
    // A body of another shape holds no words for anybody.
    let refusal: Refusal = serde_json::from_slice(body).unwrap_or_default();
    (
        refusal.error.and_then(error_name),
        refusal.error_description.map(one_line),
    )
}

/// A text as an error's name, which goes into logs, if it can be one (RFC 6749 §4.1.2.1).
pub fn error_name(text: String) -> Option<String> {
    let fits = |byte: u8| matches!(byte, 0x20..=0x21 | 0x23..=0x5b | 0x5d..=0x7e);
    (text.len() <= LONGEST_NAME && text.bytes().all(fits)).then_some(text)
}

/// The beginning of what others wrote, as one line.
pub fn one_line(text: impl AsRef<str>) -> String {
    let text = text.as_ref().chars();
    let visible = text.map(|c| if c.is_control() { ' ' } else { c });
    visible.take(LONGEST_WORDS).collect()
}

/// What to call a server when speaking to people.
pub fn host(url: &Url) -> String {
    url.host_str().unwrap_or_default().to_owned()
}
