//! `com.atproto.space.*`: being told of writes in a space, in the shape of webhooks.
//!
//! The protocol's own shape at the same NSIDs is recognised and answered 501 until it is served.

pub mod notify_space_deleted;
pub mod notify_write;
pub mod register_notify;
