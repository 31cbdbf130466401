//! Subscriptions: event streams over WebSocket.

mod connection;
mod frame;
mod handler;
mod upgrade;

pub use frame::{CborV0, Frame, FrameError, FrameProtocol};
pub use handler::{EventStream, SubscriptionHandler};
pub(crate) use upgrade::Subscribed;
