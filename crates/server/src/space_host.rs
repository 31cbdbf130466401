//! Spaces of accounts that this server holds the keys of: it is their repo host, and where they are
//! the authority of a space, its space host.

mod accounts;
mod admission;
mod blobs;
pub mod caller;
mod car;
mod closing;
mod commit;
mod counting;
pub mod limits;
mod managing_app;
mod membership;
mod open;
mod page;
pub mod reader;
mod record;
mod rules;
mod space;
mod writing;

use std::sync::Arc;

use loggia_auth::Attestations;
use loggia_callers::Web;
use loggia_storage::Storage;

use crate::computing::Computing;
use crate::lexicon_network::LexiconNetwork;
use crate::lexicons::Lexicons;
use crate::outgoing::Outgoing;
use crate::projections::Feeding;
use crate::reach::Documents;
use crate::space_copies::{Asking, SpaceCopies};
use crate::space_hub::NewsOfRecords;
use crate::space_notices::SpaceNotices;
use crate::used_tokens::UsedTokens;

pub use accounts::{AccountsError, HostedAccounts};
pub(crate) use accounts::{hosted_at, not_hosted};
pub(crate) use admission::{Applicant, NotAdmitted};
pub(crate) use blobs::{read_all, reference};
pub(crate) use car::snapshot;
pub(crate) use closing::finish_closing;
pub(crate) use commit::{shown, signed};
pub(crate) use counting::Asked;
pub(crate) use open::Opened;
pub(crate) use page::{Page, check_cursor, record_path};
pub(crate) use record::{BadRecord, Prepared, Status, Wanted, new_key, value_of};
pub(crate) use rules::{Shown, allowed_apps, policy_of};
pub(crate) use writing::{NotWritten, Writer};

/// What the handlers of spaces need, which is a lot: they share it.
pub struct SpaceHost {
    /// Everything that is kept.
    pub storage: Storage,
    /// The keys of accounts.
    pub accounts: HostedAccounts,
    /// Tells of writes.
    pub notices: SpaceNotices,
    /// Tells of records on somebody's word.
    pub news: NewsOfRecords,
    /// Tells projections of writes.
    pub feeding: Feeding,
    /// Threads for what only computes.
    pub computing: Computing,
    /// What records are validated by.
    pub lexicons: Lexicons,
    /// What else they are, if that may be looked up.
    pub(crate) network: Option<LexiconNetwork>,
    /// Where managing apps are found.
    pub documents: Documents,
    /// The way to managing apps.
    pub outgoing: Outgoing,
    /// Proves apps.
    pub attestations: Arc<Attestations<Web, UsedTokens>>,
    /// Spaces that are hosted elsewhere.
    pub copies: SpaceCopies,
    /// The way to the hosts of authors.
    pub(crate) asking: Asking,
}

/// What a [`SpaceHost`] needs beside what all handlers share.
pub(crate) struct Hosting {
    pub(crate) accounts: HostedAccounts,
    pub(crate) documents: Documents,
    pub(crate) outgoing: Outgoing,
    pub(crate) feeding: Feeding,
    pub(crate) attestations: Arc<Attestations<Web, UsedTokens>>,
    pub(crate) copies: SpaceCopies,
    pub(crate) asking: Asking,
    pub(crate) network: Option<LexiconNetwork>,
}

impl Hosting {
    /// All of it together.
    pub(crate) fn spaces(self, computing: &Computing, lexicons: &Lexicons) -> Arc<SpaceHost> {
        let notices = self.copies.notices.clone();
        Arc::new(SpaceHost {
            storage: notices.storage.clone(),
            accounts: self.accounts,
            news: NewsOfRecords::new(&notices),
            notices,
            feeding: self.feeding,
            computing: computing.clone(),
            lexicons: lexicons.clone(),
            documents: self.documents,
            outgoing: self.outgoing,
            attestations: self.attestations,
            copies: self.copies,
            asking: self.asking,
            network: self.network,
        })
    }
}
