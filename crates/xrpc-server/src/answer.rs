//! From a handler's output to a response.

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use loggia_xrpc::syntax::check::Report;
use loggia_xrpc::{Binary, Body as XrpcBody, BodyKind, Content, Payload, Rejection};

use crate::coding::Coding;
use crate::decode::MOST_VIOLATIONS;
use crate::settings::Settings;
use crate::stop::{self, Stop};
use crate::{media, status};

/// What a client asked for about the form of the answer; taken before the request is handed over.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Form {
    coding: Option<Coding>,
    from: usize,
}

impl Form {
    pub fn of(headers: &HeaderMap, settings: &Settings) -> Self {
        let coding = settings.compress_from.and_then(|_| {
            headers
                .get(header::ACCEPT_ENCODING)?
                .to_str()
                .ok()
                .and_then(Coding::of_accept)
        });
        Self {
            coding,
            from: settings.compress_from.unwrap_or(usize::MAX),
        }
    }
}

/// 406 if the client takes nothing that this method could answer.
pub(crate) fn acceptable<B: XrpcBody>(headers: &HeaderMap) -> Result<(), Rejection> {
    let Some(first) = headers.get(header::ACCEPT) else {
        return Ok(());
    };
    if B::KIND == BodyKind::Nothing || first == "*/*" {
        return Ok(());
    }
    let takes = |value: &HeaderValue| {
        value
            .to_str()
            .is_ok_and(|accept| media::accepts(accept, B::ENCODING))
    };
    if headers.get_all(header::ACCEPT).iter().any(takes) {
        return Ok(());
    }
    let code = StatusCode::NOT_ACCEPTABLE;
    let message = format!("this method answers {}, which Accept excludes", B::ENCODING);
    Err(Rejection::new(
        code.as_u16(),
        status::name_of(code),
        message,
    ))
}

/// Output that breaks its own lexicon.
#[derive(Debug, thiserror::Error)]
#[error("output does not hold: {0}")]
struct OutputViolated(String);

/// Output whose `Content-Type` is none, or not one that the lexicon allows.
#[derive(Debug, thiserror::Error)]
#[error("output has the content type {given:?} where the lexicon says {encoding}")]
struct OutputEncoding {
    given: String,
    encoding: &'static str,
}

/// The response of an output.
pub(crate) async fn answer<B: XrpcBody>(
    form: Form,
    settings: &Settings,
    output: B,
) -> Result<Response, Stop> {
    if settings.validate_output {
        let mut report = Report::new();
        output.check(&mut report);
        if let Err(violations) = report.finish() {
            let all = stop::join(&violations, MOST_VIOLATIONS);
            return Err(Stop::internal(OutputViolated(all)));
        }
    }
    match output.encode().map_err(Stop::internal)? {
        Payload::Nothing => Ok(Response::new(Body::empty())),
        Payload::Json(text) => {
            whole(form, text, HeaderValue::from_static("application/json")).await
        }
        Payload::Raw(binary) => raw(form, binary, B::ENCODING).await,
    }
}

async fn raw(form: Form, binary: Binary, encoding: &'static str) -> Result<Response, Stop> {
    let given = binary.content_type;
    let content_type = HeaderValue::try_from(&given)
        .ok()
        .filter(|_| media::fits(&given, encoding));
    let Some(content_type) = content_type else {
        return Err(Stop::internal(OutputEncoding { given, encoding }));
    };
    let response = match binary.content {
        Content::Whole(bytes) if media::essence(&given).starts_with("text/") => {
            whole(form, bytes, content_type).await?
        }
        Content::Whole(bytes) => typed(Body::from(bytes), content_type),
        Content::Stream(chunks) => typed(Body::from_stream(chunks), content_type),
    };
    Ok(if encoding == "*/*" {
        harmless(response)
    } else {
        response
    })
}

/// Keeps a browser from showing or running what may be of any type: where the lexicon leaves it open,
/// whoever uploaded it has chosen.
fn harmless(mut response: Response) -> Response {
    let headers = response.headers_mut();
    for (name, value) in [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::CONTENT_DISPOSITION, "attachment"),
        (
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; sandbox",
        ),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

/// Text, compressed if that is wanted and worth it.
async fn whole(form: Form, text: Bytes, content_type: HeaderValue) -> Result<Response, Stop> {
    if text.len() < form.from {
        return Ok(typed(Body::from(text), content_type));
    }
    let Some(coding) = form.coding else {
        return Ok(varying(typed(Body::from(text), content_type)));
    };
    // Boxed, as a coder's state would make the future of every answer some kilobytes longer.
    let coded = Box::pin(coding.encode(&text))
        .await
        .map_err(Stop::internal)?;
    let mut response = varying(typed(Body::from(coded), content_type));
    response
        .headers_mut()
        .insert(header::CONTENT_ENCODING, coding.header());
    Ok(response)
}

fn typed(body: Body, content_type: HeaderValue) -> Response {
    let mut response = Response::new(body);
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, content_type);
    response
}

fn varying(mut response: Response) -> Response {
    response
        .headers_mut()
        .insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    response
}
