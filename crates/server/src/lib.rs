//! The loggia server: settings, handlers and the composition of every part.
//!
//! [`Server::start`] puts the parts together, [`Server::run`] runs them. A handler is one file at the
//! path that its NSID names, in [`handlers`]; what it may use are the slices of [`app::App`].

pub mod app;
mod banner;
pub mod caller;
pub mod chance;
pub mod config;
mod data_folder;
pub mod dev;
pub mod handlers;
pub mod lexicons;
pub mod listen;
mod master_key;
pub mod origin;
mod outgoing;
pub mod overlay;
mod routes;
mod serve;
pub mod space_notices;
mod sweep;
pub mod view;
pub mod webhook_desk;
mod well_known;

pub use serve::{ServeError, Server, serve};
