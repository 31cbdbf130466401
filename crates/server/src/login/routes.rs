//! The routes that people meet with a browser.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use bytes::Bytes;
use loggia_delivery::{Clock, SystemClock};
use loggia_xrpc_server::RateLimiter;
use serde_json::{Value, json};
use url::form_urlencoded;

use super::cookie::{CookieId, Kind};
use super::error::Told;
use super::oauth::{CALLBACK_PATH, JWKS_PATH, METADATA_PATH};
use super::page::{self, LoginForm, Notice};
use super::people::{People, Returned};
use super::{LoginError, logged_in, return_to, same_origin};
use crate::chance;

/// The largest form that is read, in bytes.
const LARGEST_FORM: usize = 8 * 1024;

/// The longest value of a form or query that is kept, in bytes. Codes of real servers have less than
/// 100.
const LONGEST_VALUE: usize = 2048;

/// How long an answer may take, the arrival of a form included: two conversations with a PDS fit.
const LONGEST_ANSWER: Duration = Duration::from_secs(60);

/// What the handlers share.
#[derive(Clone)]
struct Pages {
    people: People,
    limiter: Arc<RateLimiter>,
}

/// The routes. `limiter` counts what makes this server talk to others.
pub fn router(people: People, limiter: RateLimiter) -> Router {
    let limiter = Arc::new(limiter);
    let pages = Pages { people, limiter };
    Router::new()
        .route("/login", get(show_form).post(begin))
        .route(CALLBACK_PATH, get(finish))
        .route("/account", get(account))
        .route("/logout", post(log_out))
        .layer(middleware::from_fn_with_state(pages.clone(), check))
        .route(METADATA_PATH, get(client_metadata))
        .route(JWKS_PATH, get(jwks))
        .layer(DefaultBodyLimit::max(LARGEST_FORM))
        .with_state(pages)
}

/// Before every page: the right name, a page of our own, and not too often.
async fn check(State(pages): State<Pages>, request: Request, next: Next) -> Response {
    let site = pages.people.site();
    let (parts, body) = request.into_parts();
    let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
    let safe = parts.method.is_safe();
    let own = same_origin::allows(&parts.method, &parts.headers, &site.origin);
    match site.elsewhere(&parts.headers, path) {
        Some(there) if safe => return page::see_other(site, &there),
        None if own => {}
        _ => return page::failed(site, &foreign()),
    }
    if let Some(told) = too_often(&pages.limiter, &parts) {
        return page::failed(site, &told);
    }
    let answering = next.run(Request::from_parts(parts, body));
    match tokio::time::timeout(LONGEST_ANSWER, answering).await {
        // What axum itself answers, to a form that is too long for instance, is no page of ours.
        Ok(response) => page::guarded(site, response),
        Err(_) => page::failed(site, &tell(&LoginError::Busy)),
    }
}

fn foreign() -> Told {
    Told {
        status: StatusCode::FORBIDDEN,
        what: "This request did not come from a page of this site.".to_owned(),
        advice: "Open the page here and try again. A browser that is too old to say where a \
                 request comes from cannot be used."
            .to_owned(),
    }
}

/// Only what begins or ends a login counts: it makes this server send requests.
fn too_often(limiter: &RateLimiter, parts: &Parts) -> Option<Told> {
    let talks = !parts.method.is_safe() || parts.uri.path() == CALLBACK_PATH;
    let spent = talks.then(|| limiter.count(parts))??;
    if spent.is_left() {
        return None;
    }
    let wait = spent.wait();
    Some(Told {
        status: StatusCode::TOO_MANY_REQUESTS,
        what: "That was too often.".to_owned(),
        advice: format!("Try again in {wait} seconds."),
    })
}

async fn show_form(State(pages): State<Pages>, request: Request) -> Response {
    let query = Fields::read(request.uri().query().unwrap_or_default().as_bytes());
    let notice = match query.get("logged_out") {
        Some(_) => Notice::Done("You are logged out."),
        None => Notice::None,
    };
    let form = LoginForm {
        typed: query.get("identifier").unwrap_or_default(),
        return_to: &return_to::checked(query.get("return_to")),
        notice,
    };
    page::login(pages.people.site(), StatusCode::OK, &form)
}

async fn begin(State(pages): State<Pages>, parts: Parts, body: Bytes) -> Response {
    let people = &pages.people;
    let fields = Fields::read(&body);
    let typed = fields.get("identifier").unwrap_or_default();
    let return_to = return_to::checked(fields.get("return_to"));
    // Two tabs of a browser may log in at once: the second goes on with the first one's cookie.
    let known = people.cookies().read(Kind::Attempt, &parts.headers);
    let browser = known.unwrap_or_else(|| CookieId::new(chance::bytes()));
    let (caller, now) = (pages.limiter.caller(&parts), SystemClock.now());
    let begun = people
        .begin(caller, typed, return_to.clone(), &browser, now)
        .await;
    match begun {
        Ok(url) => {
            let response = page::see_other(people.site(), url.as_str());
            with_cookies(response, [people.cookies().give(Kind::Attempt, &browser)])
        }
        Err(error) => {
            let told = tell(&error);
            let form = LoginForm {
                typed,
                return_to: &return_to,
                notice: Notice::Failed(&told),
            };
            page::login(people.site(), told.status, &form)
        }
    }
}

async fn finish(State(pages): State<Pages>, parts: Parts) -> Response {
    let people = &pages.people;
    let query = Fields::read(parts.uri.query().unwrap_or_default().as_bytes());
    let headers = &parts.headers;
    let finished = async {
        let browser = people.cookies().read(Kind::Attempt, headers);
        let browser = browser.ok_or(LoginError::Unknown)?;
        let now = SystemClock.now();
        let caller = pages.limiter.caller(&parts);
        let done = people
            .finish(caller, &query.returned(), &browser, now)
            .await?;
        // Whoever was logged in with this browser before is not any more.
        people.log_out(headers, now).await?;
        Ok::<_, LoginError>(done)
    };
    match finished.await {
        Ok(done) => {
            let cookies = [
                people.cookies().give(Kind::Session, &done.cookie),
                people.cookies().take_away(Kind::Attempt),
            ];
            with_cookies(page::see_other(people.site(), &done.return_to), cookies)
        }
        Err(error) => page::failed(people.site(), &tell(&error)),
    }
}

async fn account(State(pages): State<Pages>, headers: HeaderMap) -> Response {
    let people = &pages.people;
    let site = people.site();
    let wants_json = wants_json(&headers);
    match people.who(&headers, SystemClock.now()).await {
        Ok(Some(session)) if wants_json => {
            let account = json!({
                "did": session.did,
                "handle": session.handle,
                "loggedInAt": session.created_at.to_string(),
            });
            page::guarded(site, Json(account).into_response())
        }
        Ok(Some(session)) => {
            let handle = session.handle.as_ref().map(|handle| handle.as_str());
            page::account(site, session.did.as_str(), handle)
        }
        Ok(None) if wants_json => page::guarded(site, logged_in::refusal(people).into_response()),
        Ok(None) => page::see_other(site, "/login?return_to=/account"),
        Err(error) => page::failed(site, &tell(&error)),
    }
}

async fn log_out(State(pages): State<Pages>, headers: HeaderMap) -> Response {
    let people = &pages.people;
    match people.log_out(&headers, SystemClock.now()).await {
        Ok(()) => {
            let response = page::see_other(people.site(), "/login?logged_out=1");
            with_cookies(response, [people.cookies().take_away(Kind::Session)])
        }
        Err(error) => page::failed(people.site(), &tell(&error)),
    }
}

async fn client_metadata(State(pages): State<Pages>) -> Response {
    published(pages.people.client().metadata())
}

async fn jwks(State(pages): State<Pages>) -> Response {
    published(pages.people.client().jwks())
}

/// A development server is no published client: it has nothing to show.
fn published(document: Option<Value>) -> Response {
    match document {
        Some(document) => Json(document).into_response(),
        None => {
            let why =
                "this server is in development: its client is in its id, and nothing is published";
            (StatusCode::NOT_FOUND, why).into_response()
        }
    }
}

/// Logs an error once and says what a person may know of it.
fn tell(error: &LoginError) -> Told {
    let told = error.told();
    let cause = error as &dyn std::error::Error;
    if error.is_internal() {
        tracing::error!(error = cause, "a login failed here");
    } else {
        tracing::info!(error = cause, "a login failed");
    }
    told
}

fn with_cookies<const N: usize>(
    mut response: Response,
    cookies: [axum::http::HeaderValue; N],
) -> Response {
    for cookie in cookies {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}

fn wants_json(headers: &HeaderMap) -> bool {
    let accept = headers.get(header::ACCEPT);
    let accept = accept.and_then(|value| value.to_str().ok());
    accept
        .is_some_and(|accept| accept.contains("application/json") && !accept.contains("text/html"))
}

/// The fields of a form or query. One that stands there twice counts as absent: nobody can tell
/// which was meant.
struct Fields(Vec<(String, String)>);

impl Fields {
    fn read(text: &[u8]) -> Self {
        let pairs = form_urlencoded::parse(text);
        let short = pairs.filter(|(_, value)| value.len() <= LONGEST_VALUE);
        Self(
            short
                .map(|(name, value)| (name.into(), value.into()))
                .collect(),
        )
    }

    fn get(&self, name: &str) -> Option<&str> {
        let mut found = self.0.iter().filter(|(found, _)| found == name);
        let (_, value) = found.next()?;
        found.next().is_none().then_some(value)
    }

    fn returned(&self) -> Returned {
        let owned = |name| self.get(name).map(str::to_owned);
        Returned {
            state: owned("state").unwrap_or_default(),
            iss: owned("iss"),
            code: owned("code"),
            error: owned("error"),
            description: owned("error_description"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_that_stands_twice_counts_as_absent() {
        let long = "x".repeat(LONGEST_VALUE + 1);
        let query = format!("state=a&iss=b&iss=c&code=%C3%A4&error_description={long}");
        let returned = Fields::read(query.as_bytes()).returned();
        let expected = Returned {
            state: "a".to_owned(),
            code: Some("ä".to_owned()),
            ..Returned::default()
        };
        assert_eq!(returned, expected);
    }
}
