//! Reading a snapshot and believing nothing of it.

use bytes::Bytes;
use loggia_syntax::{Cid, Did, SpaceRef};

use crate::car::{self, BadCar, Block, Item, Limits};
use crate::index::BadIndex;
use crate::{BadCommit, Index, RecordPath, SignedCommit};

/// The most bytes of an index, which is kept while its records are read: more than half a million records.
pub const MOST_INDEX: usize = 64 * 1024 * 1024;

/// The most bytes of a record with its identifier: a record has at most 1 MiB.
const MOST_RECORD: usize = 1024 * 1024 + 64;

/// What a snapshot holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// At first, the commit: signed by the author, and about exactly the records of [`Reader::index`].
    Commit(SignedCommit),
    /// A record.
    Record {
        /// Where it is.
        path: RecordPath,
        /// Its identifier.
        cid: Cid,
        /// Itself, DAG-CBOR.
        value: Bytes,
    },
}

/// What was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Values {
    /// The records.
    Included,
    /// Only the index (`excludeValues`).
    Excluded,
}

/// Why a snapshot is not believed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadSnapshot {
    /// It is no CAR file.
    #[error(transparent)]
    Car(#[from] BadCar),
    /// It has not the two roots of a snapshot.
    #[error("a snapshot has two roots, its commit and its index, and this has {0}")]
    Roots(usize),
    /// The commit does not hold.
    #[error(transparent)]
    Commit(#[from] BadCommit),
    /// The index is none.
    #[error(transparent)]
    Index(#[from] BadIndex),
    /// The index has other records than the commit.
    #[error("the hash over the index is not the one that was committed to")]
    Hash,
    /// Another block than the one whose turn it was.
    #[error("the block {found} comes where {expected} should")]
    Order {
        /// What came.
        found: Cid,
        /// What should have: a root or a record.
        expected: String,
    },
    /// It ends before its last record, or before its index.
    #[error("{0} records of the snapshot are missing")]
    Missing(usize),
}

/// Takes the bytes of a snapshot, and gives what it holds once that is proved.
pub struct Reader<V> {
    car: car::Reader,
    space: SpaceRef,
    author: Did,
    verify: V,
    values: Values,
    roots: [Option<Cid>; 2],
    commit: Option<SignedCommit>,
    index: Option<Index>,
    read: usize,
}

impl<V: FnMut(&[u8], &[u8; 64]) -> bool> Reader<V> {
    /// For the repository of an author in a space; `verify` as in [`SignedCommit::verify`].
    pub fn new(space: &SpaceRef, author: &Did, values: Values, verify: V) -> Self {
        let limits = Limits {
            roots: 2,
            block: MOST_INDEX,
        };
        Self {
            car: car::Reader::new(limits),
            space: space.clone(),
            author: author.clone(),
            verify,
            values,
            roots: [None, None],
            commit: None,
            index: None,
            read: 0,
        }
    }

    /// Takes what came next.
    pub fn push(&mut self, bytes: &[u8]) {
        self.car.push(bytes);
    }

    /// The next part; none until more bytes come.
    ///
    /// # Errors
    /// It is not what it should be. Then it is of no more use, and neither is what was read of it.
    #[expect(clippy::should_implement_trait, reason = "nothing is not the end")]
    pub fn next(&mut self) -> Result<Option<Part>, BadSnapshot> {
        while let Some(item) = self.car.next()? {
            let part = match item {
                Item::Roots(roots) => self.begin(roots).map(|()| None),
                Item::Block(block) => self.block(block),
            };
            if let Some(part) = part? {
                return Ok(Some(part));
            }
        }
        Ok(None)
    }

    /// The records of the repository, once the commit was given.
    pub fn index(&self) -> Option<&Index> {
        self.index.as_ref()
    }

    /// The same, of who has read enough: once the commit was given, nothing that follows can change
    /// what the records are.
    pub fn into_index(self) -> Option<Index> {
        self.index
    }

    /// The snapshot is over.
    ///
    /// # Errors
    /// Something is missing.
    pub fn end(&self) -> Result<(), BadSnapshot> {
        self.car.end()?;
        let missing = match (&self.index, self.values) {
            (None, _) => return Err(BadSnapshot::Missing(0)),
            (Some(_), Values::Excluded) => 0,
            (Some(index), Values::Included) => index.len() - self.read,
        };
        match missing {
            0 => Ok(()),
            missing => Err(BadSnapshot::Missing(missing)),
        }
    }

    fn begin(&mut self, roots: Vec<Cid>) -> Result<(), BadSnapshot> {
        let count = roots.len();
        let roots: [Cid; 2] = roots.try_into().map_err(|_| BadSnapshot::Roots(count))?;
        self.roots = roots.map(Some);
        Ok(())
    }

    fn block(&mut self, block: Block) -> Result<Option<Part>, BadSnapshot> {
        if self.commit.is_none() {
            expect(&block, self.roots[0].as_ref())?;
            let commit = SignedCommit::from_dag_cbor(&block.data)?;
            commit.verify(&self.space, &self.author, &mut self.verify)?;
            self.commit = Some(commit);
            return Ok(None);
        }
        let Some(index) = &self.index else {
            expect(&block, self.roots[1].as_ref())?;
            let index = Index::from_dag_cbor(&block.data)?;
            let commit = self
                .commit
                .clone()
                .filter(|commit| index.set_hash().digest() == commit.hash);
            self.index = Some(index);
            self.car.limit_blocks(MOST_RECORD);
            return commit.map(Part::Commit).map(Some).ok_or(BadSnapshot::Hash);
        };
        let wanted = match self.values {
            Values::Included => index.iter().nth(self.read),
            Values::Excluded => None,
        };
        expect(&block, wanted.map(|(_, cid)| cid))?;
        let path = wanted.map(|(path, _)| path.clone());
        self.read += 1;
        let Block { cid, data: value } = block;
        Ok(path.map(|path| Part::Record { path, cid, value }))
    }
}

/// Refuses a block that is not the one whose turn it is.
fn expect(block: &Block, expected: Option<&Cid>) -> Result<(), BadSnapshot> {
    if expected == Some(&block.cid) {
        return Ok(());
    }
    let expected = expected.map_or("the end".to_owned(), Cid::to_string);
    let found = block.cid.clone();
    Err(BadSnapshot::Order { found, expected })
}
