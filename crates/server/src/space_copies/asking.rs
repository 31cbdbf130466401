//! Asking the hosts of spaces and of authors.

use std::sync::Arc;

use axum::http::HeaderMap;
use loggia_api::com::atproto::space::get_space_credential::{self, GetSpaceCredential};
use loggia_auth::delegation::{self, NewDelegation, NewDelegationError};
use loggia_auth::key::SigningError;
use loggia_auth::space_credential::NewCredentialError;
use loggia_auth::{PublicKey, SigningKey};
use loggia_delivery::{Clock as _, SystemClock};
use loggia_identity::{
    DidDocument, KeyError, KeyLookupError, ResolveDid as _, ResolveError, ServiceLookupError,
};
use loggia_syntax::{Did, SpaceRef};
use loggia_xrpc::Method;
use loggia_xrpc_client::{CallError, Credentials, Url};

use super::credential::{BadCredential, Held, Purse, signed};
use super::limits;
use super::turn::Turn;
use crate::at_once::AtOnce;
use crate::chance;
use crate::host_places::{NoPlace, Places};
use crate::outgoing::Outgoing;
use crate::reach::Documents;
use crate::space_host::{AccountsError, HostedAccounts};

/// How long a delegation token lives, in seconds: it is used at once.
const DELEGATION_LASTS: i64 = 60;

/// The way to other hosts, in the name of accounts here.
#[derive(Clone)]
pub(crate) struct Asking {
    pub(crate) documents: Documents,
    pub(crate) outgoing: Outgoing,
    pub(crate) accounts: HostedAccounts,
    pub(crate) purse: Purse,
    /// Who may be asked now.
    pub(crate) places: Places,
    /// The accounts in whose name spaces are read, in the order in which they are tried.
    pub(crate) readers: Arc<[Did]>,
    /// Places for questions that somebody waits for, see [`limits::QUESTIONS`](super::limits::QUESTIONS).
    pub(crate) questions: Arc<AtOnce>,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum AskError {
    #[error("a DID document cannot be had")]
    Document(#[from] ResolveError),
    #[error("a DID document names no host")]
    Service(#[from] ServiceLookupError),
    #[error("a DID document has a host with a bad URL")]
    Url(#[from] url::ParseError),
    #[error("a DID document has no key to verify with")]
    NoKey(#[from] KeyLookupError),
    #[error("a DID document has a bad key")]
    BadKey(#[from] KeyError),
    #[error(transparent)]
    Accounts(#[from] AccountsError),
    #[error("none of the accounts in `space_readers` is hosted here")]
    NoReader,
    #[error("a delegation token cannot be made")]
    Delegate(#[from] NewDelegationError),
    #[error("a credential cannot be made")]
    Mint(#[from] NewCredentialError),
    #[error("a key cannot be made")]
    Key(#[from] SigningError),
    #[error("there is no usable credential")]
    Credential(#[from] BadCredential),
    #[error("the space is gone for good")]
    Deleted,
    #[error("a host does not answer as it should")]
    Call(#[from] CallError),
    #[error("a host is asked later")]
    NoPlace(NoPlace),
    #[error("a host took longer than {} s for its answers", limits::OF_A_HOST.as_secs())]
    Late,
}

impl Asking {
    /// Where the authority of a space has it hosted: at its PDS only if it names no other place.
    pub(super) async fn space_host(&self, space: &SpaceRef) -> Result<Url, AskError> {
        let now = SystemClock.now();
        let document = self.documents.resolve(&space.authority(), now).await?;
        let service = match document.find_service(DidDocument::SPACE_HOST, None) {
            Err(ServiceLookupError::Missing { .. }) => {
                let (pds, pds_type) = DidDocument::PDS;
                document.find_service(pds, Some(pds_type))?
            }
            found => found?,
        };
        Ok(Url::parse(&service.endpoint)?)
    }

    /// Where an author's repositories are; `anew` if it was not found where it was known to be.
    pub(super) async fn repo_host(&self, author: &Did, anew: bool) -> Result<Url, AskError> {
        let now = SystemClock.now();
        let fresh = match anew {
            true => self.documents.refresh(author, now).await?,
            false => None,
        };
        let document = match fresh {
            Some(document) => document,
            None => self.documents.resolve(author, now).await?,
        };
        let (pds, pds_type) = DidDocument::PDS;
        let service = document.find_service(pds, Some(pds_type))?;
        Ok(Url::parse(&service.endpoint)?)
    }

    /// The key that an author signs with.
    pub(super) async fn key(&self, author: &Did) -> Result<PublicKey, AskError> {
        let document = self.documents.resolve(author, SystemClock.now()).await?;
        key_in(&document)
    }

    /// The same as it is now, because a signature did not fit; none if it was looked up just before.
    pub(super) async fn new_key(&self, author: &Did) -> Result<Option<PublicKey>, AskError> {
        let document = self.documents.refresh(author, SystemClock.now()).await?;
        document.map(|document| key_in(&document)).transpose()
    }

    /// Calls a method of a host with the credential for a space, which is renewed if it is refused.
    /// `audience` is the repository that is read, or the authority where the space itself is meant.
    pub(super) async fn ask<M: Method>(
        &self,
        turn: &Turn,
        (space, audience): (&SpaceRef, &Did),
        params: &M::Params,
        input: impl Fn() -> M::Input,
        limit: usize,
    ) -> Result<M::Output, AskError> {
        let (client, base) = (&self.outgoing.0, turn.base());
        let call = |fields: HeaderMap| {
            let input = input();
            async move {
                let credentials = Credentials::Fields(&fields);
                let called = client.call_within::<M>(base, params, input, credentials, limit);
                called.await
            }
        };
        self.with_credential(turn, (space, audience), call).await
    }

    /// Makes a call with what proves the credential for a space, and once more with another if that is
    /// refused.
    pub(super) async fn with_credential<T, F>(
        &self,
        turn: &Turn,
        (space, audience): (&SpaceRef, &Did),
        call: impl Fn(HeaderMap) -> F,
    ) -> Result<T, AskError>
    where
        F: Future<Output = Result<T, CallError>>,
    {
        let held = self.credential((space, turn), None).await?;
        match turn.call(call(held.fields(audience)?)).await {
            Err(AskError::Call(CallError::Refused { source, .. })) if source.status == 401 => {}
            answer => return answer,
        }
        let other = self.credential((space, turn), Some(&held)).await?;
        turn.call(call(other.fields(audience)?)).await
    }

    /// The credential for a space; another than the refused one, if one was.
    pub(super) async fn credential(
        &self,
        (space, turn): (&SpaceRef, &Turn),
        refused: Option<&Arc<Held>>,
    ) -> Result<Arc<Held>, AskError> {
        let slot = self.purse.slot(space);
        let mut kept = slot.lock().await;
        let usable = kept.as_ref().filter(|held| {
            held.is_fresh(SystemClock.now())
                && refused.is_none_or(|refused| !Arc::ptr_eq(held, refused))
        });
        if let Some(held) = usable {
            return Ok(Arc::clone(held));
        }
        *kept = None;
        let held = Arc::new(self.fetch(space, turn).await?);
        *kept = Some(Arc::clone(&held));
        Ok(held)
    }

    /// A new credential, in the name of the authority if it is here, or else of the first reader whom
    /// the space lets in. Its host needs a turn of its own, unless it is the one that is asked anyway.
    async fn fetch(&self, space: &SpaceRef, asked: &Turn) -> Result<Held, AskError> {
        if let Some(own) = self.own_credential(space).await? {
            return Ok(own);
        }
        let base = self.space_host(space).await?;
        let own = match asked.is_at(&base) {
            true => None,
            false => Some(self.turn(base.clone())?),
        };
        let at = (&base, own.as_ref().unwrap_or(asked));
        let mut last = AskError::NoReader;
        for reader in &*self.readers {
            let Some(key) = self.accounts.key(reader).await? else {
                continue;
            };
            match self.fetch_as(reader, &key, space, at).await {
                Err(AskError::Call(error)) if is(&error, "SpaceDeleted") => {
                    return Err(AskError::Deleted);
                }
                Err(AskError::Call(error)) if is(&error, "UserNotAuthorized") => {
                    last = error.into();
                }
                fetched => return fetched,
            }
        }
        Err(last)
    }

    async fn fetch_as(
        &self,
        reader: &Did,
        key: &SigningKey,
        space: &SpaceRef,
        (base, turn): (&Url, &Turn),
    ) -> Result<Held, AskError> {
        let now = SystemClock.now();
        let new = NewDelegation {
            user: reader,
            space,
            now,
            lifetime: DELEGATION_LASTS,
            id: chance::bytes(),
        };
        let token = delegation::mint(key, &new)?;
        let bound = SigningKey::generate_p256()?;
        let fields = signed(&bound, &format!("Bearer {token}"), None)?;
        let input = get_space_credential::Input {
            space: space.clone(),
            client_attestation: None,
            extra: Default::default(),
        };
        let credentials = Credentials::Fields(&fields);
        let client = &self.outgoing.0;
        let called = client.call::<GetSpaceCredential>(base, &(), input, credentials);
        let output = turn.call(called).await?;
        Ok(Held::new(bound, &output.credential, space, now)?)
    }
}

fn key_in(document: &DidDocument) -> Result<PublicKey, AskError> {
    let key = document.signing_key(DidDocument::ACCOUNT_KEY)?;
    Ok(PublicKey::new(key)?)
}

/// Whether a call was refused with this name.
pub(super) fn is(error: &CallError, name: &str) -> bool {
    matches!(error, CallError::Refused { source, .. } if source.name.as_deref() == Some(name))
}
