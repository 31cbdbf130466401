//! `dev.loggia.event.*`

pub mod append;
pub mod append_batch;
pub mod list;

mod view;
