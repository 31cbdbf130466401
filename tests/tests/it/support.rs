//! A server with its surroundings, all of it real.

pub mod answer;
pub mod notices;
pub mod pds;
pub mod receiver;
pub mod server;

pub use answer::Answer;
pub use pds::ReferenceServers;
pub use receiver::{Closed, Receiver};
pub use server::{Account, TestServer};

/// A client like anybody's; nothing of ours is in it.
pub fn http() -> reqwest::Client {
    // Which cryptography TLS uses is the program's choice. A second test finds it chosen already.
    rustls::crypto::ring::default_provider()
        .install_default()
        .unwrap_or_default();
    reqwest::Client::new()
}
