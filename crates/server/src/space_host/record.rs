//! From the data of a caller to the bytes of a record.

use std::collections::HashMap;

use jiff::Timestamp;
use loggia_delivery::{Clock as _, SystemClock};
use loggia_lexicon::validate::{Mode, Outcome, Validator};
use loggia_space::{RecordPath, cid_of};
use loggia_storage::{BlobClaim, RecordAction, RecordValue, RecordWrite};
use loggia_syntax::check::Violation;
use loggia_syntax::data::{BlobFacts, Data, Object};
use loggia_syntax::{Cid, Nsid, RecordKey, Tid};
use loggia_xrpc::{Failure, Rejection};

use super::{SpaceHost, limits};
use crate::chance;
use crate::lexicons::Lexicons;

/// Violations that a caller is told.
const MOST_TOLD: usize = 10;

/// A record that somebody wants to write.
#[derive(Debug)]
pub(crate) struct Wanted {
    pub(crate) collection: Nsid,
    pub(crate) rkey: RecordKey,
    pub(crate) record: Object,
}

/// What is known of a record by its lexicon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    /// It follows it.
    Valid,
    /// There is none here.
    Unknown,
}

/// A record that can be written.
#[derive(Debug)]
pub(crate) struct Prepared {
    pub(crate) path: RecordPath,
    pub(crate) value: RecordValue,
    /// Nothing if the caller did not want to know.
    pub(crate) status: Option<Status>,
}

impl Prepared {
    /// The write that does this with it.
    pub(crate) fn write(self, action: fn(RecordValue) -> RecordAction) -> RecordWrite {
        RecordWrite {
            path: self.path,
            action: action(self.value),
        }
    }
}

impl SpaceHost {
    /// Checks records as the caller wants it (`validate` of the methods that write), and makes bytes
    /// of them. Computes only, and so on a thread of its own.
    pub(crate) async fn prepare<E>(
        &self,
        validate: Option<bool>,
        wanted: Vec<Wanted>,
    ) -> Result<Vec<Prepared>, Failure<E>> {
        let validators = Validators {
            known: self.lexicons.clone(),
            looked_up: match (&self.network, validate) {
                (None, _) | (_, Some(false)) => HashMap::new(),
                (Some(network), _) => {
                    let collections = wanted.iter().map(|wanted| &wanted.collection);
                    let now = SystemClock.now();
                    network.validators(collections.collect(), now).await
                }
            },
        };
        let prepare = move || -> Result<Vec<_>, Rejection> {
            let each = wanted.into_iter();
            each.map(|wanted| prepare(&validators, validate, wanted))
                .collect()
        };
        Ok(self.computing.run(prepare).await??)
    }

    /// The same for one record.
    pub(crate) async fn prepare_one<E>(
        &self,
        validate: Option<bool>,
        wanted: Wanted,
    ) -> Result<Prepared, Failure<E>> {
        let mut prepared = self.prepare(validate, vec![wanted]).await?;
        Ok(prepared.pop().expect("one for each"))
    }
}

/// What validates the records of a call.
struct Validators {
    known: Lexicons,
    /// By collection, of those that are not known.
    looked_up: HashMap<Nsid, Validator>,
}

impl Validators {
    fn of(&self, collection: &Nsid) -> &Validator {
        let looked_up = self.looked_up.get(collection);
        looked_up.unwrap_or_else(|| self.known.validator())
    }
}

fn prepare(
    lexicons: &Validators,
    validate: Option<bool>,
    wanted: Wanted,
) -> Result<Prepared, Rejection> {
    let Wanted {
        collection,
        rkey,
        mut record,
    } = wanted;
    let path = RecordPath { collection, rkey };
    let invalid = |why: String| Rejection::invalid_request(format!("{path}: {why}"));
    let own = Data::String(path.collection.to_string());
    let named = record.entry("$type".to_owned()).or_insert(own);
    if named.as_str() != Some(path.collection.as_str()) {
        return Err(invalid("the record's `$type` is not its collection".into()));
    }
    let mut blobs = Vec::new();
    for value in record.values() {
        look_at(value, 1, &mut blobs).map_err(&invalid)?;
    }
    let record = Data::Object(record);
    let status = validated(lexicons, validate, &path, &record)
        .map_err(|violations| invalid(told(&violations)))?;
    let dag_cbor =
        serde_ipld_dagcbor::to_vec(&record).map_err(|error| invalid(error.to_string()))?;
    if dag_cbor.len() > limits::RECORD_BYTES {
        let most = limits::RECORD_BYTES;
        return Err(invalid(format!("the record has more than {most} bytes")));
    }
    let value = RecordValue {
        cid: cid_of(&dag_cbor),
        dag_cbor,
        blobs,
    };
    Ok(Prepared {
        path,
        value,
        status,
    })
}

fn validated(
    lexicons: &Validators,
    validate: Option<bool>,
    path: &RecordPath,
    record: &Data,
) -> Result<Option<Status>, Vec<Violation>> {
    let mode = match validate {
        Some(true) => Mode::Required,
        None => Mode::Optimistic,
        Some(false) => Mode::Off,
    };
    let validator = lexicons.of(&path.collection).clone().mode(mode);
    let collection = path.collection.as_str();
    let outcome = validator.record(collection, record)?;
    if mode == Mode::Off {
        return Ok(None);
    }
    validator.record_key(collection, path.rkey.as_str())?;
    Ok(Some(match outcome {
        Outcome::Valid => Status::Valid,
        Outcome::Unchecked => Status::Unknown,
    }))
}

fn told(violations: &[Violation]) -> String {
    let told = violations.iter().take(MOST_TOLD).map(ToString::to_string);
    told.collect::<Vec<_>>().join("; ")
}

/// Refuses what has no place in a record, and finds the blobs that it refers to.
fn look_at(value: &Data, depth: usize, blobs: &mut Vec<BlobClaim>) -> Result<(), String> {
    if depth > limits::DEPTH {
        return Err(format!(
            "the record is nested more than {} deep",
            limits::DEPTH
        ));
    }
    match value {
        Data::Float(_) => Err("a record has no fractions".to_owned()),
        Data::Link(link) => match Cid::try_from(&link.cid()) {
            Ok(_) => Ok(()),
            Err(error) => Err(error.to_string()),
        },
        Data::Array(elements) => elements
            .iter()
            .try_for_each(|element| look_at(element, depth + 1, blobs)),
        Data::Object(fields) => {
            blobs.extend(blob(fields)?);
            fields
                .values()
                .try_for_each(|field| look_at(field, depth + 1, blobs))
        }
        Data::Null | Data::Bool(_) | Data::Integer(_) | Data::String(_) | Data::Bytes(_) => Ok(()),
    }
}

/// What this says of a blob, if it refers to one.
fn blob(fields: &Object) -> Result<Option<BlobClaim>, String> {
    let (Some(Data::String(kind)), Some(Data::Link(link))) =
        (fields.get("$type"), fields.get("ref"))
    else {
        return Ok(None);
    };
    if kind != "blob" {
        return Ok(None);
    }
    let facts = BlobFacts::of(fields).map_err(|error| error.to_string())?;
    Ok(Some(BlobClaim {
        cid: Cid::try_from(&link.cid()).map_err(|error| error.to_string())?,
        mime_type: facts.mime_type.to_owned(),
        size: facts.size.unwrap_or_default(),
    }))
}

/// A key for a record or space that is made now, as the one of this number.
pub(crate) fn new_key(now: Timestamp, number: u64) -> Tid {
    let micros = u64::try_from(now.as_microsecond()).unwrap_or_default() + number;
    let clock = u16::from_le_bytes(chance::bytes());
    Tid::from_micros(micros, clock).expect("keys end in the year 2255")
}

/// Why a stored record cannot be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BadRecord {
    /// Its bytes are no DAG-CBOR.
    #[error("a stored record cannot be read")]
    Form(#[from] serde_ipld_dagcbor::DecodeError<std::convert::Infallible>),
    /// They are no object.
    #[error("a stored record is no object")]
    Shape,
}

/// The data of stored bytes.
pub(crate) fn value_of(dag_cbor: &[u8]) -> Result<Object, BadRecord> {
    match serde_ipld_dagcbor::from_slice(dag_cbor)? {
        Data::Object(fields) => Ok(fields),
        _ => Err(BadRecord::Shape),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prepared(record: &str, validate: Option<bool>) -> Result<Prepared, String> {
        let wanted = Wanted {
            collection: Nsid::from_static("com.example.post"),
            rkey: RecordKey::from_static("a"),
            record: serde_json::from_str(record).expect("an object"),
        };
        let validators = Validators {
            known: Lexicons::built_in(),
            looked_up: HashMap::new(),
        };
        prepare(&validators, validate, wanted).map_err(|refused| refused.message)
    }

    #[test]
    fn bytes_are_in_the_order_of_dag_cbor() {
        let record = r#"{"$type":"com.example.post","bbb":1,"aa":2,"c":[true,null]}"#;
        let prepared = prepared(record, None).expect("is a record");
        let expected = b"\xa4ac\x82\xf5\xf6baa\x02cbbb\x01e$typepcom.example.post";
        assert_eq!(prepared.value.dag_cbor, expected);
        assert_eq!(prepared.value.cid, cid_of(expected));
        assert_eq!(prepared.status, Some(Status::Unknown));
        let read = value_of(&prepared.value.dag_cbor).expect("is one");
        let written = serde_json::to_value(&read).expect("JSON");
        let given: serde_json::Value = serde_json::from_str(record).expect("JSON");
        assert_eq!(written, given);
    }

    #[test]
    fn a_record_gets_its_type_and_keeps_it() {
        let with = prepared(r#"{"$type":"com.example.post","a":1}"#, Some(false));
        let without = prepared(r#"{"a":1}"#, Some(false));
        let (with, without) = (with.expect("fits"), without.expect("fits"));
        assert_eq!(with.value, without.value);
        assert_eq!(with.status, None);
        let other = prepared(r#"{"$type":"com.example.other"}"#, None).expect_err("another");
        assert!(other.contains("`$type`"), "{other}");
    }

    #[test]
    fn what_has_no_place_in_a_record_is_refused() {
        let deep = format!("{{\"a\":{}{}}}", "[".repeat(70), "]".repeat(70));
        let large = format!("{{\"a\":\"{}\"}}", "x".repeat(limits::RECORD_BYTES));
        for (record, validate, why) in [
            (r#"{"a":1.5}"#, None, "fractions"),
            (deep.as_str(), None, "nested"),
            (large.as_str(), Some(false), "bytes"),
            (r#"{"a":1}"#, Some(true), "no lexicon"),
        ] {
            let refused = prepared(record, validate).expect_err(why);
            assert!(refused.contains(why), "{refused}");
        }
    }

    #[test]
    fn blobs_are_found_wherever_they_are() {
        const CID: &str = "bafkreiccldh766hwcnuxnf2wh6jgzepf2nlu2lvcllt63eww5p6chi4ity";
        let blob = format!(
            r#"{{"$type":"blob","ref":{{"$link":"{CID}"}},"mimeType":"image/png","size":3}}"#
        );
        let record = format!(r#"{{"a":[{{"b":{blob}}}]}}"#);
        let found = prepared(&record, None).expect("is a record");
        let claim = BlobClaim {
            cid: Cid::from_static(CID),
            mime_type: "image/png".to_owned(),
            size: 3,
        };
        assert_eq!(found.value.blobs, [claim]);
        let bare = format!(r#"{{"a":{{"$type":"blob","ref":{{"$link":"{CID}"}}}}}}"#);
        let refused = prepared(&bare, Some(false)).expect_err("no type, no size");
        assert!(refused.contains("mimeType"), "{refused}");
    }
}
