//! The client against real servers on this machine, and the guard against a table of addresses.

mod call;
mod client;
mod download;
mod frame;
mod guard;
mod rebinding;
mod registries;
mod server;
mod spellings;
mod txt;
mod web_socket;
