//! Generated types against the dynamic validator: on any value, both say the same.

mod maker;

use loggia_lexicon::catalog::Catalog;
use loggia_lexicon::validate::Validator;
use loggia_xrpc::Validate;
use loggia_xrpc::check::Violation;
use serde_json::{Value, json};

use crate::golden::{self, methods, odd, records};
use maker::Maker;

/// How many values of each type are tried.
const VALUES: u64 = 1500;

struct Pair {
    catalog: Catalog,
    validator: Validator,
}

impl Pair {
    fn new(catalog: Catalog) -> Self {
        let validator = Validator::new(&catalog).allow_unresolved(true);
        Self { catalog, validator }
    }

    /// Tries values of a definition, from nearly right to quite wrong.
    fn agree<T>(&self, name: &str)
    where
        T: Validate + serde::Serialize + serde::de::DeserializeOwned + PartialEq + std::fmt::Debug,
    {
        let mut valid = 0;
        for seed in 0..VALUES {
            let value = Maker::new(&self.catalog, seed).value_of(name);
            let dynamic = self.validator.value(name, &value);
            valid += u64::from(dynamic.is_ok());
            match serde_json::from_value::<T>(value.clone()) {
                Ok(typed) => {
                    assert_eq!(
                        sorted(typed.validate()),
                        sorted(dynamic),
                        "{name}: {value:#}"
                    );
                    if typed.validate().is_ok() {
                        comes_back(&typed, &value);
                    }
                }
                Err(error) => assert!(dynamic.is_err(), "{name}: {error}\n{value:#}"),
            }
        }
        // A test that never saw a right value, or never a wrong one, would say little.
        assert!(
            valid > VALUES / 20 && valid < VALUES * 19 / 20,
            "{name}: {valid} were valid"
        );
    }
}

fn sorted(verdict: Result<(), Vec<Violation>>) -> Vec<String> {
    let mut violations: Vec<String> = verdict
        .err()
        .into_iter()
        .flatten()
        .map(|violation| violation.to_string())
        .collect();
    violations.sort();
    violations
}

/// Whatever the form and the order of its fields, a value is read alike and written as it was.
fn comes_back<T>(typed: &T, value: &Value)
where
    T: serde::Serialize + serde::de::DeserializeOwned + PartialEq + std::fmt::Debug,
{
    let written = serde_json::to_value(typed).expect("what was read can be written");
    assert_eq!(plain(written), plain(value.clone()));
    let reversed = reversed(value);
    let again: T = serde_json::from_str(&reversed).expect("the order of fields does not matter");
    assert_eq!(again, *typed);
    let again: T = serde_json::from_reader(reversed.as_bytes()).expect("nothing to borrow from");
    assert_eq!(again, *typed);
    let cbor = serde_ipld_dagcbor::to_vec(typed).expect("valid data is in the data model");
    let again: T = serde_ipld_dagcbor::from_slice(&cbor).expect("what was written can be read");
    let once_more = serde_ipld_dagcbor::to_vec(&again).expect("what was read can be written");
    assert_eq!(once_more, cbor);
}

/// `1.0` and padded base 64 are read, but not written.
fn plain(value: Value) -> Value {
    match value {
        Value::Number(number) => match number.as_f64() {
            Some(float) if number.is_f64() => Value::from(float as i64),
            _ => Value::Number(number),
        },
        Value::Array(items) => items.into_iter().map(plain).collect(),
        Value::Object(fields) => fields.into_iter().map(|(k, v)| (k, plain(v))).collect(),
        other => other,
    }
}

/// JSON text with the fields of every object in descending order, so that `$type` comes last.
fn reversed(value: &Value) -> String {
    match value {
        Value::Object(fields) => {
            let fields: Vec<String> = fields
                .iter()
                .rev()
                .map(|(key, value)| format!("{}:{}", Value::from(key.as_str()), reversed(value)))
                .collect();
            format!("{{{}}}", fields.join(","))
        }
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(reversed).collect();
            format!("[{}]", items.join(","))
        }
        other => other.to_string(),
    }
}

#[test]
#[expect(deprecated, reason = "deprecated types are generated too")]
fn records_agree() {
    let pair = Pair::new(golden::catalog("records"));
    pair.agree::<records::com::example::post::Post>("com.example.post");
    pair.agree::<records::com::example::post::Facet>("com.example.post#facet");
    pair.agree::<records::com::example::link::View>("com.example.link#view");
}

#[test]
fn odd_ones_agree() {
    let pair = Pair::new(golden::catalog("odd"));
    pair.agree::<odd::com::example::odd::Odd>("com.example.odd");
    pair.agree::<odd::com::example::grid::Grid>("com.example.grid");
}

#[test]
#[expect(deprecated, reason = "deprecated types are generated too")]
fn what_no_union_lists_is_judged_by_the_data_model() {
    use records::com::example::post::Facet;

    let pair = Pair::new(golden::catalog("records"));
    let blob = json!({ "$link": "bafkreie5cvv4h45feadgeuwhbcutmh6t7ceseocckahdoe6uat64zmz454" });
    for (feature, wrong) in [
        (
            json!({ "$type": "blob", "ref": blob, "mimeType": "a/b", "size": 1 }),
            0,
        ),
        (
            json!({ "$type": "blob", "ref": blob, "mimeType": "a/b", "size": -1 }),
            1,
        ),
        (json!({ "$type": "blob", "size": 1 }), 1),
        (json!({ "$type": "", "v": 1.5 }), 1),
        (json!({ "$type": "com.example.other", "v": 1.5 }), 1),
    ] {
        let facet = json!({ "start": 1, "end": 2, "features": [feature] });
        let dynamic = sorted(pair.validator.value("com.example.post#facet", &facet));
        let typed: Facet = serde_json::from_value(facet).expect("an open union takes any object");
        assert_eq!(sorted(typed.validate()), dynamic, "{feature}");
        assert_eq!(dynamic.len(), wrong, "{feature}: {dynamic:?}");
    }
}

#[test]
fn methods_agree() {
    let pair = Pair::new(golden::catalog("methods"));
    pair.agree::<methods::com::example::list_things::Params2>("com.example.listThings#params");
    pair.agree::<methods::com::example::subscribe_things::Thing>(
        "com.example.subscribeThings#thing",
    );
}

#[test]
fn our_lexicons_agree() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../lexicons");
    let pair = Pair::new(Catalog::load(folder).expect("the folder of lexicons is there"));
    assert!(!pair.catalog.is_empty());
    pair.agree::<loggia_api::place::stream::chat::message::Message>("place.stream.chat.message");
    pair.agree::<loggia_api::place::stream::livestream::Livestream>("place.stream.livestream");
    pair.agree::<loggia_api::place::stream::server::defs::Webhook>(
        "place.stream.server.defs#webhook",
    );
}
