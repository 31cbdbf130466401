//! One dependency for services built on AT Protocol lexicons.
//!
//! `loggia codegen --lexicons lexicons --out src/lexicons` turns Lexicon JSON into types and a
//! `routes!` macro; this crate is what they stand on. A service is a module of handlers and three
//! lines:
//!
//! ```ignore
//! mod handlers;
//! pub mod lexicons;
//!
//! fn main() -> std::io::Result<()> {
//!     let service = lexicons::routes!(crate::handlers);
//!     loggia::run("127.0.0.1:3000", service.with_state(()))
//! }
//! ```
//!
//! A handler is a plain async function at the path that its NSID names. It takes axum extractors,
//! then the decoded `params` and `input` of its method, and returns a [`Reply`]. Whom it serves is
//! said by one of the extractors in [`callers`], such as
//! [`ServiceCaller`](callers::ServiceCaller).
//!
//! This crate has no logic of its own beyond [`run`].

use std::io;

use loggia_xrpc_server::{ServeSettings, told_to_stop};
use tokio::net::TcpListener;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

pub use loggia_auth as auth;
pub use loggia_callers as callers;
#[cfg(feature = "delivery")]
pub use loggia_delivery as delivery;
pub use loggia_identity as identity;
pub use loggia_lexicon as lexicon;
pub use loggia_syntax as syntax;
pub use loggia_xrpc as xrpc;
pub use loggia_xrpc::{Failure, Rejection, Reply, declared};
pub use loggia_xrpc_client as client;
pub use loggia_xrpc_server as server;
pub use loggia_xrpc_server::{Arguments, Refusal, Service, axum, serve};

/// Serves a router on this address until the process gets SIGINT or SIGTERM, on a runtime of its own.
///
/// What a caller is not told, such as why a handler failed, goes to the standard error: as much as
/// `RUST_LOG` says, else what matters to an operator (`info`). A program that has set up a subscriber of
/// `tracing` keeps it. One that has a runtime already calls [`serve`] instead.
///
/// # Errors
/// The address cannot be listened on, or the listener failed.
pub fn run(address: &str, router: axum::Router) -> io::Result<()> {
    let filter = EnvFilter::builder().with_default_directive(LevelFilter::INFO.into());
    let log = tracing_subscriber::fmt()
        .with_writer(io::stderr)
        .with_env_filter(filter.from_env_lossy());
    // An error says that there is a log already.
    log.try_init().unwrap_or_default();
    tokio::runtime::Runtime::new()?.block_on(async {
        let listener = TcpListener::bind(address).await?;
        println!("listening on http://{}", listener.local_addr()?);
        serve(listener, router, ServeSettings::default(), told_to_stop()).await
    })
}
