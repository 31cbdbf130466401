//! A server with its surroundings, all of it real.

pub mod answer;
pub mod browser;
pub mod exchange;
pub mod issuer;
pub mod notices;
pub mod pds;
pub mod person;
pub mod provider;
pub mod receiver;
pub mod server;

pub use answer::Answer;
pub use browser::Browser;
pub use issuer::Issuer;
pub use pds::ReferenceServers;
pub use person::Person;
pub use provider::Provider;
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
