//! Models, repositories and migrations; SQLite through sqlx.
//!
//! The only crate that names sqlx or writes SQL. A repository is a small value made by
//! [`Storage`]; what reads takes no transaction, what writes takes a [`Write`]. Every time and every
//! random byte that lands in a row is an argument.

mod api_client;
mod column;
mod delivery;
mod endpoint;
mod enqueue;
mod error;
mod lease;
mod login_attempt;
mod login_session;
mod migrations;
mod record;
mod registration;
mod replay;
mod reseal;
mod revoked_credential;
mod seal;
mod server_key;
mod storage;
mod webhook;
mod webhook_health;
mod webhook_list;

pub use api_client::{ApiClient, ApiClientId, ApiClients};
pub use delivery::{Backlog, Deliveries, StoredDelivery};
pub use endpoint::Endpoints;
pub use enqueue::Enqueued;
pub use error::{BadRow, StorageError};
pub use login_attempt::{LoginAttempts, NewLoginAttempt};
pub use login_session::{LoginSession, LoginSessionId, LoginSessions};
pub use registration::{
    Caps, NewRegistration, Registered, Registration, RegistrationId, Registrations,
};
pub use replay::{Replays, Used};
pub use reseal::Resealed;
pub use revoked_credential::{Revoked, RevokedCredentials};
pub use seal::MasterKey;
pub use server_key::{
    KeyRole, KeySecret, KeyState, NewServerKey, ServerKey, ServerKeys, UnknownRole,
};
pub use storage::{Storage, Write};
pub use webhook::{
    Inserted, RewriteRule, Updated, Webhook, WebhookChange, WebhookFields, WebhookId, Webhooks,
};
pub use webhook_list::{ListError, WebhookFilter, WebhookPage};
