//! Another master key: everything that is sealed is opened under the old one and sealed under the
//! new one, in one transaction.

use sqlx::AssertSqlSafe;

use crate::seal::{Place, SEALED, Sealer};
use crate::sql::{self, Backend, Connection};
use crate::{MasterKey, Storage, StorageError, node};

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
    /// changed. Nobody else may have the store open: they would go on sealing under the old key, so
    /// that nodes which live are an error.
    pub async fn reseal(self, new: &MasterKey) -> Result<Resealed, StorageError> {
        let mut tx = self.begin().await?;
        let others = node::living(tx.sql()).await?;
        if others > 0 {
            return Err(StorageError::InUse(others));
        }
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
    connection: &mut Connection,
    place: &Place,
    [old, new]: [&Sealer; 2],
    done: &mut Resealed,
) -> Result<(), StorageError> {
    let Place {
        table,
        row,
        column,
        but,
        ..
    } = place;
    // The bytes of a row's name, whether the column holds text or bytes.
    let row = match (connection.backend(), place.is_text) {
        (Backend::Sqlite, _) => format!("CAST({row} AS BLOB)"),
        (Backend::Postgres, true) => format!("convert_to({row}, 'UTF8')"),
        (Backend::Postgres, false) => (*row).to_owned(),
    };
    let but = but.map_or(String::new(), |but| format!("AND {but}"));
    let page = format!(
        "SELECT {row}, {column} FROM {table} WHERE {row} > $1 AND {column} IS NOT NULL {but}
         ORDER BY {row} LIMIT {PAGE}"
    );
    let write = format!("UPDATE {table} SET {column} = $1 WHERE {row} = $2");
    let mut last = Vec::new();
    loop {
        let rows = sql::query(AssertSqlSafe(page.clone()))
            .bind(last.clone())
            .fetch_all(&mut *connection)
            .await
            .map_err(StorageError::doing("read what is sealed"))?;
        for found in &rows {
            let doing = StorageError::doing("read what is sealed");
            let (name, sealed): (Vec<u8>, Vec<u8>) = found
                .get(0)
                .and_then(|name| Ok((name, found.get(1)?)))
                .map_err(doing)?;
            match old.open(&place.name(), &name, &sealed) {
                Ok(value) => {
                    sql::query(AssertSqlSafe(write.clone()))
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
