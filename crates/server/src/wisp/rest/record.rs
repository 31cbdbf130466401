//! From the body of a request to a record.

use jiff::Timestamp;
use serde_json::{Map, Value};

use crate::view::datetime;
use crate::wisp::COLLECTION;

/// Members that both shapes have, named as in the record.
const SHARED: [&str; 5] = ["url", "events", "secret", "secretId", "enabled"];

/// The record that a body asks for. It may have the shape of the record, or the flat one of Wisp's
/// newer form, with `scopeAturi` and `backlinks`. What neither knows is left out, as is null.
///
/// Whether it can be a webhook is not checked.
pub(super) fn record(body: &[u8], now: Timestamp) -> Option<Map<String, Value>> {
    let given: Value = serde_json::from_slice(body).ok()?;
    let given = given.as_object()?;
    let mut record = Map::new();
    let name = given.get("$type").cloned();
    record.insert(
        "$type".to_owned(),
        name.unwrap_or_else(|| COLLECTION.into()),
    );
    record.insert("scope".to_owned(), scope(given)?);
    copy(given, &mut record, &SHARED);
    copy(given, &mut record, &["createdAt"]);
    let created = || Value::from(datetime(now).as_str());
    record.entry("createdAt").or_insert_with(created);
    Some(record)
}

fn scope(given: &Map<String, Value>) -> Option<Value> {
    let mut scope = Map::new();
    match given.get("scope") {
        Some(Value::Object(nested)) => {
            copy(nested, &mut scope, &["$type", "aturi", "backlinks"]);
        }
        Some(_) => return None,
        None => {
            let aturi = given.get("scopeAturi")?;
            scope.insert("aturi".to_owned(), aturi.clone());
            copy(given, &mut scope, &["backlinks"]);
        }
    }
    Some(scope.into())
}

fn copy(from: &Map<String, Value>, to: &mut Map<String, Value>, names: &[&str]) {
    for name in names {
        if let Some(value) = from.get(*name).filter(|value| !value.is_null()) {
            to.insert((*name).to_owned(), value.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn of(body: &Value) -> Option<Value> {
        let now = Timestamp::constant(1_700_000_000, 0);
        record(body.to_string().as_bytes(), now).map(Value::Object)
    }

    #[test]
    fn both_shapes_make_the_same_record() {
        let flat = json!({
            "scopeAturi": "at://did:plc:a",
            "backlinks": true,
            "url": "https://a.example/",
            "events": ["create"],
            "secret": null,
            "secretId": "s",
            "enabled": false,
            "other": 1,
        });
        let record = json!({
            "$type": "place.wisp.v2.wh",
            "scope": { "aturi": "at://did:plc:a", "backlinks": true },
            "url": "https://a.example/",
            "events": ["create"],
            "secretId": "s",
            "enabled": false,
            "createdAt": "2023-11-14T22:13:20.000Z",
        });
        assert_eq!(of(&flat), Some(record.clone()));
        assert_eq!(of(&record), Some(record.clone()));
        let mut loose = record.clone();
        loose["scope"]["other"] = json!([]);
        loose["other"] = json!({});
        assert_eq!(of(&loose), Some(record));
    }

    #[test]
    fn what_has_no_scope_is_none() {
        for body in [
            json!([]),
            json!("x"),
            json!({}),
            json!({ "url": "https://a.example/" }),
            json!({ "scope": "at://did:plc:a", "scopeAturi": "at://did:plc:a" }),
        ] {
            assert_eq!(of(&body), None, "{body}");
        }
        assert_eq!(record(b"{", Timestamp::UNIX_EPOCH), None);
    }
}
