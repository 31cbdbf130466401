//! The steps that bring a database up to date, embedded. One that was released is never edited.

use std::borrow::Cow;

use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::{SqlSafeStr as _, SqlitePool};

use crate::StorageError;

/// Version, name and text of each step, oldest first.
const STEPS: &[(i64, &str, &str)] = &[
    (1, "first", include_str!("../migrations/0001_first.sql")),
    (2, "login", include_str!("../migrations/0002_login.sql")),
    (
        3,
        "server_key",
        include_str!("../migrations/0003_server_key.sql"),
    ),
    (
        4,
        "api_client",
        include_str!("../migrations/0004_api_client.sql"),
    ),
    (
        5,
        "space_credential",
        include_str!("../migrations/0005_space_credential.sql"),
    ),
];

pub(crate) fn migrator() -> Migrator {
    let steps = STEPS.iter().map(|&(version, name, sql)| {
        let name = Cow::Borrowed(name);
        Migration::new(
            version,
            name,
            MigrationType::Simple,
            sql.into_sql_str(),
            false,
        )
    });
    Migrator::with_migrations(steps.collect())
}

/// Refuses tables that are not exactly those of this program.
pub(crate) async fn check(pool: &SqlitePool) -> Result<(), StorageError> {
    let done: Vec<i64> =
        sqlx::query_scalar("SELECT version FROM _sqlx_migrations WHERE success ORDER BY version")
            .fetch_all(pool)
            .await
            .map_err(StorageError::doing("read which tables there are"))?;
    let known = STEPS.iter().map(|&(version, ..)| version);
    if done.into_iter().eq(known) {
        Ok(())
    } else {
        Err(StorageError::OtherVersion)
    }
}
