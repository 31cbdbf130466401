//! The data model in JSON and in DAG-CBOR.

use loggia_syntax::check::{At, Code, Report};
use loggia_syntax::data::{Blob, Bytes, Data, Object};
use serde_json::{Value, json};

use crate::shared;

const CID: &str = "bafyreidfayvfuwqa7qlnopdjiqrxzs6blmoeu4rujcjtnci5beludirz2a";
const RAW: &str = "bafkreiccldh766hwcnuxnf2wh6jgzepf2nlu2lvcllt63eww5p6chi4ity";

/// Why a JSON value is not a record's worth of data; empty if it is.
fn complaints(json: &Value) -> Vec<String> {
    let fields: Object = match serde_json::from_str(&json.to_string()) {
        Ok(fields) => fields,
        Err(error) => return vec![error.to_string()],
    };
    let mut report = Report::new();
    Data::Object(fields).check(&At::ROOT, &mut report);
    report
        .violations()
        .iter()
        .map(ToString::to_string)
        .collect()
}

#[test]
fn our_own_valid_values() {
    for json in [
        json!({}),
        json!({"a": [], "b": {}, "c": null, "d": [null, [1, -1], true]}),
        json!({"whole": 3.0, "big": 9007199254740991_i64}),
        json!({"$type": "com.example.rec", "link": {"$link": CID}, "bytes": {"$bytes": "123"}}),
        json!({"$type": "blob", "ref": {"$link": RAW}, "mimeType": "image/png", "size": 1}),
    ] {
        assert_eq!(complaints(&json), [""; 0], "{json}");
    }
}

#[test]
fn our_own_invalid_values() {
    for json in [
        json!("text"),
        json!([1]),
        json!({"a": 1.5}),
        json!({"a": 9007199254740992_i64}),
        json!({"a": [1e300]}),
        json!({"a": u64::MAX}),
        json!({"a": {"$type": null}}),
        json!({"a": {"$type": 1}}),
        json!({"a": {"$type": ""}}),
        json!({"a": {"$bytes": [1]}}),
        json!({"a": {"$bytes": "AQ-_"}}),
        json!({"a": {"$bytes": "AQI", "b": 1}}),
        json!({"a": {"$link": 1}}),
        json!({"a": {"$link": "."}}),
        json!({"a": {"$link": CID, "b": 1}}),
        json!({"a": {"$type": "blob", "ref": {"$link": RAW}, "mimeType": "a/b"}}),
        json!({"a": {"$type": "blob", "ref": {"$link": RAW}, "mimeType": "a/b", "size": "1"}}),
        json!({"a": {"$type": "blob", "ref": {"$link": RAW}, "mimeType": "a/b", "size": 1, "c": 1}}),
    ] {
        assert_ne!(complaints(&json), [""; 0], "{json}");
    }
}

#[test]
fn every_violation_is_found_with_its_place() {
    let json = json!({"a": [1, 1.5, {"$type": 1}], "it's": 9007199254740993_i64});
    let data: Data = serde_json::from_value(json).expect("readable");
    let mut report = Report::new();
    data.check(&At::ROOT, &mut report);
    let found: Vec<_> = report
        .violations()
        .iter()
        .map(|found| (found.path.as_str(), found.code))
        .collect();
    assert_eq!(
        found,
        [
            ("$.a[1]", Code::InvalidType),
            ("$.a[2]['$type']", Code::InvalidType),
            (r"$['it\'s']", Code::TooBig),
        ]
    );
}

#[test]
fn known_bytes() {
    let json = json!({"bb": 1, "a": {"$bytes": "AQI"}, "c": {"$link": RAW}});
    let data: Data = serde_json::from_value(json.clone()).expect("readable");
    let cbor = serde_ipld_dagcbor::to_vec(&data).expect("writable");
    // A map of 3; `a` and `c` before `bb`, because shorter names come first.
    let mut expected = vec![
        0xa3, 0x61, b'a', 0x42, 1, 2, 0x61, b'c', 0xd8, 42, 0x58, 37, 0,
    ];
    let Some(Data::Link(link)) = data.get("c") else {
        panic!("a link")
    };
    expected.extend(link.cid().to_bytes());
    expected.extend([0x62, b'b', b'b', 1]);
    assert_eq!(cbor, expected);
    let back: Data = serde_ipld_dagcbor::from_slice(&cbor).expect("readable");
    assert_eq!(back, data);
    assert_eq!(serde_json::to_value(back).expect("writable"), json);
}

#[test]
fn typed_fields_in_both_forms() {
    let json = json!({"$type": "blob", "ref": {"$link": RAW}, "mimeType": "a/b", "size": 3});
    let blob: Blob = serde_json::from_value(json.clone()).expect("a blob");
    let cbor = serde_ipld_dagcbor::to_vec(&blob).expect("writable");
    assert_eq!(
        serde_ipld_dagcbor::from_slice::<Blob>(&cbor).expect("readable"),
        blob
    );
    let data: Data = serde_ipld_dagcbor::from_slice(&cbor).expect("readable");
    assert_eq!(serde_json::to_value(&data).expect("writable"), json);
    assert_eq!(data.read_as::<Blob>().expect("still a blob"), blob);
    assert!(serde_ipld_dagcbor::from_slice::<Bytes>(&cbor).is_err());
}

#[test]
fn fixtures_hold_in_both_directions() {
    let Some(folder) = shared::find("interop/data-model") else {
        return;
    };
    let fixtures = shared::json(&folder.join("data-model-fixtures.json"));
    for fixture in fixtures.as_array().expect("a list of fixtures") {
        let text = fixture["cbor_base64"].as_str().expect("base 64");
        let cbor = Bytes::from_base64(text).expect("base 64").into_vec();
        let from_json: Data = serde_json::from_value(fixture["json"].clone()).expect("readable");
        let from_cbor: Data = serde_ipld_dagcbor::from_slice(&cbor).expect("readable");
        assert_eq!(from_json, from_cbor);
        assert_eq!(
            serde_ipld_dagcbor::to_vec(&from_json).expect("writable"),
            cbor
        );
        assert_eq!(
            serde_json::to_value(&from_cbor).expect("writable"),
            fixture["json"]
        );
    }
    for (file, valid) in [
        ("data-model-valid.json", true),
        ("data-model-invalid.json", false),
    ] {
        for case in shared::json(&folder.join(file))
            .as_array()
            .expect("a list of cases")
        {
            let complaints = complaints(&case["json"]);
            assert_eq!(
                complaints.is_empty(),
                valid,
                "{}: {complaints:?}",
                case["note"]
            );
        }
    }
}
