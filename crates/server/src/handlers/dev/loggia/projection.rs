//! `dev.loggia.projection.*`

pub mod delete;
pub mod get;
pub mod list;
pub mod list_notifications;
pub mod put;
pub mod reactivate;
pub mod rotate_secret;
pub mod subscribe;

mod view;
