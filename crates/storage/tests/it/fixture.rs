//! A store of a test's own, and things to put into it.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use loggia_delivery::{
    Endpoint, EndpointId, NewNotification, Notification, NotificationId, Profile, Recipient,
    Secret, Secrets, Target,
};
use loggia_services::Postgres;
use loggia_storage::{Location, MasterKey, Storage, StorageError};
use loggia_syntax::{Did, Nsid};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _, Executor as _, PgConnection, SqliteConnection};

pub const START: Timestamp = Timestamp::constant(1_700_000_000, 0);

pub fn seconds(seconds: i64) -> Timestamp {
    START + SignedDuration::from_secs(seconds)
}

pub fn key() -> MasterKey {
    MasterKey::new([7; 32])
}

/// A folder that is removed at the end of its test.
pub struct Folder(PathBuf);

impl Folder {
    pub fn new() -> Self {
        static MADE: AtomicU32 = AtomicU32::new(0);
        let name = format!(
            "{}-{}",
            std::process::id(),
            MADE.fetch_add(1, Ordering::Relaxed)
        );
        let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
        std::fs::create_dir_all(&path).expect("the target folder can be written to");
        Self(path)
    }

    pub async fn open(&self) -> Storage {
        let opened = Storage::open(&self.location(), &key()).await;
        opened.expect("the store opens")
    }

    pub fn location(&self) -> Location {
        Location::file(self.0.join("loggia.db"))
    }

    /// The store's files.
    pub fn files(&self) -> [PathBuf; 2] {
        ["loggia.db", "loggia.db-wal"].map(|name| self.0.join(name))
    }

    /// What a crash would leave on the disk at this moment: the files as they are, while the store
    /// is open.
    pub fn copy(&self) -> Self {
        let copy = Self::new();
        for (from, to) in self.files().iter().zip(copy.files()) {
            let copied = std::fs::copy(from, to);
            copied.expect("the store's files can be read");
        }
        copy
    }

    async fn connect(&self) -> SqliteConnection {
        let options = SqliteConnectOptions::new().filename(self.0.join("loggia.db"));
        options.connect().await.expect("the file opens")
    }

    pub fn database(&self) -> Vec<u8> {
        let read = |name| std::fs::read(self.0.join(name)).unwrap_or_default();
        [read("loggia.db"), read("loggia.db-wal")].concat()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir_all(&self.0) {
            eprintln!("{} stays behind: {error}", self.0.display());
        }
    }
}

/// Where a test keeps its store.
pub enum Place {
    Sqlite(Folder),
    Postgres(String),
}

impl Place {
    pub fn sqlite() -> Self {
        Self::Sqlite(Folder::new())
    }

    /// A new database, in which SQLite's `unhex` is there as well.
    pub async fn postgres() -> Self {
        let place = Self::Postgres(Postgres::database().await);
        let unhex = "CREATE FUNCTION unhex(digits text) RETURNS bytea LANGUAGE sql IMMUTABLE
             RETURN decode(digits, 'hex')";
        place.run(unhex).await;
        place
    }

    pub fn location(&self) -> Location {
        match self {
            Self::Sqlite(folder) => folder.location(),
            Self::Postgres(url) => url.parse().expect("is a URL"),
        }
    }

    pub async fn open(&self) -> Storage {
        self.try_open(&key()).await.expect("the store opens")
    }

    pub async fn try_open(&self, key: &MasterKey) -> Result<Storage, StorageError> {
        Storage::open(&self.location(), key).await
    }

    /// Opens the store as somebody who only joins whoever has it open.
    pub async fn join(&self) -> Result<Storage, StorageError> {
        Storage::join(&self.location(), &key()).await
    }

    /// Runs statements past the store, as a careless hand would.
    pub async fn execute(&self, sqlite: &'static str, postgres: &'static str) {
        self.run(match self {
            Self::Sqlite(_) => sqlite,
            Self::Postgres(_) => postgres,
        })
        .await;
    }

    /// Changes rows by hand, as nobody should.
    pub async fn damage(&self, statement: &'static str) {
        assert_ne!(self.run(statement).await, 0, "{statement}");
    }

    async fn run(&self, statement: &'static str) -> u64 {
        match self {
            Self::Sqlite(folder) => {
                let mut connection = folder.connect().await;
                let done = connection.execute(statement).await;
                connection.close().await.expect("it closes");
                done.expect("is SQL").rows_affected()
            }
            Self::Postgres(url) => {
                let mut connection = PgConnection::connect(url).await.expect("connects");
                let done = connection.execute(statement).await;
                connection.close().await.expect("it closes");
                done.expect("is SQL").rows_affected()
            }
        }
    }

    /// One text of the database, read by hand.
    pub async fn ask(&self, question: &'static str) -> String {
        let answer = match self {
            Self::Sqlite(folder) => {
                sqlx::query_scalar(question)
                    .fetch_one(&mut folder.connect().await)
                    .await
            }
            Self::Postgres(url) => {
                let mut connection = PgConnection::connect(url).await.expect("connects");
                sqlx::query_scalar(question)
                    .fetch_one(&mut connection)
                    .await
            }
        };
        answer.expect("is one value")
    }
}

/// Each of these functions is a test, once on either store.
macro_rules! on_both {
    ($($name:ident),* $(,)?) => {
        mod sqlite { $(
            #[tokio::test]
            async fn $name() {
                super::$name($crate::fixture::Place::sqlite()).await;
            }
        )* }

        mod postgres { $(
            #[tokio::test]
            async fn $name() {
                super::$name($crate::fixture::Place::postgres().await).await;
            }
        )* }
    };
}
pub(crate) use on_both;

pub fn did(name: &str) -> Did {
    Did::new(format!("did:web:{name}.example.com")).expect("a good DID")
}

pub fn endpoint(number: u8) -> Endpoint {
    Endpoint::new(
        EndpointId::new(START, [number; 10]),
        did("feed"),
        Target::new(&format!("https://feed.example.com/{number}")).expect("a good URL"),
        Profile::SpaceWebhook,
        Secrets::one(Secret::generate([number; 32])),
        START,
    )
}

pub fn notification(number: u8, source: Option<&str>) -> NewNotification {
    let notification = Notification {
        id: NotificationId::new(START, [number; 10]),
        kind: Nsid::from_static("com.atproto.space.notifyWrite"),
        subject: "a space".to_owned(),
        body: Bytes::from_static(br#"{"space":"x"}"#),
        created_at: START,
        deadline: seconds(86_400),
    };
    NewNotification {
        notification,
        source: source.map(str::to_owned),
    }
}

pub fn recipient(endpoint: &Endpoint) -> Recipient {
    Recipient::new(endpoint.id, Timestamp::MAX)
}
