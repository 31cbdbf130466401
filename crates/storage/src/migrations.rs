//! The steps that bring a database up to date, embedded. One that was released is never edited.

use std::borrow::Cow;

use sqlx::SqlSafeStr as _;
use sqlx::migrate::{Migration, MigrationType, Migrator};

use crate::StorageError;
use crate::sql::{self, Pool};

/// One step: the same tables in the words of each database.
struct Step {
    version: i64,
    name: &'static str,
    sqlite: &'static str,
    postgres: &'static str,
}

/// A step from its two files.
macro_rules! step {
    ($version:literal, $file:literal, $name:literal) => {
        Step {
            version: $version,
            name: $name,
            sqlite: include_str!(concat!("../migrations/sqlite/", $file, "_", $name, ".sql")),
            postgres: include_str!(concat!(
                "../migrations/postgres/",
                $file,
                "_",
                $name,
                ".sql"
            )),
        }
    };
}

/// Oldest first.
const STEPS: &[Step] = &[
    step!(1, "0001", "first"),
    step!(2, "0002", "login"),
    step!(3, "0003", "server_key"),
    step!(4, "0004", "api_client"),
    step!(5, "0005", "space_credential"),
    step!(6, "0006", "delivery"),
    step!(7, "0007", "redelivery"),
    step!(8, "0008", "chore"),
    step!(9, "0009", "record_stream"),
    step!(10, "0010", "wisp"),
    step!(11, "0011", "wisp_secret"),
    step!(12, "0012", "streamplace"),
    step!(13, "0013", "projections"),
    step!(14, "0014", "space_host"),
    step!(15, "0015", "space_hub"),
    step!(16, "0016", "community"),
    step!(17, "0017", "space_copies"),
    step!(18, "0018", "space_rights"),
    step!(19, "0019", "uploads"),
    step!(20, "0020", "sourced_events"),
    step!(21, "0021", "used_together"),
    step!(22, "0022", "swept_versions"),
    step!(23, "0023", "registration_shape"),
    step!(24, "0024", "swept_before"),
    step!(25, "0025", "delivery_deadline"),
    step!(26, "0026", "cosigned"),
    step!(27, "0027", "known_keys"),
];

/// The steps of an SQLite file.
pub(crate) fn sqlite() -> Migrator {
    migrator(|step| step.sqlite)
}

/// The steps of a PostgreSQL database. Whoever runs them holds an advisory lock.
pub(crate) fn postgres() -> Migrator {
    migrator(|step| step.postgres)
}

fn migrator(text: impl Fn(&Step) -> &'static str) -> Migrator {
    let steps = STEPS.iter().map(|step| {
        let name = Cow::Borrowed(step.name);
        let text = text(step).into_sql_str();
        Migration::new(step.version, name, MigrationType::Simple, text, false)
    });
    Migrator::with_migrations(steps.collect())
}

/// Refuses tables that are not exactly those of this program.
pub(crate) async fn check(pool: &Pool) -> Result<(), StorageError> {
    let doing = StorageError::doing("read which tables there are");
    let rows = sql::query("SELECT version FROM _sqlx_migrations WHERE success ORDER BY version")
        .fetch_all(pool)
        .await;
    let done: Result<Vec<i64>, _> = rows
        .and_then(|rows| rows.iter().map(|row| row.get(0)).collect())
        .map_err(doing);
    if done?.into_iter().eq(STEPS.iter().map(|step| step.version)) {
        Ok(())
    } else {
        Err(StorageError::OtherVersion)
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use loggia_delivery::{EndpointId, Lease, LeaseRequest, NodeId, Queue as _, Secret};
    use sqlx::sqlite::{SqliteConnectOptions, SqlitePool};

    use super::*;
    use crate::seal::Sealer;
    use crate::{Location, MasterKey, Storage, Used};

    /// A file as the version before the delivery engine left it: a used key, and a delivery under way
    /// to an endpoint whose secret is stored as bytes.
    async fn older(path: &std::path::Path, key: &MasterKey, secret: &[u8]) {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true);
        let pool = SqlitePool::connect_with(options).await.expect("opens");
        sqlite().run_to(5, &pool).await.expect("migrates");
        let id = EndpointId::new(Timestamp::UNIX_EPOCH, [1; 10]);
        let sealed = Sealer::new(key).seal("endpoint.secret", id.as_bytes(), secret);
        sqlx::query(
            "INSERT INTO endpoint (id, owner, url, profile, secret, consecutive_failures, created_at)
             VALUES ($1, 'did:web:a.example.com', 'https://a.example.com/', 'space-webhook', $2, 0, 0)",
        )
        .bind(&id.as_bytes()[..])
        .bind(sealed)
        .execute(&pool)
        .await
        .expect("inserts");
        for text in [
            "INSERT INTO replay VALUES ('jti', 'a', 60000)",
            "INSERT INTO notification (id, kind, subject, body, created_at, deadline)
             VALUES (zeroblob(16), 'com.example.kind', '', x'7b7d', 0, 60000)",
            "INSERT INTO delivery (notification, endpoint, state, attempts, deadline, due, node)
             SELECT zeroblob(16), id, 'leased', 2, 60000, 5000, 'single' FROM endpoint",
        ] {
            sqlx::query(text).execute(&pool).await.expect("inserts");
        }
        pool.close().await;
    }

    #[tokio::test]
    async fn what_an_older_version_left_goes_on() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("loggia.db");
        let (key, secret) = (MasterKey::new([7; 32]), [9; 32]);
        older(&path, &key, &secret).await;
        let storage = Storage::open(&Location::file(path), &key).await;
        let storage = storage.expect("is brought up to date");

        let replays = storage.replays().with_most(1);
        let used = replays.consume("jti", "b", Timestamp::MAX).await;
        assert_eq!(used.expect("runs"), Used::Full, "keys from before count");

        let deliveries = storage.deliveries();
        let (node, now) = (NodeId::new("single"), Timestamp::UNIX_EPOCH);
        let voided = deliveries.void_leases(&node, now).await;
        assert_eq!(voided.expect("voids"), 1);
        let request = LeaseRequest {
            lease: Lease {
                node,
                until: Timestamp::MAX,
            },
            limit: 9,
            per_endpoint: 9,
            except: Vec::new(),
        };
        let due = deliveries.lease(&request, now).await.expect("leases").due;
        assert_eq!((due[0].attempts, due[0].earlier), (2, 0));
        let current = due[0].endpoint.secrets.current.clone();
        assert_eq!(current, Secret::from_bytes(secret.to_vec()).ok());
    }
}
