//! The messages of the stream, as they stand in DAG-CBOR. Nothing is copied out of a frame.

use serde::Deserialize;
use serde_ipld_dagcbor::de::Deserializer;

use crate::Reason;
use crate::blocks::link::Link;

/// What a frame says.
pub(super) enum Said<'a> {
    Commit(Commit<'a>),
    Sync(Sync<'a>),
    Identity(Identity<'a>),
    Account(Account<'a>),
    /// Something about the stream.
    Info(&'a str),
    /// The stream ends.
    Error(&'a str),
    /// Something that came after us; to be passed over, as the specification says.
    Unknown,
}

#[derive(Deserialize)]
struct Header<'a> {
    op: i64,
    #[serde(borrow)]
    t: Option<&'a str>,
}

/// `#commit`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Commit<'a> {
    pub(super) seq: i64,
    #[serde(default)]
    pub(super) too_big: bool,
    pub(super) repo: &'a str,
    pub(super) commit: Link,
    pub(super) rev: &'a str,
    /// The revision before.
    #[serde(default)]
    pub(super) since: Option<&'a str>,
    /// The root of the tree before; hosts of before 2025 do not say it.
    #[serde(default)]
    pub(super) prev_data: Option<Link>,
    #[serde(borrow)]
    pub(super) blocks: &'a [u8],
    #[serde(borrow)]
    pub(super) ops: Vec<Op<'a>>,
    pub(super) time: &'a str,
}

/// What was done to one record.
#[derive(Deserialize)]
pub(super) struct Op<'a> {
    pub(super) action: &'a str,
    pub(super) path: &'a str,
    pub(super) cid: Option<Link>,
    /// What the record was before.
    #[serde(default)]
    pub(super) prev: Option<Link>,
}

/// `#sync`; what its blocks are is not looked at.
#[derive(Deserialize)]
pub(super) struct Sync<'a> {
    pub(super) seq: i64,
    pub(super) did: &'a str,
    pub(super) time: &'a str,
}

/// `#identity`.
#[derive(Deserialize)]
pub(super) struct Identity<'a> {
    pub(super) seq: i64,
    pub(super) did: &'a str,
    pub(super) time: &'a str,
    #[serde(borrow)]
    pub(super) handle: Option<&'a str>,
}

/// `#account`.
#[derive(Deserialize)]
pub(super) struct Account<'a> {
    pub(super) seq: i64,
    pub(super) did: &'a str,
    pub(super) time: &'a str,
    pub(super) active: bool,
    #[serde(borrow)]
    pub(super) status: Option<&'a str>,
}

#[derive(Deserialize)]
struct Info<'a> {
    name: &'a str,
}

#[derive(Deserialize)]
struct Error<'a> {
    error: &'a str,
}

const MESSAGE: i64 = 1;
const ERROR: i64 = -1;

impl<'a> Said<'a> {
    /// Reads a header and a payload, and nothing after them.
    pub(super) fn read(frame: &'a [u8]) -> Result<Self, Reason> {
        let mut from = Deserializer::from_slice(frame);
        let header = Header::deserialize(&mut from).map_err(|_| Reason::Syntax)?;
        let said = match (header.op, header.t) {
            (ERROR, _) => Self::Error(payload::<Error<'_>, _>(&mut from)?.error),
            (MESSAGE, Some("#commit")) => Self::Commit(payload(&mut from)?),
            (MESSAGE, Some("#sync")) => Self::Sync(payload(&mut from)?),
            (MESSAGE, Some("#identity")) => Self::Identity(payload(&mut from)?),
            (MESSAGE, Some("#account")) => Self::Account(payload(&mut from)?),
            (MESSAGE, Some("#info")) => Self::Info(payload::<Info<'_>, _>(&mut from)?.name),
            (MESSAGE, None) => return Err(Reason::Shape),
            _ => return Ok(Self::Unknown),
        };
        from.end().map_err(|_| Reason::Syntax)?;
        Ok(said)
    }
}

fn payload<'de, T, D>(from: D) -> Result<T, Reason>
where
    T: Deserialize<'de>,
    D: serde::Deserializer<'de>,
{
    T::deserialize(from).map_err(|_| Reason::Shape)
}
