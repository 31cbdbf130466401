//! From what a person types to their account: DID, handle, PDS.

use std::sync::Arc;

use jiff::Timestamp;
use loggia_api::com::atproto::identity::resolve_handle;
use loggia_identity::{DidDocument, Name, ResolveDid, ResolveError, ResolveName};
use loggia_syntax::{AtIdentifier, Did, Handle};
use loggia_xrpc::NoBody;
use loggia_xrpc_client::{CallError, Credentials};
use url::Url;

use super::LoginError;
use crate::outgoing::Outgoing;
use crate::reach::{Documents, Names};

/// The longest text that is looked at, in bytes: a DID may have 2,048.
const LONGEST: usize = 2200;

/// An account that a person says is theirs; nothing is proved yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// Its DID.
    pub did: Did,
    /// Its handle, if that was given. Handle and DID name each other.
    pub handle: Option<Handle>,
    /// Its PDS, without a slash at the end.
    pub pds: String,
}

/// Finds accounts.
#[derive(Clone)]
pub struct Accounts {
    documents: Documents,
    names: Names,
    outgoing: Outgoing,
    handle_service: Option<Url>,
}

impl Accounts {
    /// Finds documents through the resolver, and handles at their own domains or, if there is one,
    /// at a service that knows them.
    pub fn new(
        documents: Documents,
        names: Names,
        outgoing: Outgoing,
        handle_service: Option<Url>,
    ) -> Self {
        Self {
            documents,
            names,
            outgoing,
            handle_service,
        }
    }

    /// The account that a person means.
    ///
    /// # Errors
    /// It cannot be found, or its handle and DID do not name each other.
    pub async fn find(&self, typed: &str, now: Timestamp) -> Result<Account, LoginError> {
        let identifier = read_identifier(typed).ok_or(LoginError::Identifier)?;
        let handle = identifier.handle().map(|handle| handle.normalized());
        let did = match (&handle, identifier.did()) {
            (Some(handle), _) => self.look_up(handle, now).await?,
            (None, Some(did)) => did,
            (None, None) => return Err(LoginError::Identifier),
        };
        let document = self.fresh(&did, now).await.map_err(LoginError::Document)?;
        if let Some(handle) = &handle {
            let claimed = document.claimed_handle();
            if !claimed.is_some_and(|claimed| claimed.is_same(handle)) {
                let handle = handle.clone();
                return Err(LoginError::NotClaimed { handle, did });
            }
        }
        let pds = pds_of(&document).ok_or_else(|| LoginError::NoPds(did.clone()))?;
        Ok(Account { did, handle, pds })
    }

    /// The PDS that an account has now, as far as its document is known.
    ///
    /// # Errors
    /// The document cannot be had.
    pub async fn pds(&self, did: &Did, now: Timestamp) -> Result<Option<String>, ResolveError> {
        let document = self.documents.resolve(did, now).await?;
        Ok(pds_of(&document))
    }

    /// Not older than the cache allows between two refreshes: a login goes where the account is now.
    async fn fresh(&self, did: &Did, now: Timestamp) -> Result<Arc<DidDocument>, ResolveError> {
        match self.documents.refresh(did, now).await? {
            Some(document) => Ok(document),
            None => self.documents.resolve(did, now).await,
        }
    }

    async fn look_up(&self, handle: &Handle, now: Timestamp) -> Result<Did, LoginError> {
        match &self.handle_service {
            Some(service) => self.ask(service, handle).await,
            None => self.at_home(handle, now).await,
        }
    }

    async fn ask(&self, service: &Url, handle: &Handle) -> Result<Did, LoginError> {
        let params = resolve_handle::Params {
            handle: handle.clone(),
        };
        let client = &self.outgoing.0;
        let found = client
            .call::<resolve_handle::ResolveHandle>(service, &params, NoBody, Credentials::Anonymous)
            .await;
        match found {
            Ok(output) => Ok(output.did),
            Err(CallError::Refused { source, .. }) if source.status < 500 => {
                Err(LoginError::NoHandle(handle.clone()))
            }
            Err(error) => Err(LoginError::Lookup(handle.clone(), error.into())),
        }
    }

    /// At the handle's own domain: a TXT record, or the file that stands in for it.
    async fn at_home(&self, handle: &Handle, now: Timestamp) -> Result<Did, LoginError> {
        let found = self.names.resolve_name(&Name::handle(handle), now).await;
        found.map_err(|error| match error.is_transient() {
            true => LoginError::Lookup(handle.clone(), error.into()),
            false => LoginError::NoHandle(handle.clone()),
        })
    }
}

fn pds_of(document: &DidDocument) -> Option<String> {
    let (fragment, kind) = DidDocument::PDS;
    let service = document.service(fragment)?;
    (service.kind == kind).then(|| service.endpoint.trim_end_matches('/').to_owned())
}

/// What a person typed or pasted: with an `@` or `at://` before it, or with invisible characters
/// that copying brings along.
fn read_identifier(typed: &str) -> Option<AtIdentifier> {
    if typed.len() > LONGEST {
        return None;
    }
    let invisible = |c: char| {
        matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
            || c.is_control()
    };
    let visible: String = typed.chars().filter(|&c| !invisible(c)).collect();
    let text = visible.trim();
    let text = text.strip_prefix("at://").unwrap_or(text);
    let text = text.strip_prefix('@').unwrap_or(text).trim_end_matches('/');
    AtIdentifier::new(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_type_is_read() {
        for (typed, expected) in [
            ("alice.example.com", "alice.example.com"),
            (" @alice.example.com\n", "alice.example.com"),
            ("\u{202a}alice.example.com\u{202c}", "alice.example.com"),
            ("at://alice.example.com/", "alice.example.com"),
            ("did:web:alice.example", "did:web:alice.example"),
            (
                "at://did:plc:ewvi7nxzyoun6zhxrhs64oiz",
                "did:plc:ewvi7nxzyoun6zhxrhs64oiz",
            ),
        ] {
            let read = read_identifier(typed);
            assert_eq!(
                read.map(String::from).as_deref(),
                Some(expected),
                "{typed:?}"
            );
        }
        let long = "a".repeat(LONGEST + 1);
        for typed in [
            "",
            "alice",
            "@",
            "alice example",
            "https://a.example",
            "did:",
            &long,
        ] {
            assert_eq!(read_identifier(typed), None, "{typed:?}");
        }
    }

    #[test]
    fn a_pds_is_a_service_of_its_type() {
        let did = Did::new("did:web:alice.example").expect("a DID");
        let with = |fragment: &str, kind: &str| {
            let document = DidDocument::new(did.clone());
            pds_of(&document.with_service(fragment, kind, "https://pds.example/"))
        };
        let expected = Some("https://pds.example".to_owned());
        assert_eq!(with("#atproto_pds", "AtprotoPersonalDataServer"), expected);
        assert_eq!(with("#atproto_pds", "Other"), None);
        assert_eq!(with("#other", "AtprotoPersonalDataServer"), None);
    }
}
