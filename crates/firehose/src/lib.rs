//! The network's record stream, whatever it comes through, as one kind of event.
//!
//! Knows no store and no HTTP client: sockets come through a trait, cursors go in and out.
//!
//! A [`Stream`] reads one [`Source`] over [`Sockets`] in a task of its own: frames become [`Frame`]s
//! ([`jetstream`], [`repos`]), their events wait in a bounded queue, and the consumer takes them as
//! [`Batch`]es, each with the [`Cursor`] to write in the same transaction as what it causes. What was
//! missed is a [`Gap`], what cannot be read is [`Malformed`], and neither stops it.

mod batch;
pub mod blocks;
mod cursor;
mod dictionary;
mod event;
mod frame;
pub mod jetstream;
mod matcher;
mod pattern;
mod reference;
mod references;
pub mod repos;
mod scope;
mod signatures;
mod socket;
mod source;
mod stream;
mod wanted;

pub use batch::{Batch, Malformed, Reason};
pub use cursor::{Cursor, Gap, SourceKind};
pub use dictionary::{Dictionary, DictionaryError};
pub use event::{Action, Change, Event, Record, What};
pub use frame::{Chain, Frame, LONGEST_RECORD, Notice, Place};
pub use matcher::{Matcher, Matches};
pub use pattern::Pattern;
pub use references::{References, TooComplex};
pub use scope::{Actions, InvalidScope, Scope};
pub use signatures::{SignatureError, Signatures};
pub use socket::{ConnectError, LONGEST_MESSAGE, Message, Socket, SocketError, Sockets, Soon};
pub use source::{Source, SourceUrl, SourceUrlError};
pub use stream::{Health, Stream, Tools};
pub use wanted::Wanted;
