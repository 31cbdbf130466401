//! A repository as a file, streamed.

use std::collections::{HashMap, VecDeque};
use std::io;

use bytes::Bytes;
use futures_util::stream;
use loggia_space::{RecordPath, snapshot as format};
use loggia_storage::{RepoState, SpaceRepos, StorageError, StoredRecord};
use loggia_syntax::Cid;
use loggia_xrpc::Chunks;

use super::Page;

/// Records that are read at once; fewer if they are large, see [`Page`].
const PART: usize = 256;

/// The file that is being made.
struct Making {
    repos: SpaceRepos,
    state: RepoState,
    head: Option<Vec<u8>>,
    left: VecDeque<StoredRecord>,
}

/// Why a file ends before it is whole.
#[derive(Debug, thiserror::Error)]
enum Broken {
    #[error("the records cannot be read")]
    Storage(#[from] StorageError),
    #[error("{0} was changed while the file was made: ask for it again")]
    Changed(RecordPath),
}

/// The file that begins with `head` and goes on with these records, in this order. It breaks off if
/// one of them is changed meanwhile: a file with another record than its index says would be refused.
pub(crate) fn snapshot(
    repos: SpaceRepos,
    state: RepoState,
    head: Vec<u8>,
    records: Vec<StoredRecord>,
) -> Chunks {
    let making = Making {
        repos,
        state,
        head: Some(head),
        left: records.into(),
    };
    Box::pin(stream::try_unfold(making, async |mut making| {
        let chunk = making.next().await.map_err(io::Error::other)?;
        Ok(chunk.map(|chunk| (Bytes::from(chunk), making)))
    }))
}

impl Making {
    async fn next(&mut self) -> Result<Option<Vec<u8>>, Broken> {
        if let Some(head) = self.head.take() {
            return Ok(Some(head));
        }
        let part = self.take();
        if part.is_empty() {
            return Ok(None);
        }
        let paths = part.iter().map(|record| &record.path);
        let values = self.repos.values(&self.state, paths).await?;
        let values: HashMap<RecordPath, (Cid, Vec<u8>)> = values
            .into_iter()
            .map(|(path, cid, value)| (path, (cid, value)))
            .collect();
        let mut chunk = Vec::new();
        for record in part {
            match values.get(&record.path) {
                Some((cid, value)) if *cid == record.cid => chunk.extend(format::record(value)),
                _ => return Err(Broken::Changed(record.path)),
            }
        }
        Ok(Some(chunk))
    }

    fn take(&mut self) -> Vec<StoredRecord> {
        let (mut page, mut part) = (Page::default(), Vec::new());
        while part.len() < PART {
            let fits = self.left.pop_front_if(|record| page.takes(record.size));
            match fits {
                Some(record) => part.push(record),
                None => break,
            }
        }
        part
    }
}
