//! The transaction of whoever writes.

use crate::sql::{Connection, Length};
use crate::{Storage, StorageError};

/// A transaction that writes. Dropped without [`Write::commit`] it undoes everything.
#[must_use = "a transaction that is not committed is undone"]
pub struct Write {
    connection: Connection,
}

impl Storage {
    /// Begins the one transaction of a handler. Others that write wait their turn, first come first
    /// served, so nothing that waits for something else belongs inside.
    pub async fn begin(&self) -> Result<Write, StorageError> {
        self.begin_of(Length::Any).await
    }

    /// The same where every statement is over in about a millisecond, so that a file's are executed at
    /// once on this thread: for what is done a thousand times a second.
    pub(crate) async fn begin_brief(&self) -> Result<Write, StorageError> {
        self.begin_of(Length::Brief).await
    }

    async fn begin_of(&self, length: Length) -> Result<Write, StorageError> {
        let connection = self.inner.writer.begin(length).await;
        connection
            .map(|connection| Write { connection })
            .map_err(StorageError::doing("begin a transaction"))
    }
}

impl Write {
    /// Makes everything in it durable. When this returns, it is on the disk.
    pub async fn commit(self) -> Result<(), StorageError> {
        let committed = self.connection.commit().await;
        committed.map_err(StorageError::doing("commit a transaction"))
    }

    pub(crate) fn sql(&mut self) -> &mut Connection {
        &mut self.connection
    }
}
