//! Asking an author's host how far a repository is.

use std::error::Error;

use loggia_api::com::atproto::space::get_latest_commit::{GetLatestCommit, Params};
use loggia_storage::RepoName;
use loggia_syntax::{Did, SpaceRef, Tid};
use loggia_xrpc::NoBody;
use loggia_xrpc_server::CallerKey;

use super::asking::Asking;
use super::limits;
use super::proof::{Unproved, check_commit, commit_of};
use super::worker::Undone;

/// Why it is not known.
#[derive(Debug)]
pub(crate) enum NoLatest {
    /// As many are asked as may be.
    Busy,
    /// The host does not say, or what it says is not the author's word.
    Failed(Box<dyn Error + Send + Sync>),
}

impl Asking {
    /// The newest revision of a repository and the hash over its records, as its author has signed them.
    pub(crate) async fn latest(
        &self,
        space: &SpaceRef,
        author: &Did,
    ) -> Result<(Tid, [u8; 32]), NoLatest> {
        let caller = CallerKey::Name(author.as_str().into());
        let place = self.questions.enter(Some(caller));
        let _place = place.ok_or(NoLatest::Busy)?;
        let asked = self.ask_latest(space, author).await;
        asked.map_err(|error| NoLatest::Failed(Box::new(error)))
    }

    async fn ask_latest(&self, space: &SpaceRef, author: &Did) -> Result<(Tid, [u8; 32]), Undone> {
        let turn = self.turn(self.repo_host(author, false).await?)?;
        let params = Params {
            space: space.clone(),
            repo: author.clone(),
        };
        let (meant, limit) = ((space, author), limits::PAGE_BYTES);
        let asked = self.ask::<GetLatestCommit>(&turn, meant, &params, || NoBody, limit);
        let shown = asked.await?.commit;
        let name = RepoName {
            author: author.clone(),
            space: space.clone(),
        };
        let commit = commit_of(&shown).map_err(Unproved::Commit)?;
        let key = self.key(author).await?;
        check_commit(&commit, &name, &key).map_err(Unproved::Commit)?;
        Ok((shown.rev, commit.hash))
    }
}
