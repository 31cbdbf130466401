//! Accounts under both of their names. A handle counts only if both sides say so: the handle's
//! domain names the DID, and the DID's document names the handle.

use std::sync::Arc;

use jiff::Timestamp;
use loggia_syntax::{AtIdentifier, Did, Handle};

use crate::{DidDocument, Name, NameError, ResolveDid, ResolveError, ResolveName};

/// An account: its document, and what is known of its handle.
#[derive(Clone, Debug)]
pub struct Account {
    /// The document of its DID.
    pub document: Arc<DidDocument>,
    /// The handle.
    pub handle: HandleState,
}

/// What is known of an account's handle.
#[derive(Clone, Debug)]
pub enum HandleState {
    /// Both sides agree. Lower case.
    Confirmed(Handle),
    /// The document claims none.
    Unclaimed,
    /// The domain of the claimed handle names another DID.
    Refuted {
        /// What the document claims.
        claimed: Handle,
        /// Whom the domain names.
        owner: Did,
    },
    /// The domain of the claimed handle says nothing, or cannot be asked now.
    Unconfirmed {
        /// What the document claims.
        claimed: Handle,
        /// Why it is not confirmed.
        error: NameError,
    },
}

impl HandleState {
    /// The handle, if it is confirmed.
    pub fn confirmed(&self) -> Option<&Handle> {
        match self {
            Self::Confirmed(handle) => Some(handle),
            _ => None,
        }
    }
}

/// Why there is no account.
#[derive(Clone, Debug, thiserror::Error)]
pub enum AccountError {
    /// The handle stands for no DID.
    #[error(transparent)]
    Name(#[from] NameError),
    /// The DID has no document.
    #[error(transparent)]
    Document(#[from] ResolveError),
    /// The handle's domain names a DID whose document does not name the handle.
    #[error(
        "the handle {handle} names {did}, whose document does not name it; \
         the first `at://` entry of its `alsoKnownAs` must be `at://{handle}`"
    )]
    Disowned {
        /// Which handle.
        handle: Handle,
        /// The DID that its domain names.
        did: Did,
    },
}

impl AccountError {
    /// Whether trying again later may help.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Name(error) => error.is_transient(),
            Self::Document(error) => error.is_transient(),
            Self::Disowned { .. } => false,
        }
    }
}

/// Looks accounts up by handle or DID and asks both sides.
#[derive(Clone, Debug)]
pub struct Accounts<D, N> {
    documents: D,
    names: N,
}

impl<D: ResolveDid, N: ResolveName> Accounts<D, N> {
    /// Accounts whose documents and names are resolved by these.
    pub fn new(documents: D, names: N) -> Self {
        Self { documents, names }
    }

    /// The account of this handle or DID.
    pub async fn find(&self, id: &AtIdentifier, now: Timestamp) -> Result<Account, AccountError> {
        if let Some(did) = id.did() {
            return Ok(self.by_did(&did, now).await?);
        }
        let handle = id.handle().expect("what is no DID is a handle");
        self.by_handle(&handle, now).await
    }

    /// The account of this handle, which is then confirmed. A document that does not name the handle
    /// may be an old one: it is fetched anew, once and not too often.
    pub async fn by_handle(
        &self,
        handle: &Handle,
        now: Timestamp,
    ) -> Result<Account, AccountError> {
        let did = self.names.resolve_name(&Name::handle(handle), now).await?;
        let mut document = self.documents.resolve(&did, now).await?;
        if !names(&document, handle)
            && let Some(fresh) = self.documents.refresh(&did, now).await?
        {
            document = fresh;
        }
        let handle = handle.normalized();
        if !names(&document, &handle) {
            return Err(AccountError::Disowned { handle, did });
        }
        Ok(Account {
            document,
            handle: HandleState::Confirmed(handle),
        })
    }

    /// The account of this DID. Whatever is wrong with its handle, the account is there.
    pub async fn by_did(&self, did: &Did, now: Timestamp) -> Result<Account, ResolveError> {
        let document = self.documents.resolve(did, now).await?;
        let handle = match document.claimed_handle() {
            Some(claimed) => self.ask_back(did, claimed.normalized(), now).await,
            None => HandleState::Unclaimed,
        };
        Ok(Account { document, handle })
    }

    async fn ask_back(&self, did: &Did, claimed: Handle, now: Timestamp) -> HandleState {
        let name = Name::handle(&claimed);
        match self.names.resolve_name(&name, now).await {
            Ok(owner) if owner == *did => HandleState::Confirmed(claimed),
            Ok(owner) => HandleState::Refuted { claimed, owner },
            Err(error) => HandleState::Unconfirmed { claimed, error },
        }
    }
}

/// Whether this is the handle that the document claims, which is the first in it.
fn names(document: &DidDocument, handle: &Handle) -> bool {
    let claimed = document.claimed_handle();
    claimed.is_some_and(|claimed| claimed.is_same(handle))
}
