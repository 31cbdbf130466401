//! The state of a running server, in slices: a handler names the slices that it uses.

use std::sync::Arc;

use axum::extract::FromRef;
use loggia_callers::Callers;
use loggia_syntax::{Did, Nsid};

use crate::community::CommunityDesk;
use crate::computing::Computing;
use crate::delivery_desk::DeliveryDesk;
use crate::lexicons::Lexicons;
use crate::login::People;
use crate::origin::Origin;
use crate::projections::ProjectionDesk;
use crate::space_host::SpaceHost;
use crate::space_notices::SpaceNotices;
use crate::streamplace::Streamplace;
use crate::webhook_desk::WebhookDesk;
use crate::wisp::SecretDesk;

/// Everything that handlers may ask for. Cheap to clone.
#[derive(Clone, FromRef)]
pub struct App {
    /// Proves who calls.
    pub callers: Callers,
    /// Webhooks of the communities of accounts.
    pub communities: CommunityDesk,
    /// Threads for what only computes.
    pub computing: Computing,
    /// Endpoints and deliveries of accounts.
    pub deliveries: DeliveryDesk,
    /// Who this server is.
    pub description: Description,
    /// The lexicons that it knows.
    pub lexicons: Lexicons,
    /// Registrations for spaces.
    pub notices: SpaceNotices,
    /// Spaces and repositories of accounts here.
    pub spaces: Arc<SpaceHost>,
    /// People who are logged in with a browser.
    pub people: People,
    /// Secrets that webhooks name.
    pub secrets: SecretDesk,
    /// What tells webhooks.
    pub streamplace: Streamplace,
    /// Histories and projections of accounts.
    pub projections: ProjectionDesk,
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

impl Description {
    /// What is reached there and serves these methods.
    pub fn new(origin: &Origin, methods: &[Nsid]) -> Self {
        Self {
            did: origin.did.clone(),
            methods: methods.into(),
        }
    }
}
