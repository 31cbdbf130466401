//! The steps that bring a database up to date, embedded. One that was released is never edited.

use std::borrow::Cow;

use sqlx::SqlSafeStr as _;
use sqlx::migrate::{Migration, MigrationType, Migrator};

/// Version, name and text of each step, oldest first.
const STEPS: [(i64, &str, &str); 1] = [(1, "first", include_str!("../migrations/0001_first.sql"))];

pub(crate) fn migrator() -> Migrator {
    let steps = STEPS.map(|(version, name, sql)| {
        let name = Cow::Borrowed(name);
        Migration::new(
            version,
            name,
            MigrationType::Simple,
            sql.into_sql_str(),
            false,
        )
    });
    Migrator::with_migrations(steps.to_vec())
}
