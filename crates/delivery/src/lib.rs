//! Sign, schedule, attempt, expire, give up and replay: notifications to endpoints.
//!
//! A feature says what happened and to whom; this crate signs, schedules, sends, records and gives
//! up by rule. It knows neither HTTP nor a database: what it needs of them are the traits
//! [`Transport`] and [`Queue`]. It reads no clock and no randomness of its own: [`Clock`] and a
//! closure bring both.
//!
//! The life of a delivery is [`State`], a pure function of `(state, event, now)`; [`Engine`] is the
//! loop around it.

mod clock;
mod dress;
mod endpoint;
mod engine;
mod header;
mod id;
mod notification;
mod observer;
mod outcome;
mod profile;
mod queue;
mod retry_after;
mod schedule;
mod secret;
pub mod signature;
mod signer;
mod state;
mod target;
mod transport;

pub use clock::{Clock, SystemClock};
pub use dress::Dressing;
pub use endpoint::{
    DisableReason, Endpoint, EndpointState, Health, HealthRules, Parties, Report, Secrets,
    UnknownName,
};
pub use engine::{Engine, Handle, Limits, Pulse, Reservation};
pub use header::{CustomHeaders, InvalidHeaders};
pub use id::{EndpointId, InvalidId, NotificationId, with_fraction};
pub use notification::{BodyTooLarge, DeliveryId, NewNotification, Notification, Recipient};
pub use observer::{Observed, Observer};
pub use outcome::{Fault, Outcome, Verdict};
pub use profile::{Call, Overlap, OwnSignature, Profile, StandardHeaders, Success, Wire};
pub use queue::{Due, LeaseRequest, Leased, Life, Queue, Recorded, Settled};
pub use retry_after::RetryAfter;
pub use schedule::{Asked, Gaps, Jitter, Schedule};
pub use secret::{InvalidSecret, PublicKey, Secret};
pub use signer::{Minting, NoSigner, ServiceAuth, Signer, Unsigned};
pub use state::{
    AbandonReason, Attempt, CancelReason, Effect, Event, Lease, Misstep, NodeId, State, Terms,
};
pub use target::{InvalidTarget, Target};
pub use transport::{Answer, Request, Transport};

#[doc(hidden)]
pub use uuid;
