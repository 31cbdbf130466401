//! `com.atproto.space.notifyWrite`: tell everybody who is registered of a write.

use std::sync::Arc;

use axum::extract::State;
use loggia_api::dev::loggia::compat::notify_write::{Input, Output};
use loggia_delivery::{Clock, SystemClock};
use loggia_storage::{Changed, RepoName};
use loggia_xrpc::{Failure, Rejection, Reply};

use crate::overlay::{Either, NotifyWrite, NotifyWriteShapes, Shaped};
use crate::space_host::SpaceHost;
use crate::space_hub::{self, Notifier};
use crate::space_notices::read_space;

/// In the protocol's shape the caller is the author, whose repository has advanced. In the webhook shape
/// they are the author of a record, the authority of the space, or whoever the settings name.
pub async fn handle(
    State(host): State<Arc<SpaceHost>>,
    notifier: Notifier,
    input: Shaped<NotifyWriteShapes>,
) -> Reply<NotifyWrite> {
    match input {
        Shaped::Official(input) => {
            let now = SystemClock.now();
            space_hub::heard(&host, &notifier, input, Either::Official, now).await?;
        }
        Shaped::Compat(input) => record(&host, &notifier, input).await?,
    }
    Ok(Output {
        success: true,
        extra: Default::default(),
    })
}

/// A record changed, as somebody says who may.
async fn record<E>(host: &SpaceHost, notifier: &Notifier, input: Input) -> Result<(), Failure<E>> {
    let space = read_space(&input.space)?;
    let caller = &notifier.did;
    if *caller != input.did && *caller != space.authority() && !host.notices.is_admin(caller) {
        return Err(Rejection::forbidden(
            "only the author or the authority of the space may tell of a write",
        )
        .into());
    }
    let repo = RepoName {
        author: input.did,
        space,
    };
    let changed = Changed {
        collection: input.collection,
        rkey: input.rkey,
        cid: input.cid,
        prev: None,
    };
    let now = SystemClock.now();
    let is_authors_word = *caller != repo.space.authority() && !host.notices.is_admin(caller);
    if !is_authors_word {
        return Ok(host.news.tell(repo, changed, now).await?);
    }
    let asked = host.ask_to_write(&repo, now).await?;
    let mut tx = host.storage.begin().await?;
    // Anybody can be the author of something: their word counts where their writes do.
    let space = host.storage.spaces().find_in(&mut tx, &repo.space).await?;
    let space = space.as_ref();
    if space.is_none() || !host.counts(&mut tx, &repo, space, asked).await? {
        return Err(Rejection::forbidden("writer is not authorized").into());
    }
    let told = space_hub::changed(&host.notices, &mut tx, &repo, &[changed], now).await?;
    tx.commit().await?;
    told.deliver();
    Ok(())
}
