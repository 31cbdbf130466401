//! Accounts that this server holds the signing key of.

use loggia_auth::SigningKey;
use loggia_auth::key::SigningError;
use loggia_identity::{Curve, DidDocument, KeyError, Multikey};
use loggia_storage::{Account, Storage, StorageError};
use loggia_syntax::Did;
use loggia_xrpc::Rejection;

use crate::dev::{DevAccountError, DevAccounts};
use crate::origin::SPACE_HOST;

/// The accounts that are hosted here: those of the store, and in development those of the data folder.
#[derive(Clone)]
pub struct HostedAccounts {
    storage: Storage,
    development: Option<DevAccounts>,
    /// Where this server is reached.
    url: String,
}

/// Why it is not known whether an account is hosted here, or with which key.
#[derive(Debug, thiserror::Error)]
pub enum AccountsError {
    /// The store failed.
    #[error("the accounts cannot be read")]
    Storage(#[from] StorageError),
    /// A development account cannot be read.
    #[error("the development accounts cannot be read")]
    Development(#[from] DevAccountError),
    /// The public half of a key cannot be read.
    #[error("the public key of {did} cannot be read")]
    Public {
        /// Whose key.
        did: Did,
        /// What is wrong with it.
        #[source]
        source: KeyError,
    },
    /// The secret half of a key is none.
    #[error("the secret key of {did} cannot be used")]
    Secret {
        /// Whose key.
        did: Did,
        /// What is wrong with it.
        #[source]
        source: SigningError,
    },
}

impl HostedAccounts {
    /// The accounts of this store, and of this data folder in development, at a server with this URL.
    pub fn new(storage: &Storage, development: Option<DevAccounts>, url: &str) -> Self {
        Self {
            storage: storage.clone(),
            development,
            url: url.to_owned(),
        }
    }

    /// The key of an account, if it is hosted here.
    ///
    /// # Errors
    /// It cannot be read.
    pub async fn key(&self, did: &Did) -> Result<Option<SigningKey>, AccountsError> {
        if let Some(account) = self.storage.accounts().find(did).await? {
            return signing_key(&account).map(Some);
        }
        match &self.development {
            Some(accounts) => Ok(accounts.find_did(did)?.map(|account| account.key)),
            None => Ok(None),
        }
    }

    /// Whether an account is hosted here.
    ///
    /// # Errors
    /// It cannot be told.
    pub async fn hosts(&self, did: &Did) -> Result<bool, AccountsError> {
        Ok(self.key(did).await?.is_some())
    }

    /// The document to publish under a `Host`, if it is that of an account here.
    ///
    /// # Errors
    /// The account cannot be read.
    pub async fn document(&self, host: &str) -> Result<Option<DidDocument>, AccountsError> {
        let Ok(did) = Did::new(format!("did:web:{}", host.replace(':', "%3A"))) else {
            return Ok(None);
        };
        let Some(account) = self.storage.accounts().find(&did).await? else {
            let development = self.development.as_ref();
            return Ok(development.and_then(|accounts| accounts.document(host)));
        };
        let public = public(&account)?;
        let document = DidDocument::new(did).with_key(DidDocument::ACCOUNT_KEY, public);
        Ok(Some(hosted_at(document, &self.url)))
    }
}

/// The document of an account that the server at this URL hosts, and whose spaces it hosts.
pub(crate) fn hosted_at(document: DidDocument, url: &str) -> DidDocument {
    let ((pds, pds_type), (host, host_type)) = (DidDocument::PDS, SPACE_HOST);
    document
        .with_service(pds, pds_type, url)
        .with_service(host, host_type, url)
}

/// What an account that is not hosted here is told.
pub(crate) fn not_hosted() -> Rejection {
    let message = "this server does not host the account: it has no key to sign with";
    Rejection::new(400, "AccountNotFound", message)
}

/// The key of a stored account.
pub(crate) fn signing_key(account: &Account) -> Result<SigningKey, AccountsError> {
    let public = public(account)?;
    let secret = *account.secret.as_bytes();
    let key = match public.curve() {
        Curve::K256 => SigningKey::k256(secret),
        Curve::P256 => SigningKey::p256(secret, &public),
    };
    let failed = |source| AccountsError::Secret {
        did: account.did.clone(),
        source,
    };
    let key = key.map_err(failed)?;
    if *key.public().multikey() == public {
        Ok(key)
    } else {
        Err(failed(SigningError::Mismatch))
    }
}

fn public(account: &Account) -> Result<Multikey, AccountsError> {
    Multikey::from_multibase(&account.public).map_err(|source| AccountsError::Public {
        did: account.did.clone(),
        source,
    })
}
