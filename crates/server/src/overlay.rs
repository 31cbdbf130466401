//! Two shapes at one NSID: the official lexicon's, and one of `dev.loggia.compat` that another
//! system speaks there.
//!
//! Which of them a body has is decided by the keys that are present and by nothing else: never by
//! values, headers or credentials. The official types stay as they are; taking a second shape away
//! means taking its line out of this file.

use std::collections::BTreeMap;
use std::marker::PhantomData;

use bytes::Bytes;
use loggia_api::com::atproto::space;
use loggia_api::dev::loggia::compat;
use loggia_syntax::check::Report;
use loggia_xrpc::{Body, BodyError, BodyKind, DeclaredError, Kind, Method, Payload, shape};
use serde::de::{Error as _, IgnoredAny};
use serde_json::{Map, Value};

/// `com.atproto.space.registerNotify` with either input.
pub type RegisterNotify = Overlay<RegisterNotifyShapes>;
/// `com.atproto.space.notifyWrite` with either input.
pub type NotifyWrite = Overlay<NotifyWriteShapes>;
/// `com.atproto.space.notifySpaceDeleted`, whose two inputs differ in how a space is spelled only.
pub type NotifySpaceDeleted = Overlay<NotifySpaceDeletedShapes>;

/// Two methods that share an NSID.
pub trait TwoShapes: Send + Sync + 'static {
    /// The method as the official lexicon has it.
    type Official: Method;
    /// The method as the other system has it; its output and errors are those of the overlay.
    type Compat: Method;
    /// Keys that only the official input has: all of them and no compat key, and it is official.
    const OFFICIAL: &'static [&'static str];
    /// Keys that only the other input has: all of them and no official key, and it is that one.
    const COMPAT: &'static [&'static str];

    /// Keys of the other input that were the official one's in a draft of the protocol: all of them and
    /// none else of either shape, and it is a draft. None where there was no such draft.
    const DRAFT: &'static [&'static str] = &[];

    /// An official input as the official type reads it, where older versions of it are still sent.
    ///
    /// # Errors
    /// It contradicts itself.
    fn respelled(text: Bytes) -> Result<Bytes, serde_json::Error> {
        Ok(text)
    }
}

/// The shapes of `registerNotify`.
#[derive(Debug)]
pub enum RegisterNotifyShapes {}

impl TwoShapes for RegisterNotifyShapes {
    type Official = space::register_notify::RegisterNotify;
    type Compat = compat::register_notify::RegisterNotify;
    const OFFICIAL: &'static [&'static str] = &["service"];
    const COMPAT: &'static [&'static str] = &["serviceDid", "endpoint"];
    const DRAFT: &'static [&'static str] = &["endpoint"];

    /// A draft names no service: whoever calls is the service. Here its name is empty, which no
    /// service has.
    fn respelled(text: Bytes) -> Result<Bytes, serde_json::Error> {
        let mut fields: Map<String, Value> = serde_json::from_slice(&text)?;
        if fields.contains_key("service") {
            return Ok(text);
        }
        fields.insert("service".to_owned(), Value::String(String::new()));
        serde_json::to_vec(&fields).map(Bytes::from)
    }
}

/// The shapes of `notifyWrite`.
#[derive(Debug)]
pub enum NotifyWriteShapes {}

impl TwoShapes for NotifyWriteShapes {
    type Official = space::notify_write::NotifyWrite;
    type Compat = compat::notify_write::NotifyWrite;
    const OFFICIAL: &'static [&'static str] = &["repo"];
    const COMPAT: &'static [&'static str] = &["did", "collection", "rkey"];

    /// The revision was called `rev` before it was called `repoRev`, and may go by both names. A draft
    /// had no hash; it is empty then, which no hash is.
    fn respelled(text: Bytes) -> Result<Bytes, serde_json::Error> {
        let mut fields: Map<String, Value> = serde_json::from_slice(&text)?;
        match (fields.get("rev"), fields.get("repoRev")) {
            (Some(rev), Some(repo_rev)) if rev != repo_rev => {
                let message = "`rev` and `repoRev` say different things; send one of them";
                return Err(serde_json::Error::custom(message));
            }
            (Some(rev), None) => {
                let rev = rev.clone();
                fields.insert("repoRev".to_owned(), rev);
            }
            _ => {}
        }
        let none = || serde_json::json!({ "$bytes": "" });
        fields.entry("hash").or_insert_with(none);
        serde_json::to_vec(&fields).map(Bytes::from)
    }
}

/// The shapes of `notifySpaceDeleted`: the same key, so the wider spelling is always read.
#[derive(Debug)]
pub enum NotifySpaceDeletedShapes {}

impl TwoShapes for NotifySpaceDeletedShapes {
    type Official = space::notify_space_deleted::NotifySpaceDeleted;
    type Compat = compat::notify_space_deleted::NotifySpaceDeleted;
    const OFFICIAL: &'static [&'static str] = &[];
    const COMPAT: &'static [&'static str] = &["space"];
}

/// The method that takes either shape.
#[derive(Debug)]
pub struct Overlay<T>(PhantomData<T>);

impl<T: TwoShapes> Method for Overlay<T> {
    const NSID: &'static str = <T::Official as Method>::NSID;
    const KIND: Kind = Kind::Procedure;
    type Params = ();
    type Input = Shaped<T>;
    type Output = <T::Compat as Method>::Output;
    type Error = Either<<T::Official as Method>::Error, <T::Compat as Method>::Error>;
    type Shape = shape::InputOnly;
}

/// An input of either shape.
pub enum Shaped<T: TwoShapes> {
    /// As the official lexicon has it.
    Official(<T::Official as Method>::Input),
    /// As the other system has it.
    Compat(<T::Compat as Method>::Input),
}

impl<T: TwoShapes> Body for Shaped<T> {
    const ENCODING: &'static str = "application/json";
    const KIND: BodyKind = BodyKind::Json;

    fn decode(payload: Payload) -> Result<Self, BodyError> {
        let Payload::Json(text) = &payload else {
            return Err(BodyError::Kind {
                expected: BodyKind::Json,
                got: payload.kind(),
            });
        };
        let keys: BTreeMap<String, IgnoredAny> =
            serde_json::from_slice(text).map_err(BodyError::Json)?;
        let all = |names: &[&str]| names.iter().all(|name| keys.contains_key(*name));
        let none = |names: &[&str]| !names.iter().any(|name| keys.contains_key(*name));
        if all(T::COMPAT) && none(T::OFFICIAL) {
            return Body::decode(payload).map(Self::Compat);
        }
        let draft = T::COMPAT.iter().filter(|name| keys.contains_key(**name));
        let is_draft = !T::DRAFT.is_empty() && draft.eq(T::DRAFT) && none(T::OFFICIAL);
        let is_official = !T::OFFICIAL.is_empty() && all(T::OFFICIAL) && none(T::COMPAT);
        if is_official || is_draft {
            let text = T::respelled(text.clone()).map_err(BodyError::Json)?;
            return Body::decode(Payload::Json(text)).map(Self::Official);
        }
        Err(BodyError::Json(serde_json::Error::custom(neither::<T>(
            &keys,
        ))))
    }

    fn encode(self) -> Result<Payload, BodyError> {
        match self {
            Self::Official(input) => input.encode(),
            Self::Compat(input) => input.encode(),
        }
    }

    fn check(&self, report: &mut Report) {
        match self {
            Self::Official(input) => Body::check(input, report),
            Self::Compat(input) => Body::check(input, report),
        }
    }
}

/// What keeps a body from being of one shape, and what to send.
fn neither<T: TwoShapes>(keys: &BTreeMap<String, IgnoredAny>) -> String {
    let split = |names: &[&'static str]| -> (Vec<_>, Vec<_>) {
        let names = names.iter().copied();
        names.partition(|name| keys.contains_key(*name))
    };
    let (official, no_official) = split(T::OFFICIAL);
    let (compat, no_compat) = split(T::COMPAT);
    let wrong = match (official.is_empty(), compat.is_empty()) {
        (true, true) if T::OFFICIAL.is_empty() => {
            return format!("{} is missing", listed(T::COMPAT));
        }
        (true, true) => "it has no key that tells its shape".to_owned(),
        (false, false) => format!(
            "it mixes two shapes, {} with {}",
            listed(&official),
            listed(&compat)
        ),
        (false, true) => format!(
            "it has {} without {}",
            listed(&official),
            listed(&no_official)
        ),
        (true, false) => format!("it has {} without {}", listed(&compat), listed(&no_compat)),
    };
    let (official, compat) = (listed(T::OFFICIAL), listed(T::COMPAT));
    format!("{wrong}; send either {official}, or {compat}")
}

fn listed(names: &[&str]) -> String {
    names
        .iter()
        .map(|name| format!("`{name}`"))
        .collect::<Vec<_>>()
        .join(" and ")
}

/// An error that one of two lexicons declares.
#[derive(Debug)]
pub enum Either<O, C> {
    /// The official lexicon's.
    Official(O),
    /// The other's.
    Compat(C),
}

impl<O: DeclaredError, C: DeclaredError> DeclaredError for Either<O, C> {
    fn name(&self) -> &'static str {
        match self {
            Self::Official(error) => error.name(),
            Self::Compat(error) => error.name(),
        }
    }

    fn description(&self) -> Option<&'static str> {
        match self {
            Self::Official(error) => error.description(),
            Self::Compat(error) => error.description(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn why<T: TwoShapes>(json: &'static str) -> String {
        match Shaped::<T>::decode(Payload::Json(json.into())) {
            Err(BodyError::Json(error)) => error.to_string(),
            Err(error) => panic!("{error}"),
            Ok(_) => panic!("{json} is of one shape"),
        }
    }

    #[test]
    fn what_is_of_no_shape_is_told_what_to_send() {
        const SEND: &str = "; send either `service`, or `serviceDid` and `endpoint`";
        for (json, wrong) in [
            ("{}", "it has no key that tells its shape"),
            (
                r#"{"serviceDid":1}"#,
                "it has `serviceDid` without `endpoint`",
            ),
            (
                r#"{"endpoint":1,"service":1}"#,
                "it mixes two shapes, `service` with `endpoint`",
            ),
        ] {
            assert_eq!(why::<RegisterNotifyShapes>(json), format!("{wrong}{SEND}"));
        }
        assert_eq!(why::<NotifySpaceDeletedShapes>("{}"), "`space` is missing");
    }
}
