//! The extractor: a person who is logged in with a browser.

use axum::extract::{FromRef, FromRequestParts};
use axum::http::request::Parts;
use loggia_delivery::{Clock, SystemClock};
use loggia_storage::LoginSession;
use loggia_syntax::{Did, Handle};
use loggia_xrpc::Rejection;
use loggia_xrpc_server::Refusal;

use super::cookie::Kind;
use super::{Pds, People, same_origin};
use crate::outage;

/// A person who is logged in with the browser that makes this request. What changes something is
/// taken only from pages of this site.
#[derive(Clone)]
pub struct LoggedIn {
    /// Who.
    pub did: Did,
    /// The handle that was theirs when they logged in, if they gave it.
    pub handle: Option<Handle>,
    people: People,
    session: LoginSession,
}

impl LoggedIn {
    /// Their PDS, to be called in their name.
    pub fn pds(&self) -> Pds {
        self.people.pds(&self.session)
    }

    /// Since when they have been logged in, and until when at least.
    pub fn session(&self) -> &LoginSession {
        &self.session
    }
}

impl<S: Sync> FromRequestParts<S> for LoggedIn
where
    People: FromRef<S>,
{
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        let people = People::from_ref(state);
        if !same_origin::allows(&parts.method, &parts.headers, &people.site().origin) {
            let message = "this request was not made by a page of this site";
            return Err(Rejection::forbidden(message).into());
        }
        match people.who(&parts.headers, SystemClock.now()).await {
            Ok(Some(session)) => Ok(Self {
                did: session.did.clone(),
                handle: session.handle.clone(),
                people,
                session,
            }),
            Ok(None) => Err(refusal(&people)),
            Err(error) => Err(outage::refuse(&error)),
        }
    }
}

/// 401, with where to log in.
pub(super) fn refusal(people: &People) -> Refusal {
    let name = people.cookies().name(Kind::Session);
    let challenge = format!(r#"Cookie form-action="/login", cookie-name="{name}""#);
    let rejection = Rejection::new(401, "AuthMissing", "log in at /login first");
    Refusal::from(rejection.header("WWW-Authenticate", challenge))
}
