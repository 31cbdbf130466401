//! Calls to a person's PDS in their name.

use axum::http::Method as HttpMethod;
use axum::http::header::{ACCEPT, CONTENT_TYPE};
use bytes::Bytes;
use jiff::Timestamp;
use loggia_identity::ResolveError;
use loggia_storage::{LoginSession, LoginSessionId, StorageError};
use loggia_syntax::Did;
use loggia_xrpc::{
    Binary, Body, BodyError, BodyKind, Content, Kind, Method, Params, Payload, Query,
};
use loggia_xrpc_client::{Answer, HeaderMap, HeaderValue};
use url::Url;

use super::LoginError;
use super::grant::{self, Grant};
use super::oauth::{Dpop, ExchangeError, Request, refused};
use super::people::{Inner, People};
use super::secret_text::SecretText;

/// The largest output of a call, in bytes: a record has at most 1 MiB, a list of them more.
const LARGEST: usize = 5 * 1024 * 1024;

/// Why a call to a person's PDS has no output.
#[derive(Debug, thiserror::Error)]
pub enum PdsError {
    /// The session is over, here or at the PDS. The person has to log in again.
    #[error("the person is not logged in any more")]
    LoggedOut,
    /// The PDS or its authorization server did not do it.
    #[error(transparent)]
    Exchange(#[from] ExchangeError),
    /// Where the account is now cannot be found out.
    #[error("the account cannot be looked up")]
    Document(#[from] ResolveError),
    /// The input cannot be sent.
    #[error("the input of {0} cannot be written")]
    Input(&'static str, #[source] BodyError),
    /// The input is a stream, which cannot be sent a second time with another nonce.
    #[error("the input of {0} is a stream")]
    Stream(&'static str),
    /// The output is not what the lexicon says.
    #[error("the output of {0} does not fit its lexicon")]
    Output(&'static str, #[source] BodyError),
    /// The task that refreshed the tokens ended without an answer.
    #[error("refreshing the tokens was interrupted")]
    Interrupted,
    /// The store, or what is in it.
    #[error("the session cannot be read or kept")]
    Session(#[source] Box<LoginError>),
}

impl From<LoginError> for PdsError {
    fn from(error: LoginError) -> Self {
        Self::Session(Box::new(error))
    }
}

impl From<StorageError> for PdsError {
    fn from(error: StorageError) -> Self {
        LoginError::from(error).into()
    }
}

/// A person's PDS, reached in their name through the session of one login.
#[derive(Clone)]
pub struct Pds {
    people: People,
    did: Did,
    session: LoginSessionId,
}

impl People {
    /// The PDS of a person who is logged in.
    pub fn pds(&self, session: &LoginSession) -> Pds {
        Pds {
            people: self.clone(),
            did: session.did.clone(),
            session: session.id,
        }
    }

    /// The PDS of an account that is logged in somewhere, for what is done in its name while nobody
    /// is looking.
    ///
    /// # Errors
    /// The store failed.
    pub async fn pds_of(&self, did: &Did, now: Timestamp) -> Result<Option<Pds>, LoginError> {
        let sessions = self.inner.storage.login_sessions();
        let session = sessions.newest_of(did, now).await?;
        Ok(session.map(|session| self.pds(&session)))
    }
}

impl Pds {
    /// Whose PDS it is: the `repo` of whatever is written.
    pub fn did(&self) -> &Did {
        &self.did
    }

    /// Calls a method of the PDS. An access token that is over is refreshed on the way.
    ///
    /// # Errors
    /// [`PdsError::LoggedOut`] if the session is over; otherwise why there is no output.
    pub async fn call<M: Method>(
        &self,
        params: &M::Params,
        input: M::Input,
        now: Timestamp,
    ) -> Result<M::Output, PdsError> {
        let call = Call::new::<M>(params, input)?;
        let grant = self.grant(None, now).await?;
        let mut answer = self.send(&call, &grant, now).await?;
        if says_invalid_token(&answer) {
            let grant = self.grant(Some(&grant), now).await?;
            answer = self.send(&call, &grant, now).await?;
        }
        if !(200..300).contains(&answer.status) {
            return Err(refused(&call.url(&grant)?, &answer).into());
        }
        M::Output::decode(payload(answer, M::Output::KIND))
            .map_err(|error| PdsError::Output(M::NSID, error))
    }

    async fn send(&self, call: &Call, grant: &Grant, now: Timestamp) -> Result<Answer, PdsError> {
        let url = call.url(grant)?;
        let key = grant.key().map_err(LoginError::from)?;
        let request = Request {
            method: call.method.clone(),
            url: &url,
            headers: call.headers.clone(),
            limit: LARGEST,
        };
        let dpop = Dpop {
            key: &key,
            token: Some(&grant.access),
            now,
        };
        let exchange = &self.inner().exchange;
        Ok(exchange
            .send(&request, dpop, || Ok(call.body.clone()))
            .await?)
    }

    /// A session whose access token may be used, and is not that of `spent`.
    ///
    /// The refresh is a task of its own: were it dropped with a caller who goes away, the PDS might
    /// have changed the tokens while nobody kept the new ones.
    async fn grant(&self, spent: Option<&Grant>, now: Timestamp) -> Result<Grant, PdsError> {
        let spent = spent.map(|grant| grant.access.clone());
        let grant = self.stored(now).await?;
        if is_usable(&grant, spent.as_ref(), now) {
            return Ok(grant);
        }
        let pds = self.clone();
        let refreshing = tokio::spawn(async move { pds.refresh_in_turn(spent, now).await });
        refreshing.await.unwrap_or(Err(PdsError::Interrupted))
    }

    /// One at a time refreshes: a refresh token that is used twice ends the session.
    async fn refresh_in_turn(
        &self,
        spent: Option<SecretText>,
        now: Timestamp,
    ) -> Result<Grant, PdsError> {
        let locks = &self.inner().refreshing;
        let number = usize::from(self.session.as_bytes()[15]) % locks.len();
        let _turn = locks[number].lock().await;
        let grant = self.stored(now).await?;
        if is_usable(&grant, spent.as_ref(), now) {
            return Ok(grant);
        }
        self.refresh(grant, now).await
    }

    async fn stored(&self, now: Timestamp) -> Result<Grant, PdsError> {
        let sessions = self.inner().storage.login_sessions();
        let session = sessions.find(self.session, now).await?;
        let session = session.ok_or(PdsError::LoggedOut)?;
        Ok(grant::read(&session.tokens)?)
    }

    async fn refresh(&self, old: Grant, now: Timestamp) -> Result<Grant, PdsError> {
        let Inner {
            exchange,
            client,
            accounts,
            storage,
            ..
        } = self.inner();
        // The server that gave the tokens speaks for the account only while the account is there.
        let moved = accounts.pds(&self.did, now).await?.as_ref() != Some(&old.pds);
        let Some(token) = old.refresh.clone().filter(|_| !moved) else {
            return self.end().await;
        };
        let server = exchange.server_of(&old.issuer, &old.pds, client).await?;
        let key = old.key().map_err(LoginError::from)?;
        let tokens = match exchange.refresh(&server, client, &key, &token, now).await {
            Ok(tokens) if tokens.sub == self.did => tokens,
            Ok(_) => return self.end().await,
            Err(error) if error.is("invalid_grant") => return self.end().await,
            Err(error) => return Err(error.into()),
        };
        let grant = old.renewed(tokens);
        let sessions = storage.login_sessions();
        if !sessions
            .update_tokens(self.session, &grant::write(&grant)?)
            .await?
        {
            // Logged out meanwhile, with the tokens that were before: these are nobody's.
            self.people
                .give_back(&server, &key, &grant, &self.did, now)
                .await;
            return Err(PdsError::LoggedOut);
        }
        Ok(grant)
    }

    /// The session is of no use any more.
    async fn end<T>(&self) -> Result<T, PdsError> {
        let sessions = self.inner().storage.login_sessions();
        if sessions.delete(self.session).await? {
            tracing::info!(did = %self.did, session = %self.session, "a login ended at the PDS");
        }
        Err(PdsError::LoggedOut)
    }

    fn inner(&self) -> &Inner {
        &self.people.inner
    }
}

fn is_usable(grant: &Grant, spent: Option<&SecretText>, now: Timestamp) -> bool {
    match spent {
        Some(spent) => *grant.access != **spent,
        None => grant.is_fresh(now),
    }
}

/// A call that can be sent more than once.
struct Call {
    method: HttpMethod,
    nsid: &'static str,
    query: String,
    headers: HeaderMap,
    body: Bytes,
}

impl Call {
    fn new<M: Method>(params: &M::Params, input: M::Input) -> Result<Self, PdsError> {
        let nsid = M::NSID;
        let mut query = Query::default();
        params.write(&mut query);
        let mut headers = HeaderMap::new();
        if M::Output::KIND == BodyKind::Json {
            headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        }
        let input = input
            .encode()
            .map_err(|error| PdsError::Input(nsid, error))?;
        let (content_type, body) = match input {
            Payload::Nothing => (None, Bytes::new()),
            Payload::Json(text) => (Some(M::Input::ENCODING.to_owned()), text),
            Payload::Raw(Binary {
                content_type,
                content: Content::Whole(bytes),
            }) => (Some(content_type), bytes),
            Payload::Raw(_) => return Err(PdsError::Stream(nsid)),
        };
        if let Some(content_type) = content_type {
            let value = HeaderValue::try_from(content_type).map_err(|_| PdsError::Stream(nsid))?;
            headers.insert(CONTENT_TYPE, value);
        }
        Ok(Self {
            method: match M::KIND {
                Kind::Procedure => HttpMethod::POST,
                Kind::Query | Kind::Subscription => HttpMethod::GET,
            },
            nsid,
            query: query.to_string(),
            headers,
            body,
        })
    }

    fn url(&self, grant: &Grant) -> Result<Url, LoginError> {
        let mut url = Url::parse(&grant.pds).map_err(|_| LoginError::Stored)?;
        url.set_path(&format!("/xrpc/{}", self.nsid));
        url.set_query(Some(self.query.as_str()).filter(|query| !query.is_empty()));
        Ok(url)
    }
}

fn payload(answer: Answer, kind: BodyKind) -> Payload {
    match kind {
        BodyKind::Nothing => Payload::Nothing,
        BodyKind::Json => Payload::Json(answer.body),
        BodyKind::Raw => {
            let content_type = answer.headers.get(CONTENT_TYPE);
            let content_type = content_type.and_then(|value| value.to_str().ok());
            Payload::Raw(Binary {
                content_type: content_type
                    .unwrap_or("application/octet-stream")
                    .to_owned(),
                content: Content::Whole(answer.body),
            })
        }
    }
}

/// RFC 6750 §3.1, with the scheme of RFC 9449.
fn says_invalid_token(answer: &Answer) -> bool {
    let challenge = answer.headers.get("www-authenticate");
    let challenge = challenge.and_then(|value| value.to_str().ok());
    answer.status == 401
        && challenge.is_some_and(|text| text.starts_with("DPoP") && text.contains("invalid_token"))
}
