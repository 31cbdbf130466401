//! How accounts show themselves: handles that are proved, and pictures of the public profile.
//!
//! Every look-up has its own short patience, and goes on for the cache when that is over: a delivery
//! goes out without what is not known by then.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use loggia_api::app::bsky::actor::get_profile::{GetProfile, Params};
use loggia_api::com::atproto::repo::get_record;
use loggia_api::place::stream::chat::profile::Profile as ChatProfile;
use loggia_identity::{
    Account, Accounts, Cache, CacheFailure, CacheSettings, DidDocument, HandleState,
};
use loggia_syntax::{Did, Handle, Nsid, RecordKey};
use loggia_xrpc::{NoBody, ObjectType};
use loggia_xrpc_client::{CallError, Credentials, GuardedClient};
use url::Url;

use super::body::usable;
use super::happening::{Happening, What};
use crate::reach::{Documents, Names};

/// How long anything is waited for.
const PATIENCE: Duration = Duration::from_secs(2);

/// What the profile service says of somebody without a handle that holds.
const INVALID: Handle = Handle::from_static("handle.invalid");

/// How those look whom something is about, as far as is known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Looks {
    /// The handle of who did it.
    pub handle: Option<Handle>,
    /// Their picture.
    pub avatar: Option<Url>,
    /// The colour that they have chosen for chats; asked for where it is shown.
    pub color: Option<u32>,
    /// The picture of their stream.
    pub picture: Option<Url>,
}

/// Looks accounts up. Cheap to clone.
#[derive(Clone)]
pub struct Mirror {
    accounts: Accounts<Documents, Names>,
    profiles: Cache<Did, Arc<Shown>, Unknown>,
    client: GuardedClient,
    service: Url,
}

/// As much of a profile as is used.
#[derive(Debug)]
struct Shown {
    handle: Handle,
    avatar: Option<Url>,
}

/// Why a profile is not known.
#[derive(Clone, Debug, thiserror::Error)]
enum Unknown {
    /// The service has none, or says no.
    #[error("the profile service has no profile of the account")]
    Refused,
    /// The service did not answer as it should.
    #[error("the profile of an account could not be looked up")]
    Failed(#[source] Arc<CallError>),
    /// Too many look-ups are under way, or this one was given up.
    #[error("the look-up of a profile was not made, or not finished")]
    Dropped,
}

impl CacheFailure<Did> for Unknown {
    fn is_transient(&self) -> bool {
        !matches!(self, Self::Refused)
    }

    fn busy(_: &Did) -> Self {
        Self::Dropped
    }

    fn interrupted(_: &Did) -> Self {
        Self::Dropped
    }

    fn late(_: &Did, _: Duration) -> Self {
        Self::Dropped
    }
}

impl Mirror {
    /// Looks handles up through these and profiles at this service.
    pub fn new(documents: Documents, names: Names, client: GuardedClient, service: Url) -> Self {
        Self {
            accounts: Accounts::new(documents, names),
            profiles: Cache::new(CacheSettings::default()),
            client,
            service,
        }
    }

    /// Everything that a message about this shows, after a few seconds at most.
    pub async fn looks(&self, happening: &Happening, now: Timestamp) -> Looks {
        let did = &happening.actor;
        if matches!(happening.what, What::Received { .. }) {
            return Looks::default();
        }
        let account = within(PATIENCE, self.accounts.by_did(did, now));
        let profile = within(PATIENCE, self.profile(did, now));
        let (account, profile) = tokio::join!(account, profile);
        let document = account.as_ref().map(|account| account.document.as_ref());
        let shows_color = matches!(
            happening.what,
            What::Livestream { .. } | What::Mention { .. }
        );
        let color = match (shows_color, document.and_then(pds)) {
            (true, Some(pds)) => self.color(did, &pds).await,
            _ => None,
        };
        Looks {
            handle: handle(account.as_ref(), profile.as_deref()),
            avatar: profile.and_then(|profile| profile.avatar.clone()),
            color,
            picture: document.and_then(|document| picture(happening, document)),
        }
    }

    async fn profile(&self, did: &Did, now: Timestamp) -> Result<Arc<Shown>, Unknown> {
        let ask = || {
            let (this, did) = (self.clone(), did.clone());
            async move { this.ask(did).await.map(Arc::new) }
        };
        self.profiles.get(did, now, ask).await
    }

    async fn ask(&self, did: Did) -> Result<Shown, Unknown> {
        let params = Params { actor: did.into() };
        let call =
            self.client
                .call::<GetProfile>(&self.service, &params, NoBody, Credentials::Anonymous);
        let profile = call.await.map_err(|error| match error {
            CallError::Refused { source, .. } if source.status < 429 => Unknown::Refused,
            error => Unknown::Failed(Arc::new(error)),
        })?;
        Ok(Shown {
            handle: profile.handle,
            avatar: profile.avatar.and_then(|url| usable(url.as_str())),
        })
    }

    /// The colour that the account has chosen for chats, read from its repository.
    async fn color(&self, did: &Did, pds: &Url) -> Option<u32> {
        let params = get_record::Params {
            repo: did.clone().into(),
            collection: Nsid::from_static(ChatProfile::TYPE),
            rkey: RecordKey::from_static("self"),
            cid: None,
        };
        let call =
            self.client
                .call::<get_record::GetRecord>(pds, &params, NoBody, Credentials::Anonymous);
        let record = within(PATIENCE, call).await?;
        let text = serde_json::to_vec(&record.value).ok()?;
        let profile: ChatProfile = serde_json::from_slice(&text).ok()?;
        let color = profile.color?;
        let part = |part: i64| u32::from(u8::try_from(part).unwrap_or(u8::MAX));
        Some(part(color.red) << 16 | part(color.green) << 8 | part(color.blue))
    }
}

/// What comes of this in time; why not is for whoever looks for it.
async fn within<T, E: fmt::Display>(
    patience: Duration,
    look: impl Future<Output = Result<T, E>>,
) -> Option<T> {
    match tokio::time::timeout(patience, look).await {
        Ok(Ok(found)) => Some(found),
        Ok(Err(error)) => {
            tracing::debug!(%error, "something is shown without what could not be looked up");
            None
        }
        Err(_) => {
            tracing::debug!("something is shown without what took too long to look up");
            None
        }
    }
}

/// The handle that both sides confirm; else the one that the profile service has confirmed; else the
/// claimed one, as long as nobody could be asked about it. A claim that is refuted shows nowhere.
fn handle(account: Option<&Account>, profile: Option<&Shown>) -> Option<Handle> {
    let state = account.map(|account| &account.handle);
    let seen = profile.map(|profile| profile.handle.clone());
    let seen = seen.filter(|handle| *handle != INVALID);
    match state {
        Some(HandleState::Confirmed(handle)) => Some(handle.clone()),
        Some(HandleState::Unconfirmed { claimed, error }) if error.is_transient() => {
            seen.or_else(|| Some(claimed.clone()))
        }
        Some(HandleState::Refuted { .. } | HandleState::Unclaimed) => None,
        Some(HandleState::Unconfirmed { .. }) | None => seen,
    }
}

fn pds(document: &DidDocument) -> Option<Url> {
    let (fragment, kind) = DidDocument::PDS;
    let service = document.find_service(fragment, Some(kind)).ok()?;
    usable(&service.endpoint)
}

/// The picture of a stream, where its streamer's repository serves it.
fn picture(happening: &Happening, document: &DidDocument) -> Option<Url> {
    let What::Livestream {
        thumb: Some(cid), ..
    } = &happening.what
    else {
        return None;
    };
    let mut url = pds(document)?;
    url.set_path("/xrpc/com.atproto.sync.getBlob");
    url.set_query(None);
    let did = happening.streamer.as_str();
    url.query_pairs_mut()
        .append_pair("cid", cid)
        .append_pair("did", did);
    usable(url.as_str())
}

#[cfg(test)]
mod tests {
    use loggia_identity::{Name, NameError, NameErrorKind};

    use super::*;

    fn account(handle: HandleState) -> Account {
        let did = Did::from_static("did:plc:natalie");
        Account {
            document: Arc::new(DidDocument::new(did)),
            handle,
        }
    }

    fn unconfirmed(kind: NameErrorKind) -> HandleState {
        let claimed = Handle::from_static("claimed.sh");
        let error = NameError {
            name: Name::handle(&claimed),
            kind,
        };
        HandleState::Unconfirmed { claimed, error }
    }

    #[test]
    fn a_handle_is_shown_that_somebody_has_confirmed_or_nobody_could_be_asked_about() {
        let confirmed = || HandleState::Confirmed(Handle::from_static("confirmed.sh"));
        let refuted = || HandleState::Refuted {
            claimed: Handle::from_static("claimed.sh"),
            owner: Did::from_static("did:plc:other"),
        };
        let late = || unconfirmed(NameErrorKind::Late(PATIENCE));
        let nothing = || {
            let (txt, file) = ("_atproto.claimed.sh".to_owned(), None);
            unconfirmed(NameErrorKind::Unpublished { txt, file })
        };
        let cases = [
            (Some(confirmed()), Some("seen.sh"), Some("confirmed.sh")),
            (Some(refuted()), Some("seen.sh"), None),
            (Some(HandleState::Unclaimed), Some("seen.sh"), None),
            (Some(late()), Some("seen.sh"), Some("seen.sh")),
            (Some(late()), Some("handle.invalid"), Some("claimed.sh")),
            (Some(late()), None, Some("claimed.sh")),
            (Some(nothing()), Some("seen.sh"), Some("seen.sh")),
            (Some(nothing()), None, None),
            (None, Some("seen.sh"), Some("seen.sh")),
            (None, Some("handle.invalid"), None),
            (None, None, None),
        ];
        for (state, seen, expected) in cases {
            let account = state.map(account);
            let shown = seen.map(|seen| Shown {
                handle: Handle::new(seen).expect("a handle"),
                avatar: None,
            });
            let found = handle(account.as_ref(), shown.as_ref());
            let found = found.as_ref().map(Handle::as_str);
            assert_eq!(found, expected, "{account:?} {seen:?}");
        }
    }
}
