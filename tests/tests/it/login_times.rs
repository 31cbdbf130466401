//! How long logins and sessions live, and how many there may be.

use axum::http::{HeaderMap, HeaderValue, header};
use jiff::{SignedDuration, Timestamp};
use loggia_delivery::{Clock, SystemClock};
use loggia_server::login::LoginError;
use loggia_server::login::cookie::{CookieId, Kind};
use loggia_server::login::people::{LoggedInNow, MOST_SESSIONS, Returned};

use crate::support::{Provider, TestServer};

/// A browser at a time: its two steps of a login.
struct Visit<'a> {
    server: &'a TestServer,
    provider: &'a Provider,
    browser: CookieId,
}

impl<'a> Visit<'a> {
    fn new(server: &'a TestServer, provider: &'a Provider, number: u8) -> Self {
        Self {
            server,
            provider,
            browser: CookieId::new([number; 32]),
        }
    }

    async fn begin(&self, now: Timestamp) -> Returned {
        let (people, did) = (&self.server.people, &self.provider.did);
        let begun = people
            .begin(None, did, "/".to_owned(), &self.browser, now)
            .await;
        begun.expect("begun");
        let forms = self.provider.forms("par");
        Returned {
            state: forms.last().expect("pushed")["state"].clone(),
            iss: Some(self.provider.origin.clone()),
            code: Some("code".to_owned()),
            ..Returned::default()
        }
    }

    async fn finish(&self, back: &Returned, now: Timestamp) -> Result<LoggedInNow, LoginError> {
        self.server
            .people
            .finish(None, back, &self.browser, now)
            .await
    }

    /// What the browser sends once it is logged in.
    async fn log_in(&self, now: Timestamp) -> HeaderMap {
        let back = self.begin(now).await;
        let done = self.finish(&back, now).await.expect("logged in");
        let given = self
            .server
            .people
            .cookies()
            .give(Kind::Session, &done.cookie);
        let given = given.to_str().expect("text");
        let pair = given.split(';').next().expect("a pair");
        let pair = HeaderValue::from_str(pair).expect("header text");
        HeaderMap::from_iter([(header::COOKIE, pair)])
    }

    async fn is_logged_in(&self, headers: &HeaderMap, now: Timestamp) -> bool {
        let who = self.server.people.who(headers, now).await;
        who.expect("the store answers").is_some()
    }
}

fn days(days: i64) -> SignedDuration {
    SignedDuration::from_hours(24 * days)
}

#[tokio::test]
async fn a_login_takes_ten_minutes_at_most() {
    let (server, provider) = (TestServer::start().await, Provider::start().await);
    let visit = Visit::new(&server, &provider, 1);
    let start = SystemClock.now();
    let last = start + SignedDuration::from_mins(10) - SignedDuration::from_millis(1);
    let back = visit.begin(start).await;
    assert!(visit.finish(&back, last).await.is_ok());
    let back = visit.begin(start).await;
    let late = visit
        .finish(&back, start + SignedDuration::from_mins(10))
        .await;
    assert!(matches!(late, Err(LoginError::Unknown)));
}

#[tokio::test]
async fn who_comes_by_every_month_stays_logged_in() {
    let (server, provider) = (TestServer::start().await, Provider::start().await);
    let visit = Visit::new(&server, &provider, 1);
    let start = SystemClock.now();
    let cookie = visit.log_in(start).await;
    for day in [1, 30, 59, 88] {
        assert!(
            visit.is_logged_in(&cookie, start + days(day)).await,
            "day {day}"
        );
    }
    assert!(!visit.is_logged_in(&cookie, start + days(118)).await);
}

#[tokio::test]
async fn an_account_has_so_many_sessions_and_the_oldest_are_revoked() {
    let (server, provider) = (TestServer::start().await, Provider::start().await);
    let start = SystemClock.now();
    let mut cookies = Vec::new();
    for number in 0..=MOST_SESSIONS {
        let visit = Visit::new(&server, &provider, 1);
        let now = start + SignedDuration::from_secs(i64::from(number));
        cookies.push(visit.log_in(now).await);
    }
    let visit = Visit::new(&server, &provider, 1);
    assert!(!visit.is_logged_in(&cookies[0], start).await, "the oldest");
    assert!(visit.is_logged_in(&cookies[1], start).await);
    let revoked = provider.forms("revoke");
    assert_eq!(revoked.len(), 1);
    assert_eq!(revoked[0]["token"], "refresh-1");
}
