//! What stands in a server's database, read beside it.

use std::path::Path;

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection as _, PgConnection, Row, SqliteConnection};

/// A database of a server.
pub enum Database {
    /// In its data folder.
    Sqlite(SqliteConnection),
    /// Elsewhere.
    Postgres(PgConnection),
}

/// One delivery with its last attempt.
#[derive(Clone, Debug)]
pub struct DeliveryRow {
    /// Where it goes.
    pub url: String,
    /// The notification's id, as receivers see it.
    pub notification: String,
    pub state: String,
    pub attempts: i64,
    /// Milliseconds since 1970.
    pub due: Option<i64>,
    pub last: Option<AttemptRow>,
}

#[derive(Clone, Debug)]
pub struct AttemptRow {
    pub number: i64,
    pub started: i64,
    /// The status, or which kind of failure.
    pub outcome: String,
    /// Bytes of the answer that were kept.
    pub kept: i64,
}

impl Database {
    /// The file in a server's data folder.
    pub async fn sqlite(data: &Path) -> Self {
        let options = SqliteConnectOptions::new()
            .filename(data.join("loggia.db"))
            .create_if_missing(false);
        Self::Sqlite(options.connect().await.expect("the server made it"))
    }

    /// A database of PostgreSQL.
    pub async fn postgres(url: &str) -> Self {
        let connection = PgConnection::connect(url).await;
        Self::Postgres(connection.expect("the server is there"))
    }

    /// One number.
    pub async fn number(&mut self, question: &str) -> i64 {
        let sql = AssertSqlSafe(question.to_owned());
        let answer = match self {
            Self::Sqlite(connection) => sqlx::query_scalar(sql).fetch_one(connection).await,
            Self::Postgres(connection) => sqlx::query_scalar(sql).fetch_one(connection).await,
        };
        answer.expect("is one number")
    }

    /// Changes rows, as nobody should but a test.
    pub async fn change(&mut self, statement: &str) -> u64 {
        let sql = AssertSqlSafe(statement.to_owned());
        match self {
            Self::Sqlite(connection) => {
                let done = sqlx::query(sql).execute(connection).await;
                done.expect("is SQL").rows_affected()
            }
            Self::Postgres(connection) => {
                let done = sqlx::query(sql).execute(connection).await;
                done.expect("is SQL").rows_affected()
            }
        }
    }

    /// Every delivery.
    pub async fn deliveries(&mut self) -> Vec<DeliveryRow> {
        let hex = match self {
            Self::Sqlite(_) => "lower(hex(d.notification))",
            Self::Postgres(_) => "encode(d.notification, 'hex')",
        };
        let sql = format!(
            "SELECT e.url, {hex} AS notification, d.state, d.attempts, d.due, a.number,
                 a.started_at, COALESCE(a.fault, CAST(a.status AS TEXT)) AS outcome,
                 COALESCE(length(a.excerpt), 0) AS kept
             FROM delivery d JOIN endpoint e ON e.id = d.endpoint
             LEFT JOIN attempt a ON a.notification = d.notification AND a.endpoint = d.endpoint
                 AND a.number = (SELECT max(number) FROM attempt l
                     WHERE l.notification = d.notification AND l.endpoint = d.endpoint)"
        );
        let sql = AssertSqlSafe(sql);
        match self {
            Self::Sqlite(connection) => {
                let rows = sqlx::query(sql).fetch_all(connection).await;
                rows.expect("a select").iter().map(read).collect()
            }
            Self::Postgres(connection) => {
                let rows = sqlx::query(sql).fetch_all(connection).await;
                rows.expect("a select").iter().map(read).collect()
            }
        }
    }
}

fn read<R: Row>(row: &R) -> DeliveryRow
where
    for<'a> &'a str: sqlx::ColumnIndex<R>,
    for<'a> String: sqlx::Decode<'a, R::Database> + sqlx::Type<R::Database>,
    for<'a> i64: sqlx::Decode<'a, R::Database> + sqlx::Type<R::Database>,
    for<'a> i32: sqlx::Decode<'a, R::Database> + sqlx::Type<R::Database>,
{
    let number: Option<i64> = row.get("number");
    let last = number.map(|number| AttemptRow {
        number,
        started: row.get("started_at"),
        outcome: row.get("outcome"),
        // PostgreSQL's lengths are shorter numbers.
        kept: row
            .try_get::<i64, _>("kept")
            .unwrap_or_else(|_| row.get::<i32, _>("kept").into()),
    });
    DeliveryRow {
        url: row.get("url"),
        notification: with_hyphens(&row.get::<String, _>("notification")),
        state: row.get("state"),
        attempts: row.get("attempts"),
        due: row.get("due"),
        last,
    }
}

fn with_hyphens(hex: &str) -> String {
    let parts = [
        &hex[..8],
        &hex[8..12],
        &hex[12..16],
        &hex[16..20],
        &hex[20..],
    ];
    parts.join("-")
}
