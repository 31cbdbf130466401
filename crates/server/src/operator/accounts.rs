//! Taking accounts in: their keys are made here and never leave.

use loggia_auth::SigningKey;
use loggia_auth::key::SigningError;
use loggia_delivery::{Clock as _, SystemClock};
use loggia_storage::{Account, KeySecret, StorageError};
use loggia_syntax::Did;

use super::Operator;
use crate::chance;
use crate::dev::{DevAccountError, DevAccounts};

/// Accounts that are read at once.
const PAGE: u32 = 500;

/// An account as an operator sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShownAccount {
    /// Who it is.
    pub did: Did,
    /// The public half of its key, to stand as `#atproto` in its DID document.
    pub did_key: String,
}

/// Why an account was not taken in.
#[derive(Debug, thiserror::Error)]
pub enum AccountError {
    /// It is here already.
    #[error("there is an account {0} already")]
    Exists(Did),
    /// It is a development account, whose key another one would replace.
    #[error("{0} is a development account already, and has a key")]
    Development(Did),
    /// The development accounts cannot be read.
    #[error(transparent)]
    DevAccounts(#[from] DevAccountError),
    /// It is the server, whose document the account's would replace.
    #[error("{0} is the server itself: an account needs a DID of its own")]
    Server(Did),
    /// No key can be made.
    #[error("a new key cannot be made")]
    Make(#[source] SigningError),
    /// The store failed.
    #[error("the accounts cannot be read or written")]
    Storage(#[from] StorageError),
}

impl Operator {
    /// Takes an account in and makes its key. It is whose DID document shows the key as `#atproto`;
    /// that of a `did:web` whose host leads to the server is published by the server.
    ///
    /// # Errors
    /// It is here already, is the server itself, or cannot be stored.
    pub async fn create_account(&self, did: Did) -> Result<ShownAccount, AccountError> {
        if did == self.server {
            return Err(AccountError::Server(did));
        }
        if DevAccounts::holds(&self.data, &did)? {
            return Err(AccountError::Development(did));
        }
        let key = SigningKey::k256(chance::bytes()).map_err(AccountError::Make)?;
        let account = Account {
            did,
            public: key.public().multikey().to_multibase(),
            secret: KeySecret::new(**key.secret()),
            created_at: SystemClock.now(),
        };
        let mut tx = self.storage.begin().await?;
        if !self.storage.accounts().insert(&mut tx, &account).await? {
            return Err(AccountError::Exists(account.did));
        }
        tx.commit().await?;
        Ok(shown(account))
    }

    /// Whether an account was taken in.
    ///
    /// # Errors
    /// The store fails, or the account cannot be read.
    pub async fn has_account(&self, did: &Did) -> Result<bool, AccountError> {
        Ok(self.storage.accounts().find(did).await?.is_some())
    }

    /// Every account, by DID.
    ///
    /// # Errors
    /// The store fails, or an account cannot be read.
    pub async fn accounts(&self) -> Result<Vec<ShownAccount>, AccountError> {
        let mut all: Vec<ShownAccount> = Vec::new();
        loop {
            let after = all.last().map(|account| account.did.clone());
            let page = self.storage.accounts().list(after.as_ref(), PAGE).await?;
            if page.is_empty() {
                return Ok(all);
            }
            all.extend(page.into_iter().map(shown));
        }
    }
}

fn shown(account: Account) -> ShownAccount {
    ShownAccount {
        did_key: format!("did:key:{}", account.public),
        did: account.did,
    }
}
