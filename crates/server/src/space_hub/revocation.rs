//! Telling that credentials of a space here are void, to whoever may be shown them.

use std::collections::BTreeMap;

use jiff::Timestamp;
use loggia_api::com::atproto::space::notify_credential_revoked as revocation;
use loggia_storage::{Storage, Write};
use loggia_syntax::{Did, SpaceRef};

use super::outbound::{Call, Wanted};
use crate::space_notices::NotifyError;

/// So many services are told of a revocation, and so many of those who have written most recently; where
/// there are more, the others refuse a credential when it ends by itself.
pub(crate) const MOST_TOLD: u32 = 256;
/// Credentials in one call, as in the lexicon.
const CREDENTIALS: usize = 100;
/// Calls that one revocation of many credentials may lead to.
const MOST_CALLS: usize = 4_096;

/// Credentials that are void.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Void<'a> {
    /// Of which space.
    pub(crate) space: &'a SpaceRef,
    /// The `jti` of each, by who held it.
    pub(crate) credentials: &'a BTreeMap<Did, Vec<String>>,
    /// The services that are told of the space.
    pub(crate) services: &'a [String],
}

/// Tells of void credentials, in time: the hosts of who held them, where they may have registered something
/// or read what others have; the services of the space; and the hosts of those who have written in it.
/// How many calls that makes, of which `spent` were made before.
pub(crate) async fn revoked(
    storage: &Storage,
    tx: &mut Write,
    void: Void<'_>,
    spent: usize,
    now: Timestamp,
) -> Result<usize, NotifyError> {
    let room = MOST_CALLS.saturating_sub(spent);
    if void.credentials.is_empty() || room == 0 {
        return Ok(0);
    }
    let chains = storage.space_chains();
    let writers = chains.newest(tx, void.space, MOST_TOLD).await?;
    let (calls, wanted) = calls(void, writers, room);
    if wanted > room {
        let space = void.space.as_str();
        tracing::warn!(
            space,
            calls = wanted,
            room,
            "of so many calls about a revocation only some are made"
        );
    }
    let mut errands = BTreeMap::new();
    for (callee, ids) in calls {
        let subject = format!("{} {} {}", callee.name(), void.space, ids[0]);
        let wanted = callee.wanted(void.space, ids, now)?;
        errands.insert(subject, serde_json::to_string(&wanted)?);
    }
    let all: Vec<_> = errands
        .iter()
        .map(|(subject, payload)| (&**subject, &**payload))
        .collect();
    let kind = Call::Revocation.kind();
    storage.errands().put_all(tx, kind, &all, now).await?;
    Ok(all.len())
}

/// Who is called.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Callee {
    /// The host of an account.
    HostOf(Did),
    /// A service of a DID, by the name with which it was registered.
    Service(Did, String),
}

/// Whom to tell of which, those first who are most concerned: at most so many calls, and how many there
/// would be.
fn calls(void: Void<'_>, writers: Vec<Did>, room: usize) -> (Vec<(Callee, Vec<String>)>, usize) {
    let (mut calls, mut wanted) = (Vec::new(), 0);
    let mut tell = |callee: Callee, ids: &[String]| {
        let parts = ids.chunks(CREDENTIALS);
        wanted += parts.len();
        let left = room - calls.len();
        calls.extend(parts.take(left).map(|part| (callee.clone(), part.to_vec())));
    };
    for (holder, ids) in void.credentials {
        tell(Callee::HostOf(holder.clone()), ids);
    }
    let all: Vec<String> = void.credentials.values().flatten().cloned().collect();
    for name in void.services {
        let (did, _) = name.split_once('#').unwrap_or((name, ""));
        if let Ok(did) = Did::new(did) {
            tell(Callee::Service(did, name.clone()), &all);
        }
    }
    // Who held all of them has been told of all of them.
    let is_told =
        |writer: &Did| void.credentials.len() == 1 && void.credentials.contains_key(writer);
    for writer in writers.into_iter().filter(|writer| !is_told(writer)) {
        tell(Callee::HostOf(writer), &all);
    }
    (calls, wanted)
}

impl Callee {
    fn name(&self) -> &str {
        match self {
            Self::HostOf(did) => did.as_str(),
            Self::Service(_, name) => name,
        }
    }

    fn wanted(
        self,
        space: &SpaceRef,
        credentials: Vec<String>,
        now: Timestamp,
    ) -> Result<Wanted, NotifyError> {
        let input = revocation::Input {
            space: space.clone(),
            credentials,
            extra: Default::default(),
        };
        let (callee, service) = match self {
            Self::HostOf(did) => (did, None),
            Self::Service(did, name) => (did, Some(name)),
        };
        Ok(Wanted {
            issuer: space.authority(),
            callee,
            service,
            space: space.clone(),
            body: serde_json::to_string(&input)?,
            at: now.as_millisecond(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn did(name: &str) -> Did {
        Did::new(format!("did:web:{name}.example.com")).expect("a DID")
    }

    fn ids(text: &str) -> Vec<String> {
        text.chars().map(String::from).collect()
    }

    #[test]
    fn holders_are_told_of_their_own_and_all_others_of_all() {
        let space = SpaceRef::new("at://did:plc:abc123/space/com.example.forum/main");
        let space = space.expect("a space");
        let credentials = BTreeMap::from([(did("bob"), ids("ab")), (did("carol"), ids("c"))]);
        let void = Void {
            space: &space,
            credentials: &credentials,
            services: &[format!("{}#syncer", did("feed")), "nobody".to_owned()],
        };
        let (told, _) = calls(void, vec![did("bob"), did("dave")], 9);
        let host = |name: &str| Callee::HostOf(did(name));
        let feed = Callee::Service(did("feed"), format!("{}#syncer", did("feed")));
        let expected = [
            (host("bob"), ids("ab")),
            (host("carol"), ids("c")),
            (feed, ids("abc")),
            (host("bob"), ids("abc")),
            (host("dave"), ids("abc")),
        ];
        assert_eq!(told, expected);
        let (told, wanted) = calls(void, vec![did("bob"), did("dave")], 2);
        assert_eq!((&told[..], wanted), (&expected[..2], 5));
        let one = BTreeMap::from([(did("bob"), ids("ab"))]);
        let void = Void {
            credentials: &one,
            services: &[],
            ..void
        };
        let (told, _) = calls(void, vec![did("bob"), did("dave")], 9);
        assert_eq!(told, [(host("bob"), ids("ab")), (host("dave"), ids("ab"))]);
    }
}
