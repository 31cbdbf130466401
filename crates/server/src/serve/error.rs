//! Why a server does not start, or did not stop well.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use loggia_storage::StorageError;
use loggia_xrpc_client::{BuildError, DnsSetupError};
use tokio::task::JoinError;

use crate::archive::ArchiveError;
use crate::data_folder::DataFolderError;
use crate::keys::KeysError;
use crate::lexicons::LexiconsError;
use crate::live_channel::InvalidRedis;
use crate::login::LoginError;
use crate::master_key::MasterKeyError;
use crate::running::Part;

/// Why a server does not start, or did not stop well.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The data folder.
    #[error(transparent)]
    DataFolder(#[from] DataFolderError),
    /// The master key.
    #[error(transparent)]
    MasterKey(#[from] MasterKeyError),
    /// The master key is one, but not that of the database.
    #[error(
        "the master key is not the one that {database} was made with: put that one back, in \
         LOGGIA_MASTER_KEY or as master.key in the data folder"
    )]
    WrongKey {
        /// The database.
        database: String,
    },
    /// The database.
    #[error("the database failed")]
    Storage(#[from] StorageError),
    /// The folder of lexicons.
    #[error(transparent)]
    Lexicons(#[from] LexiconsError),
    /// The login of people.
    #[error("the login of people cannot be set up")]
    Login(#[from] LoginError),
    /// The server's own keys.
    #[error(transparent)]
    Keys(#[from] KeysError),
    /// The archive.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    /// The channel for live outcomes.
    #[error(transparent)]
    Redis(#[from] InvalidRedis),
    /// The HTTP client.
    #[error("the HTTP client cannot be made")]
    Client(#[from] BuildError),
    /// The system's name servers.
    #[error("the system's DNS configuration cannot be read: see /etc/resolv.conf")]
    Dns(#[from] DnsSetupError),
    /// The address.
    #[error("{address} cannot be listened on: stop what uses it, or set {setting} otherwise")]
    Bind {
        /// Which address.
        address: SocketAddr,
        /// The environment variable that names it.
        setting: &'static str,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// Serving itself.
    #[error("the server failed")]
    Serve(#[source] io::Error),
    /// A part ended before it was told to.
    #[error("{part} has ended by itself, and a server without it must not run: it has stopped")]
    Ended {
        /// Which one.
        part: Part,
        /// What it said, if anything.
        #[source]
        source: Option<Box<ServeError>>,
    },
    /// A part panicked.
    #[error("{part} panicked")]
    Lost {
        /// Which one.
        part: Part,
        /// Its panic.
        #[source]
        source: JoinError,
    },
    /// Stopping took too long.
    #[error(
        "not everything stopped within {} s and the rest was cut off; deliveries that were under way \
         go out again after the next start",
        within.as_secs()
    )]
    StoppedLate {
        /// How long it may take.
        within: Duration,
    },
}
