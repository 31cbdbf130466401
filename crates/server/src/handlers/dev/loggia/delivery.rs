//! `dev.loggia.delivery.*`

pub mod cancel;
pub mod get;
pub mod get_replay;
pub mod list;
pub mod replay;
pub mod replay_all;
pub mod send;
pub mod tail;

mod view;
