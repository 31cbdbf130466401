//! `dev.loggia.stream.*`

pub mod get_form;
pub mod notify_received;
pub mod set_form;
mod view;
