//! The body of a token request.

use std::collections::HashMap;

use axum::body::Body;
use axum::http::{HeaderMap, header};
use url::form_urlencoded;

use super::refusal::Refused;

/// Bytes of a body: a token of at most 8 KiB, and scopes.
const LARGEST: usize = 16 * 1024;

/// Parameters in a body; RFC 8693 has nine.
const MOST: usize = 32;

const GRANT: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const JWT: &str = "urn:ietf:params:oauth:token-type:jwt";
/// The type of what is issued (RFC 8693 §3).
pub(super) const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";

/// What a request asks for. The subject token is not looked at yet.
#[derive(Debug)]
pub(super) struct Form {
    /// The service auth.
    pub subject_token: String,
    /// The scopes, if any are named.
    pub scope: Option<String>,
    /// For whom the new token is to be, if that is said: by name or by URL.
    pub targets: Vec<String>,
}

impl Form {
    /// Reads a body to its end.
    pub async fn read(headers: &HeaderMap, body: Body) -> Result<Self, Refused> {
        let kind = headers.get(header::CONTENT_TYPE);
        let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        let kind = kind.split(';').next().unwrap_or_default().trim();
        if !kind.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
            return Err(Refused::request(
                "the body must be of type application/x-www-form-urlencoded",
            ));
        }
        let body = axum::body::to_bytes(body, LARGEST).await;
        let body = body.map_err(|_| {
            Refused::request(format!(
                "the body ends early or is longer than {LARGEST} bytes"
            ))
        })?;
        Self::parse(&body)
    }

    fn parse(body: &[u8]) -> Result<Self, Refused> {
        let (mut single, targets) = parameters(body)?;
        let mut take = |name: &str| single.remove(name);
        match take("grant_type").as_deref() {
            Some(GRANT) => {}
            Some(_) => return Err(Refused::grant(GRANT)),
            None => return Err(Refused::request("grant_type is missing")),
        }
        if take("actor_token").is_some() {
            return Err(Refused::request("actor_token is not supported"));
        }
        let subject_token =
            take("subject_token").ok_or_else(|| Refused::request("subject_token is missing"))?;
        if take("subject_token_type").as_deref() != Some(JWT) {
            return Err(Refused::request(format!(
                "subject_token_type must be {JWT}"
            )));
        }
        if take("requested_token_type").is_some_and(|kind| kind != ACCESS_TOKEN) {
            return Err(Refused::request(format!(
                "requested_token_type must be {ACCESS_TOKEN}"
            )));
        }
        Ok(Self {
            subject_token,
            scope: take("scope"),
            targets,
        })
    }
}

/// The parameters that stand there once, and the values of those that may stand there several
/// times. One without a value counts as left out (RFC 6749 §3.2).
fn parameters(body: &[u8]) -> Result<(HashMap<String, String>, Vec<String>), Refused> {
    let (mut single, mut targets) = (HashMap::new(), Vec::new());
    for (number, (name, value)) in form_urlencoded::parse(body).enumerate() {
        if number >= MOST {
            return Err(Refused::request(format!(
                "there are more than {MOST} parameters"
            )));
        }
        if value.is_empty() {
            continue;
        }
        if matches!(&*name, "audience" | "resource") {
            targets.push(value.into_owned());
        } else if single
            .insert(name.into_owned(), value.into_owned())
            .is_some()
        {
            return Err(Refused::request("a parameter stands there twice"));
        }
    }
    Ok((single, targets))
}
