//! Development accounts: real keys and real `did:web` documents on this machine.
//!
//! `alice` is `did:web:alice.localhost%3A2510`; the development server publishes her document at
//! `http://alice.localhost:2510/.well-known/did.json`, and whoever verifies her tokens fetches it
//! there, as with any other account. A server that others can reach does none of this.

use std::io;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use loggia_auth::SigningKey;
use loggia_auth::service_auth::{self, Mint, MintError};
use loggia_delivery::{Clock, SystemClock};
use loggia_identity::DidDocument;
use loggia_syntax::{Did, Nsid};
use serde::{Deserialize, Serialize};

use crate::chance;
use crate::master_key::write_private;
use crate::space_host::hosted_at;

/// The accounts in one data folder.
#[derive(Clone, Debug)]
pub struct DevAccounts {
    folder: PathBuf,
    port: u16,
}

/// An account with its key.
pub struct DevAccount {
    /// `did:web:NAME.localhost%3APORT`
    pub did: Did,
    /// Signs for the account.
    pub key: SigningKey,
}

/// How an account lies on disk.
#[derive(Deserialize, Serialize)]
struct Stored {
    did: Did,
    /// The K-256 private key, 32 bytes in base64.
    private_key: String,
}

/// Why an account cannot be made or read.
#[derive(Debug, thiserror::Error)]
pub enum DevAccountError {
    /// The name does not make a host name.
    #[error(
        "`{0}` is not an account name: use 1 to 63 lower-case letters, digits and inner hyphens"
    )]
    Name(String),
    /// There is no such account.
    #[error("there is no development account `{name}`: make it with `loggia dev account {name}`")]
    Missing {
        /// The account.
        name: String,
    },
    /// The file does not hold an account.
    #[error("{path} does not hold a development account: remove it and make the account again")]
    Damaged {
        /// The file.
        path: PathBuf,
    },
    /// The file cannot be read or written.
    #[error("reading or writing {path}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

impl DevAccounts {
    /// The accounts of the development server that listens on this port of loopback.
    pub fn new(data: &Path, port: u16) -> Self {
        Self {
            folder: data.join("dev"),
            port,
        }
    }

    /// Makes an account with the given private key, or finds the one that is there.
    ///
    /// # Errors
    /// A bad name, or a file that cannot be read or written.
    pub fn create(
        &self,
        name: &str,
        random: impl FnOnce() -> [u8; 32],
    ) -> Result<DevAccount, DevAccountError> {
        match self.find(name) {
            Err(DevAccountError::Missing { .. }) => {}
            found => return found,
        }
        let path = self.path(name);
        let failed = |source| DevAccountError::Io {
            path: path.clone(),
            source,
        };
        let secret = random();
        let stored = Stored {
            did: self.did(name),
            private_key: STANDARD.encode(secret),
        };
        let text = serde_json::to_vec_pretty(&stored)
            .map_err(io::Error::from)
            .map_err(failed)?;
        std::fs::create_dir_all(&self.folder).map_err(failed)?;
        write_private(&path, &text).map_err(failed)?;
        self.find(name)
    }

    /// The account of this name.
    ///
    /// # Errors
    /// A bad name, no such account, or a file that does not hold one.
    pub fn find(&self, name: &str) -> Result<DevAccount, DevAccountError> {
        check_name(name)?;
        let path = self.path(name);
        let text = match std::fs::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(DevAccountError::Missing {
                    name: name.to_owned(),
                });
            }
            Err(source) => return Err(DevAccountError::Io { path, source }),
        };
        parse(&text).ok_or(DevAccountError::Damaged { path })
    }

    /// The account of this DID, if it is one here.
    ///
    /// # Errors
    /// Its file cannot be read.
    pub fn find_did(&self, did: &Did) -> Result<Option<DevAccount>, DevAccountError> {
        let name = did.as_str().strip_prefix("did:web:");
        let name = name.and_then(|rest| rest.strip_suffix(&format!(".localhost%3A{}", self.port)));
        let Some(name) = name else {
            return Ok(None);
        };
        match self.find(name) {
            Ok(account) => Ok(Some(account)),
            Err(DevAccountError::Missing { .. } | DevAccountError::Name(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The DID that the account of this name has or would have.
    ///
    /// # Errors
    /// A bad name.
    pub fn did_of(&self, name: &str) -> Result<Did, DevAccountError> {
        check_name(name)?;
        Ok(self.did(name))
    }

    /// Whether there is a development account of this DID in a data folder, at whichever port.
    ///
    /// # Errors
    /// Its file cannot be read.
    pub fn holds(data: &Path, did: &Did) -> Result<bool, DevAccountError> {
        let port = did.as_str().rsplit_once("%3A");
        let Some(port) = port.and_then(|(_, port)| port.parse().ok()) else {
            return Ok(false);
        };
        let found = Self::new(data, port).find_did(did)?;
        Ok(found.is_some())
    }

    /// The document to publish under a `Host`, if it is one of an account here.
    pub fn document(&self, host: &str) -> Option<DidDocument> {
        let name = host.strip_suffix(&format!(".localhost:{}", self.port))?;
        let account = self.find(name).ok()?;
        let handle = format!("at://{name}.localhost");
        let url = format!("http://localhost:{}", self.port);
        let document = DidDocument::new(account.did)
            .with_name(handle)
            .with_key("#atproto", *account.key.public().multikey());
        Some(hosted_at(document, &url))
    }

    fn did(&self, name: &str) -> Did {
        let did = format!("did:web:{name}.localhost%3A{}", self.port);
        Did::new(did).expect("a checked name makes a DID")
    }

    /// One file for each account and port: the port is part of the DID.
    fn path(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{name}-{}.json", self.port))
    }
}

/// What a token is to say.
pub struct TokenRequest {
    /// Whom it is for: `did` or `did#service`.
    pub audience: String,
    /// Which method it is for.
    pub method: Nsid,
}

/// Mints a service-auth token that lives 60 seconds and can be used once.
///
/// # Errors
/// Signing failed.
pub fn mint_token(account: &DevAccount, request: &TokenRequest) -> Result<String, MintError> {
    let mint = Mint {
        issuer: &account.did,
        audience: &request.audience,
        method: &request.method,
        now: SystemClock.now(),
        lifetime: 60,
        id: chance::bytes(),
    };
    service_auth::mint(&account.key, &mint)
}

fn check_name(name: &str) -> Result<(), DevAccountError> {
    let fits = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    let inner = !name.starts_with('-') && !name.ends_with('-');
    if (1..=63).contains(&name.len()) && name.bytes().all(fits) && inner {
        return Ok(());
    }
    Err(DevAccountError::Name(name.to_owned()))
}

fn parse(text: &[u8]) -> Option<DevAccount> {
    let stored: Stored = serde_json::from_slice(text).ok()?;
    let secret = STANDARD.decode(&stored.private_key).ok()?.try_into().ok()?;
    let key = SigningKey::k256(secret).ok()?;
    Some(DevAccount {
        did: stored.did,
        key,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accounts() -> (tempfile::TempDir, DevAccounts) {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let accounts = DevAccounts::new(folder.path(), 2510);
        (folder, accounts)
    }

    #[test]
    fn an_account_is_made_once_and_found_again() {
        let (_folder, accounts) = accounts();
        let made = accounts.create("alice", || [1; 32]).expect("made");
        let again = accounts.create("alice", || [2; 32]).expect("found");
        assert_eq!(made.did.as_str(), "did:web:alice.localhost%3A2510");
        assert_eq!(
            made.key.public().to_did_key(),
            again.key.public().to_did_key()
        );
    }

    #[test]
    fn a_folder_holds_the_accounts_of_every_port() {
        let (folder, accounts) = accounts();
        let made = accounts.create("alice", || [1; 32]).expect("made");
        let holds = |did: &str| {
            let did = Did::new(did).expect("a DID");
            DevAccounts::holds(folder.path(), &did).expect("readable")
        };
        assert_eq!(accounts.did_of("alice").expect("a name"), made.did);
        assert!(holds(made.did.as_str()));
        for other in [
            "did:web:alice.localhost%3A2511",
            "did:web:bob.localhost%3A2510",
            "did:web:alice.localhost",
            "did:web:localhost%3A2510",
            "did:web:alice.example%3A2510",
            "did:plc:aaaaaaaaaaaaaaaaaaaaaaaa",
        ] {
            assert!(!holds(other), "{other}");
        }
    }

    #[test]
    fn a_document_is_published_only_under_the_accounts_own_host() {
        let (_folder, accounts) = accounts();
        accounts.create("alice", || [1; 32]).expect("made");
        assert!(accounts.document("alice.localhost:2510").is_some());
        for host in [
            "alice.localhost",
            "alice.localhost:1",
            "bob.localhost:2510",
            "../x.localhost:2510",
        ] {
            assert!(accounts.document(host).is_none(), "{host}");
        }
    }

    #[test]
    fn a_name_that_makes_no_host_is_refused() {
        let (_folder, accounts) = accounts();
        for name in ["", "Alice", "a/b", "..", "-a", "a-", &"a".repeat(64)] {
            let result = accounts.create(name, || [1; 32]);
            assert!(matches!(result, Err(DevAccountError::Name(_))), "{name:?}");
        }
    }

    #[test]
    fn a_damaged_file_is_an_error_that_names_it() {
        let (folder, accounts) = accounts();
        std::fs::create_dir_all(folder.path().join("dev")).expect("made");
        std::fs::write(folder.path().join("dev/alice-2510.json"), "{}").expect("written");
        assert!(matches!(
            accounts.find("alice"),
            Err(DevAccountError::Damaged { .. })
        ));
    }
}
