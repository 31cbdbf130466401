//! The webhook records of one account, as a PDS shows and changes them.

use std::collections::{BTreeMap, HashMap};

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

const CID: &str = "bafyreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku";

/// Answers `getRecord` and `listRecords`, newest keys first.
pub fn read(
    did: &str,
    records: &BTreeMap<String, Value>,
    nsid: &str,
    params: &HashMap<String, String>,
) -> Response {
    let shown = |(rkey, value): (&String, &Value)| json!({ "uri": uri(did, rkey), "cid": CID, "value": value });
    if nsid == "com.atproto.repo.getRecord" {
        let found = records.get_key_value(&params["rkey"]);
        return match found.map(shown) {
            Some(record) => Json(record).into_response(),
            None => refusal("RecordNotFound"),
        };
    }
    let limit = params
        .get("limit")
        .map_or(50, |limit| limit.parse().expect("a number"));
    let before = params.get("cursor");
    let rest = records.iter().rev();
    let rest: Vec<_> = rest
        .filter(|(rkey, _)| before.is_none_or(|before| *rkey < before))
        .collect();
    let page = &rest[..rest.len().min(limit)];
    let mut answer = json!({ "records": page.iter().copied().map(shown).collect::<Vec<_>>() });
    if page.len() < rest.len() {
        answer["cursor"] = page[page.len() - 1].0.clone().into();
    }
    Json(answer).into_response()
}

/// Does what `putRecord` and `deleteRecord` ask for.
pub fn write(
    did: &str,
    records: &mut BTreeMap<String, Value>,
    nsid: &str,
    input: &Value,
) -> Response {
    assert_eq!(
        (&input["repo"], &input["collection"]),
        (&did.into(), &"place.wisp.v2.wh".into())
    );
    let rkey = input["rkey"].as_str().expect("a key").to_owned();
    match nsid {
        "com.atproto.repo.putRecord" => {
            let answer = json!({ "uri": uri(did, &rkey), "cid": CID });
            records.insert(rkey, input["record"].clone());
            Json(answer).into_response()
        }
        "com.atproto.repo.deleteRecord" => {
            records.remove(&rkey);
            Json(json!({})).into_response()
        }
        _ => refusal("MethodNotImplemented"),
    }
}

fn uri(did: &str, rkey: &str) -> String {
    format!("at://{did}/place.wisp.v2.wh/{rkey}")
}

fn refusal(error: &str) -> Response {
    let body = json!({ "error": error, "message": error });
    (StatusCode::BAD_REQUEST, Json(body)).into_response()
}
