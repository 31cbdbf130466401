//! Key sets behind URLs.

use std::sync::Arc;

use jiff::SignedDuration;
use loggia_auth::jwk::{RemoteKeys, RemoteKeysSettings};
use loggia_auth::{JwkSet, SigningKey};
use serde_json::json;

use crate::world::{Browser, Web, holder, now, stranger};

pub const URL: &str = "https://issuer.example/jwks";

/// A published set of these keys.
pub fn set(keys: &[(&str, &SigningKey)]) -> String {
    let keys = keys
        .iter()
        .map(|(kid, key)| ((*kid).to_owned(), key.public().clone()));
    json!(JwkSet::of(keys)).to_string()
}

fn remote(web: &Arc<Web>) -> RemoteKeys<Browser> {
    RemoteKeys::new(Browser(Arc::clone(web)), URL, RemoteKeysSettings::default())
}

#[tokio::test]
async fn keys_are_fetched_once() {
    let web = Web::with(URL, set(&[("a", &holder())]));
    let keys = remote(&web);
    let both = tokio::join!(keys.find("a", now()), keys.find("a", now()));
    assert_eq!(both.0.ok().as_ref(), Some(holder().public()));
    assert!(both.1.is_ok());
    assert_eq!(web.count(), 1);
}

#[tokio::test]
async fn an_unknown_key_is_looked_for_once_a_minute() {
    let web = Web::with(URL, set(&[("a", &holder())]));
    let keys = remote(&web);
    let at = |seconds| now() + SignedDuration::from_secs(seconds);
    keys.find("a", at(0)).await.expect("a key");
    web.put(URL, 200, set(&[("b", &stranger())]));
    assert!(keys.find("b", at(59)).await.is_err());
    assert_eq!(web.count(), 1);
    assert_eq!(
        keys.find("b", at(60)).await.ok().as_ref(),
        Some(stranger().public())
    );
    assert_eq!(web.count(), 2);
    keys.find("a", at(61)).await.expect_err("withdrawn");
    assert_eq!(web.count(), 2);
}

#[tokio::test]
async fn a_failing_server_is_outlived_for_a_day() {
    let web = Web::with(URL, set(&[("a", &holder())]));
    let keys = remote(&web);
    let at = |hours| now() + SignedDuration::from_hours(hours);
    keys.find("a", at(0)).await.expect("a key");
    web.put(URL, 500, "");
    keys.find("a", at(2)).await.expect("the known key");
    assert_eq!(web.count(), 2, "it was asked again");
    let error = keys.find("a", at(25)).await.expect_err("too old");
    assert!(error.is_transient(), "{error}");
}

#[tokio::test]
async fn hostile_sets_give_no_key() {
    for (status, body) in [
        (404, set(&[("a", &holder())])),
        (302, String::new()),
        (200, "<html>".into()),
        (200, " ".repeat(65 * 1024)),
        (200, "[".repeat(60_000)),
        (
            200,
            set(&[("a", &holder())]).replacen('{', r#"{"keys":[],"#, 1),
        ),
    ] {
        let web = Web::with(URL, "");
        web.put(URL, status, body);
        assert!(remote(&web).find("a", now()).await.is_err());
    }
}
