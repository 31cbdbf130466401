//! The loggia server: settings, handlers and the composition of every part.
//!
//! [`Server::start`] puts the parts together, [`Server::run`] runs them. A handler is one file at the
//! path that its NSID names, in [`handlers`]; what it may use are the slices of [`app::App`].

pub mod access;
pub mod api_clients;
pub mod app;
pub mod archive;
mod at_once;
mod banner;
pub mod caller;
pub mod chance;
pub mod community;
pub mod computing;
pub mod config;
pub mod daily;
mod data_folder;
mod database;
mod delivering;
pub mod delivery_desk;
pub mod derived;
pub mod dev;
pub mod handlers;
mod health;
pub mod issuers;
pub mod keys;
pub mod lexicons;
pub mod listen;
pub mod live_channel;
pub mod login;
mod master_key;
pub mod names;
pub mod operator;
pub mod origin;
mod outcomes;
pub mod outgoing;
pub mod overlay;
pub mod own_tokens;
mod plain_text;
mod probes;
pub mod projections;
mod reach;
pub mod record_stream;
pub mod registrant;
mod replays;
mod routes;
mod running;
mod serve;
pub mod sources;
pub mod space_credentials;
pub mod space_host;
pub mod space_hub;
pub mod space_notices;
mod streaming;
pub mod streamplace;
mod sweep;
mod tail;
pub mod token_exchange;
pub mod used_tokens;
pub mod view;
mod webhook_desk;
mod well_known;
pub mod wisp;
mod wisp_registry;

pub use running::{ATTEMPTS, DRAIN, Part, STOP};
pub use serve::{ServeError, Server, serve};
