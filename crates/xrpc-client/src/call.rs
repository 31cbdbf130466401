//! Typed XRPC calls.

use bytes::{Bytes, BytesMut};
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue};
use loggia_xrpc::{
    Binary, Body, BodyError, BodyKind, Content, DeclaredError, Kind, Method, Params, Payload, Query,
};
use serde::Deserialize;
use std::fmt;
use url::Url;

use crate::client::{Answer, GuardedClient};
use crate::download::{Download, Pace};
use crate::error::ClientError;

/// How a call proves who makes it.
#[derive(Clone, Copy, Default)]
pub enum Credentials<'a> {
    /// Not at all.
    #[default]
    Anonymous,
    /// `Authorization: Bearer`: service auth, delegation tokens.
    Bearer(&'a str),
    /// Header fields that prove it together, such as a token and a signature over it.
    Fields(&'a HeaderMap),
}

impl fmt::Debug for Credentials<'_> {
    /// Without the token.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Anonymous => "Anonymous",
            Self::Bearer(_) => "Bearer(…)",
            Self::Fields(_) => "Fields(…)",
        })
    }
}

/// The other side said no.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the call was refused with HTTP status {status}, {}", name.as_deref().unwrap_or("unnamed"))]
pub struct Refusal {
    /// HTTP status.
    pub status: u16,
    /// The error name, if the answer is an XRPC error.
    pub name: Option<String>,
    /// The other side's words, as they are.
    pub message: Option<String>,
}

impl Refusal {
    /// Whether it is this declared error.
    pub fn is(&self, error: &impl DeclaredError) -> bool {
        self.name.as_deref() == Some(error.name())
    }
}

/// Why a call has no output.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// The base URL cannot have paths below it.
    #[error("the service's URL cannot be a base")]
    Base,
    /// The token cannot stand in a header.
    #[error("the token has characters that no header takes")]
    Credentials,
    /// The input's content type cannot stand in a header.
    #[error("the input's content type has characters that no header takes")]
    ContentType,
    /// The input cannot be written.
    #[error("the input of {nsid} cannot be written")]
    Input {
        /// The method.
        nsid: &'static str,
        /// Why not.
        #[source]
        source: BodyError,
    },
    /// There is no answer.
    #[error("the call of {nsid} has no answer")]
    Client {
        /// The method.
        nsid: &'static str,
        /// Why not.
        #[source]
        source: ClientError,
    },
    /// The other side said no.
    #[error("the call of {nsid} was refused")]
    Refused {
        /// The method.
        nsid: &'static str,
        /// How.
        #[source]
        source: Refusal,
    },
    /// The output is not what the lexicon says.
    #[error("the output of {nsid} does not fit its lexicon")]
    Output {
        /// The method.
        nsid: &'static str,
        /// Where it does not.
        #[source]
        source: BodyError,
    },
}

impl GuardedClient {
    /// Calls a method of the service at `base`.
    pub async fn call<M: Method>(
        &self,
        base: &Url,
        params: &M::Params,
        input: M::Input,
        credentials: Credentials<'_>,
    ) -> Result<M::Output, CallError> {
        let limit = self.settings().output;
        self.call_within::<M>(base, params, input, credentials, limit)
            .await
    }

    /// The same with another limit for the output, in bytes after decompression.
    pub async fn call_within<M: Method>(
        &self,
        base: &Url,
        params: &M::Params,
        input: M::Input,
        credentials: Credentials<'_>,
        limit: usize,
    ) -> Result<M::Output, CallError> {
        let nsid = M::NSID;
        let request = request::<M>(base, params, input, credentials)?;
        let answer = self
            .exchange(request, limit)
            .await
            .map_err(|source| CallError::Client { nsid, source })?;
        if !(200..300).contains(&answer.status) {
            return Err(CallError::Refused {
                nsid,
                source: refusal(answer.status, &answer.body),
            });
        }
        M::Output::decode(output(answer, M::Output::KIND))
            .map_err(|source| CallError::Output { nsid, source })
    }

    /// Calls a method whose output is large, and gives what comes in as it comes in: at most `limit`
    /// bytes, no slower than at this pace.
    pub async fn download<M: Method>(
        &self,
        base: &Url,
        params: &M::Params,
        input: M::Input,
        credentials: Credentials<'_>,
        (limit, pace): (usize, Pace),
    ) -> Result<Download, CallError> {
        let nsid = M::NSID;
        let failed = |source| CallError::Client { nsid, source };
        let request = request::<M>(base, params, input, credentials)?;
        let mut download = self.begin(request, pace, limit).await.map_err(failed)?;
        if (200..300).contains(&download.status()) {
            return Ok(download);
        }
        // That it was refused is known, even if the reason breaks off.
        let mut body = BytesMut::new();
        while body.len() < self.settings().answer
            && let Ok(Some(chunk)) = download.next().await
        {
            body.extend_from_slice(&chunk);
        }
        let source = refusal(download.status(), &body.freeze());
        Err(CallError::Refused { nsid, source })
    }
}

fn request<M: Method>(
    base: &Url,
    params: &M::Params,
    input: M::Input,
    credentials: Credentials<'_>,
) -> Result<reqwest::Request, CallError> {
    let nsid = M::NSID;
    let url = method_url::<M>(base, params)?;
    let payload = input
        .encode()
        .map_err(|source| CallError::Input { nsid, source })?;
    let method = match M::KIND {
        Kind::Procedure => reqwest::Method::POST,
        Kind::Query | Kind::Subscription => reqwest::Method::GET,
    };
    let mut request = reqwest::Request::new(method, url);
    put_headers::<M>(request.headers_mut(), credentials)?;
    put_payload(&mut request, payload, M::Input::ENCODING)?;
    Ok(request)
}

fn method_url<M: Method>(base: &Url, params: &M::Params) -> Result<Url, CallError> {
    let mut url = base.clone();
    url.path_segments_mut()
        .map_err(|()| CallError::Base)?
        .pop_if_empty()
        .extend(["xrpc", M::NSID]);
    let mut query = Query::default();
    params.write(&mut query);
    let query = query.to_string();
    url.set_query(Some(query.as_str()).filter(|query| !query.is_empty()));
    Ok(url)
}

fn put_headers<M: Method>(
    headers: &mut HeaderMap,
    credentials: Credentials<'_>,
) -> Result<(), CallError> {
    if M::Output::KIND == BodyKind::Json {
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
    }
    match credentials {
        Credentials::Anonymous => {}
        Credentials::Bearer(token) => {
            let mut value = HeaderValue::try_from(format!("Bearer {token}"))
                .map_err(|_| CallError::Credentials)?;
            value.set_sensitive(true);
            headers.insert(AUTHORIZATION, value);
        }
        Credentials::Fields(fields) => {
            for (name, value) in fields {
                headers.insert(name, value.clone());
            }
        }
    }
    Ok(())
}

fn put_payload(
    request: &mut reqwest::Request,
    payload: Payload,
    encoding: &'static str,
) -> Result<(), CallError> {
    let (content_type, body) = match payload {
        Payload::Nothing => return Ok(()),
        Payload::Json(text) => (
            HeaderValue::from_static(encoding),
            reqwest::Body::from(text),
        ),
        Payload::Raw(Binary {
            content_type,
            content,
        }) => {
            let body = match content {
                Content::Whole(bytes) => reqwest::Body::from(bytes),
                Content::Stream(chunks) => reqwest::Body::wrap_stream(chunks),
            };
            (
                HeaderValue::try_from(content_type).map_err(|_| CallError::ContentType)?,
                body,
            )
        }
    };
    request.headers_mut().insert(CONTENT_TYPE, content_type);
    *request.body_mut() = Some(body);
    Ok(())
}

fn output(answer: Answer, kind: BodyKind) -> Payload {
    match kind {
        BodyKind::Nothing => Payload::Nothing,
        BodyKind::Json => Payload::Json(answer.body),
        BodyKind::Raw => Payload::Raw(Binary {
            content_type: content_type(&answer.headers).to_owned(),
            content: Content::Whole(answer.body),
        }),
    }
}

fn content_type(headers: &HeaderMap) -> &str {
    let value = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    value.unwrap_or("application/octet-stream")
}

/// The name and message of an XRPC error. Other bodies are not quoted: they may hold anything.
fn refusal(status: u16, body: &Bytes) -> Refusal {
    #[derive(Default, Deserialize)]
    struct Envelope {
        error: Option<String>,
        message: Option<String>,
    }
    let envelope: Envelope = parse(body).unwrap_or_default();
    Refusal {
        status,
        name: envelope.error,
        message: envelope.message,
    }
}

fn parse<'a, T: Deserialize<'a>>(body: &'a Bytes) -> Option<T> {
    serde_json::from_slice(body).ok()
}
