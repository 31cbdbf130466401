//! `dev.loggia.endpoint.*`

pub mod create;
pub mod delete;
pub mod disable;
pub mod enable;
pub mod get;
pub mod get_stats;
pub mod list;
pub mod rotate_secret;
pub mod test;
pub mod update;

pub(in crate::handlers) mod secret;
pub(in crate::handlers) mod view;
