//! XRPC methods served with axum.
//!
//! A [`Service`] is a table of methods and their handlers; [`Service::with_state`] makes an axum
//! router of it. Handlers are plain async functions: axum extractors first, then the decoded
//! `params` and `input` that the method has, returning [`Reply`](loggia_xrpc::Reply).
//!
//! ```ignore
//! let router = Service::new()
//!     .method::<GetGreeting, _, _>(get_greeting::handle)
//!     .subscription::<Watch, _, _>(watch::handle)
//!     .with_state(state);
//! serve(listener, router, ServeSettings::default(), shutdown).await?;
//! ```
//!
//! Every failure is answered with the XRPC envelope `{"error", "message"}`, whoever noticed it; the
//! only exceptions are requests that are not HTTP at all, or whose head is not read to its end
//! ([`ServeSettings::header_limit`]), which never get as far as this crate.
//!
//! This crate must not know what any method is about, where callers prove who they are, or that
//! there is a database.

mod answer;
mod call;
mod coding;
pub mod cors;
mod decode;
mod dispatch;
mod endpoint;
mod envelope;
mod explain;
mod from_call;
mod gate;
mod handler;
mod health;
mod locate;
mod media;
mod meter;
mod passage;
mod rate;
mod serve;
mod service;
mod settings;
mod signals;
mod status;
mod stop;
mod stream;
mod strict;
mod target;

pub use axum;
pub use call::Call;
pub use envelope::Refusal;
pub use explain::Explain;
pub use from_call::{Arguments, FromCall, Late, Proof};
pub use gate::Gate;
pub use handler::Handler;
pub use health::{HealthCheck, HealthFields};
pub use meter::Metrics;
pub use passage::{MethodInfo, RequestId, TraceContext, log_caller};
pub use rate::{
    Allowance, CallerKey, Clock, KeyFunction, Quota, RateLimit, RateLimiter, SystemClock,
    by_forwarded_address, by_peer_address,
};
pub use serve::{Farewell, ServeSettings, serve};
pub use service::Service;
pub use settings::{MethodLimits, Settings, StreamSettings};
pub use signals::told_to_stop;
pub use stop::Stop;
pub use stream::{CborV0, EventStream, Frame, FrameError, FrameProtocol, SubscriptionHandler};
