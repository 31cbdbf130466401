use serde_json::json;

use super::*;

const DID: &str = "did:plc:aaaaaaaaaaaaaaaaaaaaaaaa";

fn record() -> Value {
    json!({
        "$type": "place.wisp.v2.wh",
        "scope": { "aturi": format!("at://{DID}/app.bsky.feed.*"), "backlinks": true },
        "url": "https://Example.com/webhook",
        "events": ["create", "delete"],
        "secret": "your-hmac-secret",
        "enabled": true,
        "createdAt": "2024-01-15T10:30:00.000Z",
        "later": { "float": 1.5 },
    })
}

fn read(record: &Value) -> Result<Webhook, Invalid> {
    Webhook::read(record.to_string().as_bytes(), &AddressGuard::new())
}

/// The record with members changed; null takes one away.
fn with(changes: Value) -> Result<Webhook, Invalid> {
    let mut record = record();
    for (name, value) in changes.as_object().expect("an object") {
        let members = record.as_object_mut().expect("an object");
        match value {
            Value::Null => members.remove(name),
            value => members.insert(name.clone(), value.clone()),
        };
    }
    read(&record)
}

#[test]
fn the_record_of_the_documentation_is_read() {
    let webhook = read(&record()).expect("a webhook");
    assert_eq!(webhook.scope().did().as_str(), DID);
    assert!(webhook.backlinks() && webhook.enabled());
    let told = Action::ALL.map(|action| webhook.scope().actions().contains(action));
    assert_eq!(told, [true, false, true]);
    assert_eq!(webhook.target().as_str(), "https://example.com/webhook");
    assert_eq!(webhook.secret(), Secret::plain("your-hmac-secret").ok());
    assert_eq!(webhook.secret_id(), None);
    assert_eq!(webhook.action_names(), ["create", "delete"]);
    let scope = format!("at://{DID}/app.bsky.feed.*");
    assert_eq!(webhook.scope_text(), scope);
}

#[test]
fn what_may_be_absent_may_be_absent() {
    let none = json!({ "events": null, "secret": null, "enabled": null });
    let webhook = with(none).expect("a webhook");
    assert_eq!(webhook.scope().actions(), Actions::ALL);
    assert_eq!((webhook.secret(), webhook.secret_id()), (None, None));
    assert!(webhook.enabled());
    let empty = with(json!({ "events": [] })).expect("a webhook");
    assert_eq!(empty.scope().actions(), Actions::ALL);
    let off = with(json!({ "enabled": false })).expect("a webhook");
    assert!(!off.enabled());
    let named = with(json!({ "secret": null, "secretId": "a.b_c-1" })).expect("a webhook");
    assert_eq!((named.secret(), named.secret_id()), (None, Some("a.b_c-1")));
    let typed =
        json!({ "scope": { "$type": "place.wisp.v2.wh#atUri", "aturi": format!("at://{DID}") } });
    assert!(with(typed).is_ok());
}

#[test]
fn every_rule_has_its_kind() {
    use InvalidKind::{CreatedAt, Enabled, Events, Scope, SecretId, Type, Url};
    let secret = InvalidKind::Secret;
    let scope = |aturi: &str| json!({ "scope": { "aturi": aturi } });
    let time = format!("2024-01-15T10:30:00.{}Z", "0".repeat(120));
    for (changes, kind) in [
        (json!({ "$type": null }), Type),
        (json!({ "$type": "place.wisp.v2.domain" }), Type),
        (json!({ "scope": null }), Scope),
        (json!({ "scope": "at://x" }), Scope),
        (
            json!({ "scope": { "$type": "a.b.c", "aturi": format!("at://{DID}") } }),
            Scope,
        ),
        (
            json!({ "scope": { "aturi": format!("at://{DID}"), "backlinks": "yes" } }),
            Scope,
        ),
        (scope(""), Scope),
        (scope("at://alice.example"), Scope),
        (scope(&format!("at://{DID}/a.b.c/d/e")), Scope),
        (scope(&format!("at://{DID}/a.b.c?x")), Scope),
        (json!({ "url": null }), Url),
        (json!({ "url": 1 }), Url),
        (
            json!({ "url": format!("https://a.example/{}", "x".repeat(2048)) }),
            Url,
        ),
        (json!({ "events": ["create", "create"] }), Events),
        (json!({ "events": ["publish"] }), Events),
        (
            json!({ "events": ["create", "update", "delete", "create"] }),
            Events,
        ),
        (json!({ "events": "create" }), Events),
        (json!({ "secret": "" }), secret),
        (json!({ "secret": "x".repeat(257) }), secret),
        (json!({ "secretId": "s" }), secret),
        (json!({ "secret": null, "secretId": "" }), SecretId),
        (json!({ "secret": null, "secretId": "a b" }), SecretId),
        (json!({ "secret": null, "secretId": "a:b" }), SecretId),
        (
            json!({ "secret": null, "secretId": "x".repeat(65) }),
            SecretId,
        ),
        (json!({ "enabled": "true" }), Enabled),
        (json!({ "createdAt": null }), CreatedAt),
        (json!({ "createdAt": "2024-01-15" }), CreatedAt),
        (json!({ "createdAt": "2024-01-15T10:30:00" }), CreatedAt),
        (json!({ "createdAt": time }), CreatedAt),
    ] {
        let refused = with(changes.clone()).expect_err("not a webhook");
        assert_eq!(refused.kind, kind, "{changes}: {refused}");
    }
}

#[test]
fn what_is_no_object_is_no_webhook() {
    for text in ["", "{", "[]", "\"x\"", "null"] {
        let refused = Webhook::read(text.as_bytes(), &AddressGuard::new());
        assert_eq!(
            refused.map_err(|refused| refused.kind),
            Err(InvalidKind::NotObject)
        );
    }
}

#[test]
fn urls_that_lead_inside_are_refused() {
    for url in [
        "http://a.example/",
        "https://127.0.0.1/",
        "https://169.254.169.254/latest",
        "https://[::ffff:7f00:1]/",
        "https://user:pass@a.example/",
        "https://a.example/#part",
        "https://localhost/",
        "ftp://a.example/",
    ] {
        let refused = with(json!({ "url": url })).expect_err("not a webhook");
        assert_eq!(refused.kind, InvalidKind::Url, "{url}");
    }
    let dev = AddressGuard::new().allow_loopback(true);
    let mut record = record();
    record["url"] = json!("http://127.0.0.1:4000/hook");
    assert!(Webhook::read(record.to_string().as_bytes(), &dev).is_ok());
}
