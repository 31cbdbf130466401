//! The contract of XRPC as traits, and what generated types are made of.
//!
//! This crate knows neither axum nor any HTTP client: the server and the client each bring their own.
//!
//! Generated code is small explicit impls over shared runtime code ([`Fields`], [`ObjectWriter`],
//! [`Query`]) in place of serde's derive: it compiles faster, keeps unknown fields without serde's
//! buffering, dispatches unions without copying where `$type` comes first, and follows the data
//! model's rules where serde's own impls do not.

mod body;
mod buffer;
mod extra;
mod failure;
mod key;
mod macros;
mod method;
mod nullable;
mod object;
mod params;
mod query;
mod read;
mod strings;
mod union;
mod validate;

pub use body::{
    Binary, Body, BodyError, BodyKind, Chunks, Content, JsonBody, NoBody, Payload, from_json,
};
pub use extra::Extra;
pub use failure::{Declared, DeclaredError, Failure, NoError, Rejection, Reply, declared};
pub use key::Key;
pub use loggia_syntax as syntax;
pub use loggia_syntax::check::{self, At, Report};
pub use method::{Kind, Message, Method, ReadMessage, Subscription, shape};
pub use nullable::Nullable;
pub use object::{
    Fields, ObjectType, ObjectWriter, Record, read_object, write_object, write_payload,
    write_variant,
};
pub use params::{ParamError, ParamValue, Params};
pub use query::Query;
pub use read::Read;
pub use serde::de::MapAccess;
pub use serde::ser::SerializeMap;
pub use serde::{self, Deserializer, Serialize, Serializer};
pub use strings::{Listed, NotListed, parse_listed, read_listed, write_listed};
pub use union::{UnionType, UnknownVariant, read_union};
pub use validate::{Validate, check_extra};
