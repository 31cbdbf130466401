//! A store in a folder of its own, and things to put into it.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use loggia_delivery::{
    Endpoint, EndpointId, EndpointState, Health, NewNotification, Notification, NotificationId,
    Profile, Recipient, Secret, Secrets, Target,
};
use loggia_storage::{MasterKey, Storage};
use loggia_syntax::{Did, Nsid};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _, SqliteConnection};

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
        self.try_open(&key()).await.expect("the store opens")
    }

    pub async fn try_open(&self, key: &MasterKey) -> Result<Storage, loggia_storage::StorageError> {
        Storage::open(&self.0.join("loggia.db"), key).await
    }

    /// Opens the store as somebody who only joins whoever has it open.
    pub async fn join(&self) -> Result<Storage, loggia_storage::StorageError> {
        Storage::join(&self.0.join("loggia.db"), &key()).await
    }

    /// Runs a statement past the store, as a careless hand would.
    pub async fn execute(&self, statement: &'static str) {
        let options = SqliteConnectOptions::new().filename(self.0.join("loggia.db"));
        let mut connection = options.connect().await.expect("the file opens");
        let executed = sqlx::query(statement).execute(&mut connection).await;
        executed.expect("the statement is right");
        connection.close().await.expect("it closes");
    }

    /// What a crash would leave on the disk at this moment: the files as they are, while the store
    /// is open.
    pub fn copy(&self) -> Self {
        let copy = Self::new();
        for name in ["loggia.db", "loggia.db-wal"] {
            let copied = std::fs::copy(self.0.join(name), copy.0.join(name));
            copied.expect("the store's files can be read");
        }
        copy
    }

    /// Changes the database by hand, as nobody should.
    pub async fn damage(&self, statement: &'static str) {
        let url = format!("sqlite://{}", self.0.join("loggia.db").display());
        let mut connection = SqliteConnection::connect(&url).await.expect("connects");
        let done = sqlx::query(statement).execute(&mut connection).await;
        assert_ne!(done.expect("is SQL").rows_affected(), 0, "{statement}");
    }

    /// One value of the database, read by hand.
    pub async fn ask(&self, question: &'static str) -> String {
        let url = format!("sqlite://{}", self.0.join("loggia.db").display());
        let mut connection = SqliteConnection::connect(&url).await.expect("connects");
        let answer = sqlx::query_scalar(question)
            .fetch_one(&mut connection)
            .await;
        answer.expect("is one value")
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

pub fn did(name: &str) -> Did {
    Did::new(format!("did:web:{name}.example.com")).expect("a good DID")
}

pub fn endpoint(number: u8) -> Endpoint {
    Endpoint {
        id: EndpointId::new(START, [number; 10]),
        owner: did("feed"),
        target: Target::new(&format!("https://feed.example.com/{number}")).expect("a good URL"),
        profile: Profile::SpaceWebhook,
        secrets: Secrets::one(Secret::generate([number; 32])),
        state: EndpointState::Active,
        health: Health::default(),
        created_at: START,
    }
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
    Recipient {
        endpoint: endpoint.id,
        deadline: Timestamp::MAX,
    }
}
