//! The input of a procedure: content type, bytes, JSON, constraints.

use axum::body::Body;
use bytes::Bytes;
use http::request::Parts;
use http::{StatusCode, header};
use loggia_xrpc::syntax::check::Report;
use loggia_xrpc::{Binary, Body as XrpcBody, BodyError, BodyKind, Content, Payload, Rejection};

use super::body::{self, Fault, Stopped};
use super::{MOST_VIOLATIONS, MOST_WORDS};
use crate::call::Call;
use crate::stop::{self, Stop};
use crate::{locate, media, status};

/// Reads, decodes and checks the input.
pub(crate) async fn input<B: XrpcBody, S>(
    call: &Call<'_, S>,
    parts: &Parts,
    body: Body,
) -> Result<B, Stop> {
    let input = match B::KIND {
        BodyKind::Nothing => {
            no_input(call, body).await?;
            B::decode(Payload::Nothing).map_err(Stop::internal)?
        }
        BodyKind::Json => json(call, parts, body).await?,
        BodyKind::Raw => raw(call, parts, body)?,
    };
    if call.settings.validate_input {
        let mut report = Report::new();
        input.check(&mut report);
        if let Err(violations) = report.finish() {
            return Err(violated("input does not hold", &violations).into());
        }
    }
    Ok(input)
}

/// A method without input gets none; what came with a chunked coding has to be looked at.
pub(crate) async fn no_input<S>(call: &Call<'_, S>, body: Body) -> Result<(), Rejection> {
    if body::is_absent(&body) {
        return Ok(());
    }
    match timed(call, body::whole(body, None, 0, 0)).await {
        Ok(_) => Ok(()),
        Err(Stopped::TooLarge) => {
            Err(Rejection::invalid_request("this method takes no body")
                .header("connection", "close"))
        }
        Err(stopped) => Err(stopped.reject(0)),
    }
}

async fn json<B: XrpcBody, S>(call: &Call<'_, S>, parts: &Parts, body: Body) -> Result<B, Stop> {
    utf8(content_type(parts, B::ENCODING)?)?;
    let coding = body::coding(parts)?;
    let limit = call.limits.json;
    let text = timed(
        call,
        body::whole(body, coding, limit, call.settings.coded_limit),
    )
    .await
    .map_err(|stopped| stopped.reject(limit))?;
    match B::decode(Payload::Json(text.clone())) {
        Ok(input) => Ok(input),
        Err(BodyError::Json(error)) => Err(misfit(call, &text, &error).into()),
        Err(error @ BodyError::Kind { .. }) => Err(Stop::internal(error)),
    }
}

fn raw<B: XrpcBody, S>(call: &Call<'_, S>, parts: &Parts, body: Body) -> Result<B, Stop> {
    let content_type = content_type(parts, B::ENCODING)?.to_owned();
    let coding = body::coding(parts)?;
    let limit = call.limits.raw;
    if coding.is_none() && axum::body::HttpBody::size_hint(&body).lower() > limit as u64 {
        return Err(Stopped::TooLarge.reject(limit).into());
    }
    // A coded raw body may be as long as the decoded one: such bytes seldom get shorter.
    let chunks = body::chunks(body, coding, limit, limit, call.fault);
    let binary = Binary {
        content_type,
        content: Content::Stream(chunks),
    };
    B::decode(Payload::Raw(binary)).map_err(Stop::internal)
}

/// The `Content-Type`, if it fits.
fn content_type<'a>(parts: &'a Parts, encoding: &str) -> Result<&'a str, Rejection> {
    let Some(value) = parts.headers.get(header::CONTENT_TYPE) else {
        return Err(Rejection::invalid_request(format!(
            "Content-Type is missing; this method takes {encoding}"
        )));
    };
    value
        .to_str()
        .ok()
        .filter(|value| media::fits(value, encoding))
        .ok_or_else(|| {
            let message =
                format!("Content-Type {value:?} does not fit; this method takes {encoding}");
            Rejection::invalid_request(stop::shorten(message, 400))
        })
}

/// 415 for text that is not written in UTF-8, which JSON between systems always is (RFC 8259, 8.1).
fn utf8(content_type: &str) -> Result<(), Rejection> {
    if media::is_utf8(content_type) {
        return Ok(());
    }
    let code = StatusCode::UNSUPPORTED_MEDIA_TYPE;
    let message = format!(
        "Content-Type {content_type:?} names a charset that is not understood; send JSON in UTF-8 \
         and leave the charset out"
    );
    let message = stop::shorten(message, 400);
    Err(Rejection::new(
        code.as_u16(),
        status::name_of(code),
        message,
    ))
}

async fn timed<S>(
    call: &Call<'_, S>,
    body: impl Future<Output = Result<Bytes, Stopped>>,
) -> Result<Bytes, Stopped> {
    match tokio::time::timeout(call.settings.body_timeout, body).await {
        Ok(read) => read,
        Err(_elapsed) => Err(Stopped::TooSlow),
    }
}

/// JSON of another shape, or no JSON: everything that is wrong if somebody can tell, else the first
/// thing with its place.
#[cold]
fn misfit<S>(call: &Call<'_, S>, text: &Bytes, error: &serde_json::Error) -> Rejection {
    if error.is_data()
        && let Some(explain) = call.explain
    {
        let violations = explain.input(call.info.nsid, text);
        if !violations.is_empty() {
            return violated("input does not fit", &violations);
        }
    }
    let what = stop::shorten(error.to_string(), MOST_WORDS);
    Rejection::invalid_request(if error.is_data() {
        let path = locate::path_at(text, error.line(), error.column());
        format!(
            "input does not fit: {}: {what}",
            stop::shorten(path, MOST_WORDS)
        )
    } else {
        format!("input is not JSON: {what}")
    })
}

fn violated(what: &str, violations: &[loggia_xrpc::syntax::check::Violation]) -> Rejection {
    let all = stop::join(violations, MOST_VIOLATIONS);
    Rejection::invalid_request(stop::shorten(format!("{what}: {all}"), MOST_WORDS))
}

/// The rejection that explains an internal error which is not our fault: the body stopped.
pub(crate) fn blame(fault: &Fault, limit: usize) -> Option<Rejection> {
    fault.found().map(|stopped| stopped.reject(limit))
}
