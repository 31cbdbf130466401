//! The ways in which text arrives.

use loggia_syntax::data::{Bytes, CidLink, Data};
use loggia_syntax::{AtUri, Did, Format, Handle, Nsid};
use serde::{Deserialize, Serialize};
use serde_json::json;

#[test]
fn owned_and_borrowed_input() {
    let text = r#""did:plc:abc""#;
    let expected = Did::from_static("did:plc:abc");
    assert_eq!(
        serde_json::from_str::<Did>(text).expect("borrowed"),
        expected
    );
    assert_eq!(
        serde_json::from_str::<Did>(r#""did\u003aplc:abc""#).expect("escaped"),
        expected
    );
    assert_eq!(
        serde_json::from_reader::<_, Did>(text.as_bytes()).expect("read"),
        expected
    );
    assert_eq!(
        serde_json::from_value::<Did>(json!("did:plc:abc")).expect("owned"),
        expected
    );
    assert_eq!(serde_json::to_string(&expected).expect("writable"), text);
}

#[test]
fn buffered_input() {
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(untagged)]
    enum Buffered {
        Text(Did),
        Both {
            bytes: Bytes,
            link: CidLink,
            any: Data,
        },
    }
    let link = CidLink::new("bafyreidfayvfuwqa7qlnopdjiqrxzs6blmoeu4rujcjtnci5beludirz2a");
    let link = link.expect("a link");
    let both = Buffered::Both {
        bytes: vec![1, 2, 3].into(),
        link: link.clone(),
        any: Data::Array(vec![
            link.into(),
            Bytes::from(vec![4]).into(),
            "text".into(),
        ]),
    };
    for value in [both, Buffered::Text(Did::from_static("did:plc:abc"))] {
        let json = serde_json::to_string(&value).expect("writable");
        assert_eq!(
            serde_json::from_str::<Buffered>(&json).expect("readable"),
            value
        );
        let cbor = serde_ipld_dagcbor::to_vec(&value).expect("writable");
        assert_eq!(
            serde_ipld_dagcbor::from_slice::<Buffered>(&cbor).expect("readable"),
            value
        );
    }
}

#[test]
fn as_keys_of_maps() {
    let json = r#"{"com.example.rec":1}"#;
    let map: std::collections::HashMap<Nsid, i64> = serde_json::from_str(json).expect("a map");
    assert_eq!(map.get("com.example.rec"), Some(&1));
    assert_eq!(serde_json::to_string(&map).expect("writable"), json);
}

#[test]
fn text_is_kept_exactly() {
    for text in ["Alice.Example.COM", "alice.example.com"] {
        let handle: Handle = serde_json::from_value(json!(text)).expect("a handle");
        assert_eq!((handle.as_str(), handle.to_string().as_str()), (text, text));
        assert_eq!(String::from(handle), text);
    }
}

#[test]
fn errors_name_format_text_and_place() {
    let error = serde_json::from_str::<AtUri>(r#""at://nobody""#).expect_err("no domain name");
    let expected = "\"at://nobody\" is not a valid at-uri: \
                    a handle is a domain name of at least two segments (at byte 11)";
    assert!(error.to_string().starts_with(expected), "{error}");
    let error = serde_json::from_str::<AtUri>("7").expect_err("no string");
    assert!(
        error.to_string().contains("a string of format at-uri"),
        "{error}"
    );

    let error = Did::new("é".repeat(10_000)).expect_err("no DID");
    assert_eq!((error.format(), error.at()), (Format::Did, 2048));
    assert!(
        error
            .to_string()
            .starts_with(&format!("{:?}… is not", "é".repeat(64))),
        "{error}"
    );
}

#[test]
#[should_panic(expected = "a DID starts with `did:`")]
fn a_wrong_constant_is_refused() {
    Did::from_static("plc:abc");
}
