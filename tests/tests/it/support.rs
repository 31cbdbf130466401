//! A server with its surroundings, all of it real.

pub mod aftermath;
pub mod answer;
pub mod browser;
pub mod community;
pub mod exchange;
pub mod foreign_host;
pub mod hooks;
pub mod hostile;
pub mod issuer;
pub mod jetstream;
pub mod load;
pub mod node_program;
pub mod notices;
pub mod pds;
pub mod person;
pub mod posting;
pub mod process;
pub mod provider;
pub mod reading;
pub mod rebinding;
pub mod receiver;
pub mod repository;
pub mod rows;
pub mod s3;
pub mod server;
pub mod silent;
pub mod spaces;
pub mod syncer;
pub mod tally;
pub mod typescript;
pub mod webhook_world;

use std::io::Write as _;
use std::process::{Command, Stdio};

pub use answer::Answer;
pub use browser::Browser;
pub use issuer::Issuer;
pub use pds::ReferenceServers;
pub use person::Person;
pub use provider::Provider;
pub use receiver::{Arrival, Closed, Receiver};
pub use server::{Account, TestServer};
pub use syncer::Syncer;

/// A client like anybody's; nothing of ours is in it.
pub fn http() -> reqwest::Client {
    // Which cryptography TLS uses is the program's choice. A second test finds it chosen already.
    rustls::crypto::ring::default_provider()
        .install_default()
        .unwrap_or_default();
    reqwest::Client::new()
}

/// The signature that openssl makes of a body with a whole secret.
pub fn by_openssl(secret: &str, body: &[u8]) -> String {
    let mut child = Command::new("openssl")
        .args(["dgst", "-sha256", "-hmac", secret, "-hex"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("openssl is installed");
    let mut input = child.stdin.take().expect("piped above");
    input.write_all(body).expect("openssl reads");
    drop(input);
    let said = child.wait_with_output().expect("openssl ends").stdout;
    let said = String::from_utf8(said).expect("text");
    let digest = said.trim().rsplit(' ').next().expect("a digest");
    format!("sha256={digest}")
}

/// Whether there is time for more rounds: `cargo xtask test --long`.
pub fn is_long() -> bool {
    std::env::var_os("LOGGIA_TEST_LONG").is_some()
}

/// Random numbers that come again when `LOGGIA_TEST_SEED` is set to what a run printed.
pub struct Seed(u64);

impl Seed {
    pub fn of_this_run() -> Self {
        let given = std::env::var("LOGGIA_TEST_SEED");
        let seed = match given {
            Ok(text) => text.parse().expect("LOGGIA_TEST_SEED is a number"),
            Err(_) => u64::from_le_bytes(loggia_server::chance::bytes()),
        };
        println!("LOGGIA_TEST_SEED={seed}");
        Self(seed)
    }

    /// A number below this one (SplitMix64; the remainder's bias is no matter here).
    pub fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (bits ^ (bits >> 31)) % end
    }
}
