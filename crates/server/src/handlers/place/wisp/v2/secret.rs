//! `place.wisp.v2.secret.*`: what the webhooks of the calling account are signed with.

pub mod create;
pub mod delete;
pub mod list;
pub mod rotate;
