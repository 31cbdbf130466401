//! Models, repositories and migrations; SQLite through sqlx.
//!
//! The only crate that names sqlx or writes SQL. A repository is a small value made by
//! [`Storage`]; what reads takes no transaction, what writes takes a [`Write`]. Every time and every
//! random byte that lands in a row is an argument.

mod column;
mod delivery;
mod endpoint;
mod enqueue;
mod error;
mod lease;
mod migrations;
mod record;
mod registration;
mod replay;
mod seal;
mod storage;
mod webhook;
mod webhook_list;

pub use delivery::{Backlog, Deliveries, StoredDelivery};
pub use endpoint::Endpoints;
pub use enqueue::Enqueued;
pub use error::{BadRow, StorageError};
pub use registration::{
    Caps, NewRegistration, Registered, Registration, RegistrationId, Registrations,
};
pub use replay::Replays;
pub use seal::MasterKey;
pub use storage::{Storage, Write};
pub use webhook::{
    Inserted, RewriteRule, Updated, Webhook, WebhookChange, WebhookFields, WebhookId, Webhooks,
};
pub use webhook_list::{ListError, WebhookFilter, WebhookPage};
