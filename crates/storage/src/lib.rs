//! Models, repositories and migrations; SQLite and PostgreSQL through sqlx.
//!
//! The only crate that names sqlx or writes SQL. A repository is a small value made by
//! [`Storage`]; what reads takes no transaction, what writes takes a [`Write`]. Every time and every
//! random byte that lands in a row is an argument.

mod account;
mod announcement;
mod api_client;
mod attempt_log;
mod backlink_reference;
mod blob;
mod chore;
mod claim;
mod column;
mod community_webhook;
mod delivery;
mod delivery_log;
mod endpoint;
mod endpoint_stats;
mod enqueue;
mod errand;
mod error;
mod event;
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
mod projection;
mod projection_fold;
mod projection_log;
mod projection_sources;
mod projection_webhook;
mod projection_work;
mod proposal;
mod record;
mod redelivery;
mod registration;
mod replay;
mod reseal;
mod retention;
mod revoked_credential;
mod seal;
mod server_key;
mod space;
mod space_chain;
mod space_copy;
mod space_repo;
mod sql;
mod storage;
mod stream_cursor;
mod stream_quarantine;
mod together;
mod webhook;
mod webhook_list;
mod wisp_log;
mod wisp_secret;
mod wisp_webhook;
mod write;

pub use account::{Account, Accounts};
pub use announcement::{Announcement, Announcements};
pub use api_client::{ApiClient, ApiClientId, ApiClients};
pub use attempt_log::{AttemptPlace, LoggedAttempt};
pub use backlink_reference::BacklinkReferences;
pub use blob::{Blob, Blobs, Kept, ReferredBlobs};
pub use chore::Chores;
pub use claim::Claims;
pub use community_webhook::{CommunityWebhook, CommunityWebhookChange, CommunityWebhooks};
pub use delivery::{Backlog, Deliveries, StoredDelivery};
pub use delivery_log::{DeliveryDetail, DeliveryFilter, DeliveryPage, LoggedDelivery, Whose};
pub use endpoint::{EndpointChange, Endpoints, OwnedEndpoint};
pub use endpoint_stats::{EndpointStats, LastError};
pub use enqueue::{Enqueue, Enqueued};
pub use errand::{Errand, Errands};
pub use error::{BadRow, StorageError};
pub use event::{Appended, EventId, Events, NewEvent, StoredEvent};
pub use intake::{Intake, To, Wish};
pub use location::{InvalidLocation, InvalidSynchronous, Location, Synchronous};
pub use login_attempt::{LoginAttempts, NewLoginAttempt};
pub use login_session::{LoginSession, LoginSessionId, LoginSessions};
pub use projection::{
    NewProjection, Parked, Projection, ProjectionId, ProjectionStatus, Projections,
};
pub use projection_fold::{Fold, Folded, KeptState, NewNotice};
pub use projection_log::{Notice, OldNotice};
pub use projection_sources::{ReaderCaps, ReaderRoom};
pub use projection_work::{Behind, UnreadableProjection};
pub use proposal::{
    NewProposal, Proposal, ProposalCaps, ProposalId, ProposalKind, ProposalStatus, Proposals,
    ProposalsOf, Proposed,
};
pub use redelivery::{
    EndedState, NewRedelivery, NotEnded, REPLAY_LASTS, Redeliveries, Redelivery, RedeliveryEnd,
    RedeliveryId, Step,
};
pub use registration::{
    Caps, NewRegistration, Registered, Registration, RegistrationId, RegistrationShape,
    Registrations, UnknownShape, Unregistering, UnregisteringBy,
};
pub use replay::{Replays, Used, UsedUp};
pub use reseal::Resealed;
pub use retention::{Ended, EndedBefore, Retired};
pub use revoked_credential::{Revoked, RevokedCredentials};
pub use seal::MasterKey;
pub use server_key::{
    KeyRole, KeySecret, KeyState, NewServerKey, ServerKey, ServerKeys, UnknownRole,
};
pub use space::{
    AppAccess, HostedSpace, IssuedCredential, Member, MemberPut, Membership, SpaceInserted,
    SpacePolicy, Spaces, TakenBack, UnknownRule,
};
pub use space_chain::{Advanced, Heard, SpaceChains, SpaceWriter};
pub use space_copy::{Begun, CopiedSpace, Forward, Retry, Sequel, SpaceCopies, SpaceCopy};
pub use space_repo::{
    BlobClaim, Changed, LogPlace, LoggedOperation, RecordAction, RecordRange, RecordValue,
    RecordWrite, RepoName, RepoState, SpaceRepos, StoredRecord, Unwritten, Written, Wrote,
};
pub use storage::Storage;
pub use stream_cursor::{StreamCursor, StreamCursors};
pub use stream_quarantine::{QuarantinedFrame, StreamQuarantine};
pub use together::{Batch, Together};
pub use webhook::{
    Inserted, RewriteRule, Updated, Webhook, WebhookChange, WebhookFields, WebhookFormat,
    WebhookId, Webhooks,
};
pub use webhook_list::{ListError, WebhookFilter, WebhookPage};
pub use wisp_log::{WispLog, WispLogPlace, WispOutcome};
pub use wisp_secret::{NewWispSecret, WispSecret, WispSecretId, WispSecretInserted, WispSecrets};
pub use wisp_webhook::{WispCaps, WispChange, WispRefusal, WispState, WispWebhook, WispWebhooks};
pub use write::Write;
