//! What is said to those who are registered.

use bytes::Bytes;
use jiff::Timestamp;
use loggia_api::com::atproto::space::{notify_space_deleted, notify_write};
use loggia_api::dev::loggia::compat::defs::{SpaceDeletedNotification, WriteNotification};
use loggia_delivery::Recipient;
use loggia_storage::{Advanced, Changed, RepoName};
use loggia_syntax::SpaceRef;
use loggia_xrpc::Nullable;
use serde::Serialize;

use super::{Audience, News};
use crate::space_notices::{Saying, space_id};

/// To webhooks, of each record that changed.
pub(super) fn records(
    audience: &Audience,
    repo: &RepoName,
    changes: &[Changed],
) -> Result<Vec<Saying>, serde_json::Error> {
    let mut sayings = Vec::new();
    for older_spelling in [false, true] {
        let recipients = audience.webhooks(Some(&repo.author), older_spelling);
        if recipients.is_empty() {
            continue;
        }
        for changed in changes {
            let notification = WriteNotification {
                space: space_id(&repo.space),
                space_uri: spelled(&repo.space, older_spelling),
                did: repo.author.clone(),
                collection: changed.collection.clone(),
                rkey: changed.rkey.clone(),
                cid: changed.cid.clone().map_or(Nullable::Null, Nullable::Value),
                extra: Default::default(),
            };
            sayings.push(saying(&notification, recipients.clone())?);
        }
    }
    Ok(sayings)
}

/// To services, of an advance. The revision goes by both of its names.
pub(super) fn advance(
    audience: &Audience,
    news: News<'_>,
    place: &Advanced,
) -> Result<Option<Saying>, serde_json::Error> {
    let recipients = audience.services(&news.repo.author);
    if recipients.is_empty() {
        return Ok(None);
    }
    let rev = ("rev".to_owned(), news.rev.as_str().into());
    let input = notify_write::Input {
        space: news.repo.space.clone(),
        repo: news.repo.author.clone(),
        repo_rev: news.rev.clone(),
        hash: news.hash[..].into(),
        space_rev: Some(place.space_rev.clone()),
        prev_space_rev: place.prev.clone(),
        extra: [rev].into_iter().collect(),
    };
    // Places are given one after the other, whenever whoever wrote had begun.
    let micros = i64::try_from(place.space_rev.micros()).unwrap_or(i64::MAX);
    Ok(Some(Saying {
        order: Timestamp::from_microsecond(micros).ok(),
        ..saying(&input, recipients)?
    }))
}

/// To everybody, that a space is gone.
pub(super) fn end(audience: &Audience, space: &SpaceRef) -> Result<Vec<Saying>, serde_json::Error> {
    let input = notify_space_deleted::Input {
        space: space.clone(),
        extra: Default::default(),
    };
    let mut sayings = vec![saying(&input, audience.all_services())?];
    for older_spelling in [false, true] {
        let notification = SpaceDeletedNotification {
            space: space_id(space),
            space_uri: spelled(space, older_spelling),
            extra: Default::default(),
        };
        let recipients = audience.webhooks(None, older_spelling);
        sayings.push(saying(&notification, recipients)?);
    }
    Ok(sayings)
}

fn spelled(space: &SpaceRef, older_spelling: bool) -> String {
    match older_spelling {
        true => space.legacy_spelling(),
        false => space.to_string(),
    }
}

fn saying(body: &impl Serialize, recipients: Vec<Recipient>) -> Result<Saying, serde_json::Error> {
    Ok(Saying {
        body: Bytes::from(serde_json::to_vec(body)?),
        recipients,
        order: None,
    })
}
