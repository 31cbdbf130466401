//! Why a login did not succeed, in words for the person and in words for the log.

use axum::http::StatusCode;
use loggia_auth::key::SigningError;
use loggia_identity::ResolveError;
use loggia_storage::StorageError;
use loggia_syntax::{Did, Handle};
use loggia_xrpc_client::{CallError, ClientError};

use super::oauth::ExchangeError;

/// Why a login did not succeed.
#[derive(Debug, thiserror::Error)]
pub enum LoginError {
    /// What was typed is neither a handle nor a DID.
    #[error("neither a handle nor a DID was given")]
    Identifier,
    /// The handle leads nowhere.
    #[error("the handle {0} leads to no account")]
    NoHandle(Handle),
    /// The handle could not be looked up.
    #[error("the handle {0} cannot be looked up")]
    Lookup(Handle, #[source] Box<dyn std::error::Error + Send + Sync>),
    /// The account does not say that the handle is its own.
    #[error("{did} does not claim the handle {handle}")]
    NotClaimed {
        /// What was typed.
        handle: Handle,
        /// What it leads to.
        did: Did,
    },
    /// There is no document of the DID.
    #[error("the account cannot be found")]
    Document(#[source] ResolveError),
    /// The document names no PDS.
    #[error("{0} names no PDS")]
    NoPds(Did),
    /// The PDS or its authorization server.
    #[error("the login failed at the person's server")]
    Exchange(#[from] ExchangeError),
    /// The person said no.
    #[error("the person declined")]
    Declined,
    /// Nobody began the login that this ends: used before, too late, or in another browser.
    #[error("there is no such login under way")]
    Unknown,
    /// The answer came from another server than the one that was asked.
    #[error("the answer is not from the issuer that was asked")]
    Issuer,
    /// The person logged in as somebody else than they said.
    #[error("the tokens are those of {given} and not of {wanted}")]
    OtherAccount {
        /// Who they said they are.
        wanted: Did,
        /// Whose tokens came.
        given: Did,
    },
    /// Too many logins at once, or this one took too long.
    #[error("the login did not get its turn or took too long")]
    Busy,
    /// The store.
    #[error("the store failed")]
    Storage(#[from] StorageError),
    /// A key could not be made.
    #[error("a key could not be made")]
    Key(#[from] SigningError),
    /// What was stored cannot be read any more.
    #[error("what was stored of a login cannot be read")]
    Stored,
}

impl From<CallError> for LoginError {
    fn from(error: CallError) -> Self {
        Self::Exchange(ExchangeError::Call(Box::new(error)))
    }
}

/// What a page says about an error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// HTTP status.
    pub status: StatusCode,
    /// What happened.
    pub what: String,
    /// What to do.
    pub advice: String,
}

impl LoginError {
    /// Whether the fault is ours: to be logged as an error, and told as little as possible.
    pub fn is_internal(&self) -> bool {
        matches!(self, Self::Storage(_) | Self::Key(_) | Self::Stored)
    }

    /// What a person is told.
    pub fn told(&self) -> Told {
        match self {
            Self::Identifier | Self::NoHandle(_) | Self::Lookup(..) | Self::NotClaimed { .. } => {
                self.told_of_handle()
            }
            Self::Document(error) => told_of_document(error),
            Self::NoPds(did) => Told::new(400, format!("The account {did} has no server."), NO_PDS),
            Self::Exchange(error) => told_by_server(error),
            Self::Declined => Told::new(403, "You did not allow it.", AGAIN),
            Self::Unknown => Told::new(400, "This login is not under way any more.", ONCE),
            Self::Issuer => {
                let what = "The answer came from another server than yours.";
                Told::new(400, what, AGAIN)
            }
            Self::OtherAccount { wanted, .. } => {
                let what = format!("You logged in at your server as somebody else than {wanted}.");
                Told::new(403, what, OTHER)
            }
            Self::Busy => {
                let what = "Too many people are logging in, or your server is slow.";
                Told::new(503, what, LATER)
            }
            Self::Storage(_) | Self::Key(_) | Self::Stored => {
                Told::new(500, "Something went wrong here.", LATER)
            }
        }
    }

    fn told_of_handle(&self) -> Told {
        match self {
            Self::NoHandle(handle) => {
                let what = format!("The handle {handle} leads to no account.");
                Told::new(400, what, HANDLE)
            }
            Self::Lookup(handle, _) => {
                let what = format!("The handle {handle} cannot be looked up right now.");
                Told::new(502, what, LATER_OR_DID)
            }
            Self::NotClaimed { handle, .. } => {
                let what = "leads to an account that does not call itself so.";
                Told::new(400, format!("The handle {handle} {what}"), CLAIM)
            }
            _ => Told::new(400, "That is neither a handle nor a DID.", HANDLE),
        }
    }
}

fn told_of_document(error: &ResolveError) -> Told {
    let did = &error.did;
    if error.is_transient() {
        let what = format!("The account {did} cannot be looked up right now.");
        return Told::new(502, what, LATER);
    }
    Told::new(400, format!("There is no usable account {did}."), HANDLE)
}

const HANDLE: &str =
    "Check the spelling. A handle looks like alice.example.com, a DID like did:plc:….";
const LATER: &str = "Try again in a minute.";
const LATER_OR_DID: &str = "Try again in a minute, or give your DID instead of the handle.";
const CLAIM: &str = "Check the spelling, or give your DID instead of the handle.";
const NO_PDS: &str = "It may have been deactivated. Ask whoever hosts it.";
const AGAIN: &str = "Start again if that was not what you wanted.";
const ONCE: &str =
    "Each login works once, within ten minutes, and in the browser where it began. Start again.";
const OTHER: &str = "Log out there first, or start again with that other account.";
const SERVER: &str = "Ask whoever hosts your account: its server does not take logins from here.";

impl Told {
    fn new(status: u16, what: impl Into<String>, advice: &str) -> Self {
        Self {
            status: StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
            what: what.into(),
            advice: advice.to_owned(),
        }
    }
}

fn told_by_server(error: &ExchangeError) -> Told {
    match error {
        ExchangeError::Client(host, source) if source.is_refused() => Told::new(
            400,
            format!("Your server {host} has an address that may not be reached."),
            SERVER,
        ),
        ExchangeError::Client(host, ClientError::TooLarge { .. }) => Told::new(
            502,
            format!("Your server {host} gave an answer that is too long."),
            SERVER,
        ),
        ExchangeError::Client(host, _) => {
            Told::new(502, format!("Your server {host} does not answer."), LATER)
        }
        ExchangeError::Call(_) => Told::new(502, "Your server does not answer.", LATER),
        ExchangeError::Target(host, _) | ExchangeError::Metadata { host, .. } => Told::new(
            502,
            format!("Your server {host} does not describe itself as it should."),
            SERVER,
        ),
        ExchangeError::Refused {
            host,
            description: Some(words),
            ..
        } => Told::new(502, format!("Your server {host} refused: {words}"), SERVER),
        ExchangeError::Refused { host, status, .. } => Told::new(
            502,
            format!("Your server {host} refused with status {status}."),
            SERVER,
        ),
        ExchangeError::Answer { host, what } => Told::new(
            502,
            format!("Your server {host} gave an answer that {what}."),
            SERVER,
        ),
        ExchangeError::Sign(_) => Told::new(500, "Something went wrong here.", LATER),
    }
}
