//! News of repositories from the hosts of their authors.

use jiff::{SignedDuration, Timestamp};
use loggia_api::com::atproto::space::notify_write::{Error, Input};
use loggia_identity::DidDocument;
use loggia_storage::{Heard, RepoName, Write};
use loggia_syntax::Tid;
use loggia_xrpc::{DeclaredError, Failure, Rejection, declared};

use super::notifier::{Notifier, Proved};
use super::{News, advance, draft, elsewhere, forward};
use crate::space_host::{Asked, SpaceHost};

/// How far a revision may lie ahead: clocks differ, and one that is far ahead would make all honest
/// news after it stale.
const AHEAD: SignedDuration = SignedDuration::from_mins(5);

/// Takes news: gives it a place and passes it on, unless it is old.
pub(crate) async fn heard<E: DeclaredError>(
    host: &SpaceHost,
    notifier: &Notifier,
    mut input: Input,
    error: impl Fn(Error) -> E,
    now: Timestamp,
) -> Result<(), Failure<E>> {
    if notifier.by == Proved::AccessToken {
        let message = "a repository advances by its host's service auth, not by an access token";
        return Err(Rejection::forbidden(message).into());
    }
    if input.hash.is_empty() && !host.notices.drafts {
        return Err(draft::refused("news without `hash`").into());
    }
    if !matches!(input.hash.len(), 0 | 32) {
        return Err(Rejection::invalid_request("`hash` has 32 bytes").into());
    }
    if lies_ahead(&input.repo_rev, now) {
        return Err(declared(error(Error::FutureRev)).into());
    }
    let is_here = host.storage.spaces().find(&input.space).await?.is_some();
    if !is_here {
        return heard_elsewhere(host, notifier, &input, error, now).await;
    }
    check(notifier, &input)?;
    let repo = RepoName {
        author: input.repo.clone(),
        space: input.space.clone(),
    };
    let asked = host.ask_to_write(&repo, now).await?;
    if input.hash.is_empty() {
        // Before anybody is asked in somebody's name whose writes are none of the space's.
        let mut tx = host.storage.begin().await?;
        may_write(host, &mut tx, &repo, asked.clone(), &error).await?;
        drop(tx);
        draft::complete(host, &mut input).await?;
    }
    let Ok(hash) = <[u8; 32]>::try_from(&input.hash[..]) else {
        return Err(Rejection::invalid_request("`hash` has 32 bytes").into());
    };
    let news = News {
        repo: &repo,
        rev: &input.repo_rev,
        hash: &hash,
    };
    pass_on(host, (news, asked), error, now).await
}

/// That the one who tells is the author, and means the authority.
fn check(notifier: &Notifier, input: &Input) -> Result<(), Rejection> {
    if notifier.did != input.repo {
        return Err(Rejection::forbidden("iss does not match claimed writer"));
    }
    if notifier.by != Proved::ForTheAuthority {
        let authority = input.space.authority();
        let host = DidDocument::SPACE_HOST;
        return Err(Rejection::forbidden(format!(
            "aud does not match the space authority: it must be {authority}{host}"
        )));
    }
    Ok(())
}

/// That the space is here, and takes note of this author's writes.
async fn may_write<E: DeclaredError>(
    host: &SpaceHost,
    tx: &mut Write,
    repo: &RepoName,
    asked: Asked,
    error: &impl Fn(Error) -> E,
) -> Result<(), Failure<E>> {
    let Some(space) = host.storage.spaces().find_in(tx, &repo.space).await? else {
        return Err(declared(error(Error::SpaceNotFound)).into());
    };
    match host.counts(tx, repo, Some(&space), asked).await? {
        true => Ok(()),
        false => Err(Rejection::forbidden("writer is not authorized").into()),
    }
}

async fn pass_on<E: DeclaredError>(
    host: &SpaceHost,
    (news, asked): (News<'_>, Asked),
    error: impl Fn(Error) -> E,
    now: Timestamp,
) -> Result<(), Failure<E>> {
    let mut tx = host.storage.begin().await?;
    may_write(host, &mut tx, news.repo, asked, &error).await?;
    let notices = &host.notices;
    match advance(notices, &mut tx, news, now).await? {
        Heard::Advanced(place) => {
            // In the order of those who copy: the copies, and then who is registered.
            let copies = host.storage.space_copies();
            copies.hold(&mut tx, &news.repo.space).await?;
            let audience = notices.audience(&mut tx, &news.repo.space, now).await?;
            let told = forward((notices, &audience), &mut tx, (news, &place), now).await?;
            let copied = match audience.has_webhooks(&news.repo.author) {
                true => {
                    let (copies, known) = (&host.copies, place.known.as_ref());
                    copies.advanced_here(&mut tx, news, known, now).await?
                }
                false => false,
            };
            tx.commit().await?;
            told.deliver();
            if copied {
                host.copies.ring();
            }
            Ok(())
        }
        Heard::Stale => Ok(()),
        Heard::Gone => Err(declared(error(Error::SpaceNotFound)).into()),
        Heard::Full => {
            let message = "so many have written in this space that nobody else can";
            Err(Rejection::new(503, "NotEnoughResources", message).into())
        }
    }
}

/// News of a space that another host passes on, to this server.
async fn heard_elsewhere<E: DeclaredError>(
    host: &SpaceHost,
    notifier: &Notifier,
    input: &Input,
    error: impl Fn(Error) -> E,
    now: Timestamp,
) -> Result<(), Failure<E>> {
    let mut tx = host.storage.begin().await?;
    let word = elsewhere::Word {
        issuer: &notifier.did,
        now,
    };
    let is_known = notifier.by == Proved::ForThisServer
        && elsewhere::written(host, &mut tx, word, input).await?;
    if !is_known {
        return Err(declared(error(Error::SpaceNotFound)).into());
    }
    tx.commit().await?;
    host.copies.ring();
    Ok(())
}

fn lies_ahead(rev: &Tid, now: Timestamp) -> bool {
    let latest = now.saturating_add(AHEAD).unwrap_or(Timestamp::MAX);
    let latest = u64::try_from(latest.as_microsecond()).unwrap_or_default();
    rev.micros() > latest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_revision_may_be_five_minutes_ahead() {
        let now = Timestamp::constant(1_700_000_000, 0);
        let rev = |seconds: i64| {
            let time = now + SignedDuration::from_secs(seconds);
            let micros = u64::try_from(time.as_microsecond()).expect("after 1970");
            Tid::from_micros(micros, 0).expect("a revision")
        };
        assert!(!lies_ahead(&rev(300), now));
        assert!(lies_ahead(&rev(301), now));
        assert!(!lies_ahead(&rev(-1_000_000), now));
    }
}
