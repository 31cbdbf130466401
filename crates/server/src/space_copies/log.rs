//! Reading the log of an author's changes.

use loggia_api::com::atproto::space::list_repo_ops::{ListRepoOps, OpEntry, Params};
use loggia_space::{Operation, SignedCommit};
use loggia_storage::RepoName;
use loggia_syntax::{Cid, Tid};
use loggia_xrpc::{NoBody, Nullable};

use super::asking::Asking;
use super::limits;
use super::proof::{Unproved, commit_of};
use super::turn::Turn;
use super::worker::Undone;

/// What an author's host says has changed, and the commit that it leads to. Neither is proved.
pub(super) struct Log {
    pub(super) operations: Vec<Operation>,
    pub(super) commit: SignedCommit,
}

impl Asking {
    /// Everything that has changed since a revision, or ever.
    pub(super) async fn log(
        &self,
        turn: &Turn,
        name: &RepoName,
        since: Option<&Tid>,
    ) -> Result<Log, Undone> {
        let RepoName { author, space } = name;
        let mut params = Params {
            space: space.clone(),
            repo: author.clone(),
            since: since.cloned(),
            limit: limits::PAGE,
            cursor: None,
            exclude_values: true,
        };
        let mut operations = Vec::new();
        for _ in 0..limits::LOG_PAGES {
            let page = self
                .ask::<ListRepoOps>(
                    turn,
                    (space, author),
                    &params,
                    || NoBody,
                    limits::PAGE_BYTES,
                )
                .await?;
            let is_empty = page.ops.is_empty();
            operations.extend(page.ops.into_iter().map(operation));
            if page.cursor.is_none() {
                let commit = page.commit.as_ref().ok_or(Unproved::NoCommit)?;
                let commit = commit_of(commit).map_err(Unproved::Commit)?;
                return Ok(Log { operations, commit });
            }
            if is_empty {
                return Err(Unproved::EmptyPage.into());
            }
            params.cursor = page.cursor;
        }
        Err(Unproved::Endless.into())
    }
}

fn operation(entry: OpEntry) -> Operation {
    let some = |cid: Nullable<Cid>| match cid {
        Nullable::Value(cid) => Some(cid),
        Nullable::Null => None,
    };
    Operation {
        rev: entry.rev,
        collection: entry.collection,
        rkey: entry.rkey,
        cid: some(entry.cid),
        prev: some(entry.prev),
    }
}
