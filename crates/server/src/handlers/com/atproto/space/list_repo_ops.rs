//! `com.atproto.space.listRepoOps`

use std::sync::Arc;

use std::collections::HashMap;

use axum::extract::State;
use loggia_api::com::atproto::space::list_repo_ops::{Error, ListRepoOps, OpEntry, Output, Params};
use loggia_space::{OperationPlace, RecordPath};
use loggia_storage::{LoggedOperation, RepoState, StorageError};
use loggia_syntax::Cid;
use loggia_xrpc::{Failure, Nullable, Rejection, Reply};

use crate::space_host::reader::RepoReader;
use crate::space_host::{BadRecord, Opened, Page, SpaceHost, shown, signed, value_of};

/// The cursor is the place of a page's last operation, and wins over `since`. A page ends before its
/// values become too large. Where there is nothing more the commit is there, signed for this reader.
/// A log goes back no further than the daily sweep has left it: what is older than that is not told by
/// an error, for which the protocol has no name, but by the hash of the commit, which leads to `getRepo`.
pub async fn handle(
    State(host): State<Arc<SpaceHost>>,
    caller: RepoReader,
    params: Params,
) -> Reply<ListRepoOps> {
    let cursor = params.cursor.as_deref().map(place).transpose()?;
    let opened = host.open(&caller, &params.space, &params.repo).await?;
    let read = read(&host, &opened, &params, cursor).await?;
    let values = match params.exclude_values {
        true => HashMap::new(),
        false => read_values(&host, &opened.state, &read.page).await?,
    };
    let last = read.page.last().map(|logged| logged.place.to_string());
    let ops = read.page.into_iter().map(|logged| {
        let op = logged.operation;
        let key = (op.collection.clone(), op.rkey.clone(), op.cid.clone());
        let (collection, rkey, cid) = key;
        let path = RecordPath { collection, rkey };
        let value = cid.and_then(|cid| values.get(&(path, cid)));
        let value = value.map(|value| value_of(value)).transpose()?;
        Ok(OpEntry {
            rev: op.rev,
            collection: op.collection,
            rkey: op.rkey,
            cid: op.cid.map_or(Nullable::Null, Nullable::Value),
            prev: op.prev.map_or(Nullable::Null, Nullable::Value),
            value,
            extra: Default::default(),
        })
    });
    let ops = ops.collect::<Result<_, BadRecord>>()?;
    let mut commit = None;
    if let Some(state) = &read.drained {
        let key = host.key_of(&params.repo).await?;
        commit = Some(shown(&signed(&key, &opened.name, state)?, state));
    }
    Ok(Output {
        ops,
        cursor: last.filter(|_| commit.is_none()),
        commit,
        extra: Default::default(),
    })
}

/// A page of the log.
struct Read {
    page: Vec<LoggedOperation>,
    /// The repository after the last operation, if there is none after it.
    drained: Option<RepoState>,
}

fn place(cursor: &str) -> Result<OperationPlace, Rejection> {
    cursor
        .parse()
        .map_err(|error| Rejection::new(400, "MalformedCursor", format!("`cursor`: {error}")))
}

async fn read(
    host: &SpaceHost,
    opened: &Opened,
    params: &Params,
    cursor: Option<OperationPlace>,
) -> Result<Read, Failure<Error>> {
    /// Only where somebody writes all the time is the last page never quite the last.
    const TRIES: u32 = 3;
    let repos = host.storage.space_repos();
    let limit = u32::try_from(params.limit)?;
    let after = match &cursor {
        Some(place) => Some((&place.rev, Some(place.number))),
        None => params.since.as_ref().map(|since| (since, None)),
    };
    let mut page = Vec::new();
    let mut state = Some(opened.state.clone());
    for _ in 0..TRIES {
        let Some(now) = state.take() else { break };
        page = repos.list_operations(&now, after, limit + 1).await?;
        let mut size = Page::default();
        let fits = |logged: &&LoggedOperation| {
            params.exclude_values || size.takes(logged.size.unwrap_or_default())
        };
        let count = page.iter().take(limit as usize).take_while(fits).count();
        if count < page.len() {
            page.truncate(count);
            return Ok(Read {
                page,
                drained: None,
            });
        }
        let last = page.last().map(|logged| &logged.place.rev);
        let again = match last {
            Some(last) if *last == now.rev => Some(now.clone()),
            _ => repos.state(&opened.name).await?,
        };
        // Nobody has written since. Where the log ends before the newest revision all the same, it was
        // shortened, and the commit shows the reader that something is missing.
        if again.as_ref().is_some_and(|again| again.rev == now.rev) {
            return Ok(Read {
                page,
                drained: Some(now),
            });
        }
        state = again;
    }
    Ok(Read {
        page,
        drained: None,
    })
}

type Values = HashMap<(RecordPath, Cid), Vec<u8>>;

/// The values of a page, by what they are called and what they hash to: of what was changed since,
/// there is none.
async fn read_values(
    host: &SpaceHost,
    state: &RepoState,
    page: &[LoggedOperation],
) -> Result<Values, StorageError> {
    let current = page.iter().filter(|logged| logged.size.is_some());
    let paths: Vec<_> = current
        .map(|logged| RecordPath {
            collection: logged.operation.collection.clone(),
            rkey: logged.operation.rkey.clone(),
        })
        .collect();
    let repos = host.storage.space_repos();
    let values = repos.values(state, &paths).await?;
    let keyed = values
        .into_iter()
        .map(|(path, cid, value)| ((path, cid), value));
    Ok(keyed.collect())
}
