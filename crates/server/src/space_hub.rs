//! The notification hub: what happens in spaces is given a place in the sequence of its space and told
//! to whoever is registered, in the transaction in which it happens.
//!
//! Two kinds of receivers hear of a write. A service of the protocol is told that a repository has
//! advanced, and of what waits for it only the newest state of each repository is kept. A webhook is
//! told of each record that changed.

mod audience;
mod body;
mod consent;
mod draft;
pub(crate) mod elsewhere;
mod host_audience;
mod inbound;
mod news_of_records;
mod notifier;
mod outbound;
mod reading;
mod registering;
mod revocation;
mod runner;
mod service;

use jiff::Timestamp;
use loggia_api::com::atproto::space::{notify_space_deleted, notify_write};
use loggia_storage::{Changed, Heard, RepoName, Write, Written};
use loggia_syntax::{Nsid, SpaceRef, Tid};
use loggia_xrpc::Method;

use crate::chance;
use crate::space_notices::{NotifyError, SpaceNotices, Told};

pub use audience::Audience;
pub use consent::{Consent, UnknownConsent};
pub use host_audience::{HostAudience, UnknownAudience};
pub(crate) use inbound::heard;
pub use news_of_records::NewsOfRecords;
pub use notifier::Notifier;
pub(crate) use outbound::Outbound;
pub(crate) use reading::NoRight;
pub(crate) use registering::{NotRegistered, Wish};
pub(crate) use revocation::{MOST_TOLD, Void, revoked};

/// News of a repository.
#[derive(Clone, Copy, Debug)]
pub struct News<'a> {
    /// Which one.
    pub repo: &'a RepoName,
    /// Its revision now.
    pub rev: &'a Tid,
    /// The digest over its records at that revision.
    pub hash: &'a [u8; 32],
}

/// Tells of a write into a repository here: webhooks of each record, and of the advance services where
/// the space is here as well, or else its host.
///
/// # Errors
/// The store failed; then the transaction cannot be committed.
pub async fn written<'a>(
    notices: &'a SpaceNotices,
    tx: &mut Write,
    repo: &RepoName,
    written: &Written,
    is_here: bool,
    now: Timestamp,
) -> Result<Told<'a>, NotifyError> {
    let place = match is_here {
        true => {
            let news = News {
                repo,
                rev: &written.rev,
                hash: &written.hash,
            };
            Some((news, advance(notices, tx, news, now).await?))
        }
        false => {
            outbound::advanced(&notices.storage, tx, repo, written, now).await?;
            None
        }
    };
    let audience = notices.audience(tx, &repo.space, now).await?;
    let mut sayings = body::records(&audience, repo, &written.changes)?;
    if let Some((news, Heard::Advanced(place))) = &place {
        sayings.extend(body::advance(&audience, *news, place)?);
    }
    let kind = Nsid::from_static(notify_write::NotifyWrite::NSID);
    let told = notices.say(tx, kind, &repo.space, sayings, now).await?;
    Ok(match is_here {
        true => told,
        false => told.and_call(),
    })
}

/// Tells webhooks of records that changed in somebody's repository, wherever that is.
///
/// # Errors
/// The store failed; then the transaction cannot be committed.
pub async fn changed<'a>(
    notices: &'a SpaceNotices,
    tx: &mut Write,
    repo: &RepoName,
    changes: &[Changed],
    now: Timestamp,
) -> Result<Told<'a>, NotifyError> {
    let audience = notices.audience(tx, &repo.space, now).await?;
    let sayings = body::records(&audience, repo, changes)?;
    let kind = Nsid::from_static(notify_write::NotifyWrite::NSID);
    Ok(notices.say(tx, kind, &repo.space, sayings, now).await?)
}

/// Gives news of a repository its place in the sequence of a space here.
async fn advance(
    notices: &SpaceNotices,
    tx: &mut Write,
    news: News<'_>,
    now: Timestamp,
) -> Result<Heard, NotifyError> {
    let clock = u16::from_le_bytes(chance::bytes());
    let chains = notices.storage.space_chains();
    let heard = chains.advance(tx, news.repo, (news.rev, news.hash), (now, clock));
    Ok(heard.await?)
}

/// Tells services of an advance that has just been given its place.
async fn forward<'a>(
    (notices, audience): (&'a SpaceNotices, &Audience),
    tx: &mut Write,
    (news, place): (News<'_>, &loggia_storage::Advanced),
    now: Timestamp,
) -> Result<Told<'a>, NotifyError> {
    let space = &news.repo.space;
    let sayings = Vec::from_iter(body::advance(audience, news, place)?);
    let kind = Nsid::from_static(notify_write::NotifyWrite::NSID);
    Ok(notices.say(tx, kind, space, sayings, now).await?)
}

/// Tells everybody who is registered for a space that it is gone, and forgets the registrations.
///
/// # Errors
/// The store failed; then the transaction cannot be committed.
pub async fn deleted<'a>(
    notices: &'a SpaceNotices,
    tx: &mut Write,
    space: &SpaceRef,
    now: Timestamp,
) -> Result<Told<'a>, NotifyError> {
    let audience = notices.audience(tx, space, now).await?;
    let sayings = body::end(&audience, space)?;
    let kind = Nsid::from_static(notify_space_deleted::NotifySpaceDeleted::NSID);
    let told = notices.say(tx, kind, space, sayings, now).await?;
    let registrations = notices.storage.registrations();
    registrations.delete_space(tx, space).await?;
    Ok(told)
}
