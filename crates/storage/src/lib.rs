//! Models, repositories and migrations; SQLite and PostgreSQL through sqlx.
//!
//! The only crate that names sqlx or writes SQL. A repository is a small value made by
//! [`Storage`]; what reads takes no transaction, what writes takes a [`Write`]. Every time and every
//! random byte that lands in a row is an argument.

mod announcement;
mod api_client;
mod attempt_log;
mod chore;
mod column;
mod delivery;
mod delivery_log;
mod endpoint;
mod endpoint_stats;
mod enqueue;
mod error;
mod group;
mod intake;
mod lease;
mod location;
mod login_attempt;
mod login_session;
mod migrations;
mod node;
mod open;
mod place;
mod record;
mod redelivery;
mod registration;
mod replay;
mod reseal;
mod retention;
mod revoked_credential;
mod seal;
mod server_key;
mod sql;
mod storage;
mod webhook;
mod webhook_list;
mod write;

pub use announcement::{Announcement, Announcements};
pub use api_client::{ApiClient, ApiClientId, ApiClients};
pub use attempt_log::{AttemptPlace, LoggedAttempt};
pub use chore::Chores;
pub use delivery::{Backlog, Deliveries, StoredDelivery};
pub use delivery_log::{DeliveryDetail, DeliveryFilter, DeliveryPage, LoggedDelivery, Whose};
pub use endpoint::{EndpointChange, Endpoints, OwnedEndpoint};
pub use endpoint_stats::{EndpointStats, LastError};
pub use enqueue::{Enqueue, Enqueued};
pub use error::{BadRow, StorageError};
pub use intake::{Intake, To, Wish};
pub use location::{InvalidLocation, InvalidSynchronous, Location, Synchronous};
pub use login_attempt::{LoginAttempts, NewLoginAttempt};
pub use login_session::{LoginSession, LoginSessionId, LoginSessions};
pub use redelivery::{
    EndedState, NewRedelivery, NotEnded, REPLAY_LASTS, Redeliveries, Redelivery, RedeliveryEnd,
    RedeliveryId, Step,
};
pub use registration::{
    Caps, NewRegistration, Registered, Registration, RegistrationId, Registrations,
};
pub use replay::{Replays, Used};
pub use reseal::Resealed;
pub use retention::{Ended, EndedBefore, Retired};
pub use revoked_credential::{Revoked, RevokedCredentials};
pub use seal::MasterKey;
pub use server_key::{
    KeyRole, KeySecret, KeyState, NewServerKey, ServerKey, ServerKeys, UnknownRole,
};
pub use storage::Storage;
pub use webhook::{
    Inserted, RewriteRule, Updated, Webhook, WebhookChange, WebhookFields, WebhookId, Webhooks,
};
pub use webhook_list::{ListError, WebhookFilter, WebhookPage};
pub use write::Write;
