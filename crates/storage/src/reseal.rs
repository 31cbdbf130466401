//! Another master key: everything that is sealed is opened under the old one and sealed under the
//! new one, in one transaction.

use sqlx::{AssertSqlSafe, Row as _, SqliteConnection};

use crate::seal::{Place, SEALED, Sealer};
use crate::{MasterKey, Storage, StorageError};

/// Rows that are held in memory at once.
const PAGE: u32 = 500;

/// What a change of the master key did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Resealed {
    /// Values that are sealed under the new key now.
    pub values: u64,
    /// Values that did not open under the old key either, and were left as they are.
    pub unreadable: u64,
}

impl Storage {
    /// Seals everything under another master key and closes the store; with an error nothing has
    /// changed. Nobody else may have the store open: they would go on sealing under the old key.
    pub async fn reseal(self, new: &MasterKey) -> Result<Resealed, StorageError> {
        let mut tx = self.begin().await?;
        let new = Sealer::new(new);
        let mut done = Resealed::default();
        for place in SEALED {
            reseal(tx.sql(), place, [&self.inner.sealer, &new], &mut done).await?;
        }
        tx.commit().await?;
        self.close().await;
        Ok(done)
    }
}

/// One column of one table, a page at a time.
async fn reseal(
    connection: &mut SqliteConnection,
    place: &Place,
    [old, new]: [&Sealer; 2],
    done: &mut Resealed,
) -> Result<(), StorageError> {
    let Place { table, row, column } = place;
    // The bytes of a row's name, whether the column holds text or bytes.
    let page = format!(
        "SELECT CAST({row} AS BLOB), {column} FROM {table}
         WHERE CAST({row} AS BLOB) > ? AND {column} IS NOT NULL
         ORDER BY CAST({row} AS BLOB) LIMIT {PAGE}"
    );
    let write = format!("UPDATE {table} SET {column} = ? WHERE CAST({row} AS BLOB) = ?");
    let mut last = Vec::new();
    loop {
        let rows = sqlx::query(AssertSqlSafe(page.clone()))
            .bind(last.clone())
            .fetch_all(&mut *connection)
            .await
            .map_err(StorageError::doing("read what is sealed"))?;
        for found in &rows {
            let doing = StorageError::doing("read what is sealed");
            let (name, sealed): (Vec<u8>, Vec<u8>) = found
                .try_get(0)
                .and_then(|name| Ok((name, found.try_get(1)?)))
                .map_err(doing)?;
            match old.open(&place.name(), &name, &sealed) {
                Ok(value) => {
                    sqlx::query(AssertSqlSafe(write.clone()))
                        .bind(new.seal(&place.name(), &name, &value))
                        .bind(&name)
                        .execute(&mut *connection)
                        .await
                        .map_err(StorageError::doing("write what is sealed"))?;
                    done.values += 1;
                }
                Err(_) => done.unreadable += 1,
            }
            last = name;
        }
        if rows.len() < PAGE as usize {
            return Ok(());
        }
    }
}
