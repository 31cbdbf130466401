//! Which webhooks there are: what `place.wisp.v2.wh` records say, read back from the repositories that
//! they are in.
//!
//! A record seen on a stream is only a hint. What counts is what the owner's host answers when it is
//! asked for the record: that is an errand, written in the transaction that moves the stream, and done
//! in the transaction that changes the webhook.

mod apply;
mod bell;
mod discovery;
mod gap;
mod hint;
mod host;
mod scan;
mod worker;

pub(crate) use bell::{Bell, Ear};
pub(crate) use hint::{note, reread, want_backfill, want_gap};
pub(crate) use host::Hosts;
pub(crate) use worker::WispRegistry;

/// A record is to be read back; the subject is `DID/rkey`.
const READ: &str = "wisp-read";
/// All records of an account are to be looked at; the subject is its DID.
const SCAN: &str = "wisp-scan";
/// The known accounts are to be scanned; the subject is the stream that begins.
const BACKFILL: &str = "wisp-backfill";
/// A relay is to be asked who has such records; the subject is its URL.
const DISCOVERY: &str = "wisp-discovery";
/// What somebody watches is to be looked through for what was missed.
const GAP: &str = "wisp-gap";

/// The kinds of errands, those that wait for nobody first.
pub(crate) const KINDS: [&str; 5] = [READ, BACKFILL, SCAN, GAP, DISCOVERY];
