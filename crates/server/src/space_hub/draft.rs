//! What earlier drafts of the protocol said otherwise, and some still send. Taken only where the settings
//! say so (`space_drafts`).
//!
//! A registration named a URL and no service: whoever holds the credential is told there, and tokens are
//! for them. Nothing shows that the URL is theirs, so that a reader could have anybody called. Each URL is
//! a registration of its own, with an endpoint that nobody else's registration moves.
//!
//! News had no hash. It is asked of the author's host, so that a stranger's word has this server wait
//! for another.

use loggia_api::com::atproto::space::notify_write::Input;
use loggia_syntax::data::Data;
use loggia_xrpc::{Extra, Failure, Rejection};

use crate::space_copies::NoLatest;
use crate::space_host::SpaceHost;

/// What a draft is told that the settings do not allow.
pub(super) fn refused(what: &str) -> Rejection {
    let message = format!("{what} is of a draft of the protocol, which is not taken here");
    Rejection::invalid_request(message)
}

/// The URL that a registration names.
pub(super) fn endpoint(fields: &Extra) -> Result<String, Rejection> {
    match fields.get("endpoint") {
        Some(Data::String(url)) => Ok(url.clone()),
        _ => Err(Rejection::invalid_request("`endpoint` is a URL")),
    }
}

/// Completes news without a hash by what the author's host says and the author has signed, which may be
/// of a later revision than the news.
pub(super) async fn complete<E>(host: &SpaceHost, input: &mut Input) -> Result<(), Failure<E>> {
    let latest = host.asking.latest(&input.space, &input.repo).await;
    let (rev, hash) = latest.map_err(|error| match error {
        NoLatest::Busy => {
            let message = "too many hosts are asked for hashes already; try again";
            Failure::from(Rejection::new(503, "NotEnoughResources", message))
        }
        NoLatest::Failed(error) => {
            tracing::debug!(error = &*error, "the hash of a repository cannot be had");
            let message = "`hash` is missing, and the author's host does not say it";
            Rejection::invalid_request(message).into()
        }
    })?;
    if rev < input.repo_rev {
        let message = "`hash` is missing, and the author's host knows an older revision only";
        return Err(Rejection::invalid_request(message).into());
    }
    (input.repo_rev, input.hash) = (rev, hash[..].into());
    Ok(())
}
