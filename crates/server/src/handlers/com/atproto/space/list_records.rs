//! `com.atproto.space.listRecords`

use std::sync::Arc;

use std::collections::HashMap;

use axum::extract::State;
use loggia_api::com::atproto::space::list_records::{ListRecords, Output, Params, Record};
use loggia_space::RecordPath;
use loggia_storage::{RecordRange, StoredRecord};
use loggia_syntax::Cid;
use loggia_syntax::data::Object;
use loggia_xrpc::Reply;

use crate::space_host::reader::RepoReader;
use crate::space_host::{BadRecord, Page, SpaceHost, record_path, value_of};

/// The last in the alphabet first, unless reversed. The cursor is the path of a page's last record; a
/// page ends before its values become too large.
pub async fn handle(
    State(host): State<Arc<SpaceHost>>,
    caller: RepoReader,
    params: Params,
) -> Reply<ListRecords> {
    let after = params.cursor.as_deref().map(record_path).transpose()?;
    let opened = host.open(&caller, &params.space, &params.repo).await?;
    let limit = u32::try_from(params.limit)?;
    let range = RecordRange {
        collection: params.collection.as_ref(),
        after: after.as_ref(),
        ascending: params.reverse.unwrap_or(false),
        limit: limit + 1,
    };
    let repos = host.storage.space_repos();
    let mut found = repos.list_records(&opened.state, &range).await?;
    let mut page = Page::default();
    let fits = |record: &&StoredRecord| params.exclude_values || page.takes(record.size);
    let count = found.iter().take(limit as usize).take_while(fits).count();
    let more = found.len() > count;
    found.truncate(count);
    let last = found.last().map(|record| record.path.to_string());
    let mut values = HashMap::new();
    if !params.exclude_values {
        let paths = found.iter().map(|record| &record.path);
        for (path, cid, value) in repos.values(&opened.state, paths).await? {
            values.insert(path, (cid, value));
        }
    }
    let records = found.into_iter().map(|record| match params.exclude_values {
        true => Ok(Some(shown(record.path, record.cid, None))),
        // One that was deleted meanwhile is left out, and one that was changed is as it is now.
        false => match values.remove(&record.path) {
            Some((cid, value)) => Ok(Some(shown(record.path, cid, Some(value_of(&value)?)))),
            None => Ok(None),
        },
    });
    Ok(Output {
        cursor: last.filter(|_| more),
        records: records
            .filter_map(Result::transpose)
            .collect::<Result<_, BadRecord>>()?,
        extra: Default::default(),
    })
}

fn shown(path: RecordPath, cid: Cid, value: Option<Object>) -> Record {
    Record {
        collection: path.collection,
        rkey: path.rkey,
        cid,
        value,
        extra: Default::default(),
    }
}
