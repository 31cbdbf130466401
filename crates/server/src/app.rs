//! The state of a running server, in slices: a handler names the slices that it uses.

use std::sync::Arc;

use axum::extract::FromRef;
use loggia_syntax::{Did, Nsid};

use crate::caller::Callers;
use crate::lexicons::Lexicons;
use crate::space_notices::SpaceNotices;
use crate::webhook_desk::WebhookDesk;

/// Everything that handlers may ask for. Cheap to clone.
#[derive(Clone, FromRef)]
pub struct App {
    /// Proves who calls.
    pub callers: Callers,
    /// Who this server is.
    pub description: Description,
    /// The lexicons that it knows.
    pub lexicons: Lexicons,
    /// Registrations for spaces.
    pub notices: SpaceNotices,
    /// Webhooks of accounts.
    pub webhooks: WebhookDesk,
}

/// Who this server is and what it serves.
#[derive(Clone)]
pub struct Description {
    /// Its DID.
    pub did: Did,
    /// Its methods, sorted.
    pub methods: Arc<[Nsid]>,
}
