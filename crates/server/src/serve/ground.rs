//! What everything else of a server stands on: its data, its port, its names, and whom it reaches.

use std::net::SocketAddr;

use loggia_delivery::{Clock as _, SystemClock};
use loggia_storage::Storage;
use tokio::net::TcpListener;

use super::ServeError;
use crate::config::Config;
use crate::data_folder::DataFolder;
use crate::database;
use crate::keys::Keyring;
use crate::login::{self, People};
use crate::origin::Origin;
use crate::outgoing::Outgoing;
use crate::reach::{self, Documents, Names};

/// What everything else stands on.
pub(super) struct Ground {
    pub(super) data: DataFolder,
    pub(super) storage: Storage,
    pub(super) master_key: [u8; 32],
    pub(super) keys: Keyring,
    pub(super) listener: TcpListener,
    pub(super) address: SocketAddr,
    pub(super) origin: Origin,
    pub(super) outgoing: Outgoing,
    pub(super) documents: Documents,
    pub(super) names: Names,
    pub(super) people: People,
}

impl Ground {
    /// Opens it all and listens.
    pub(super) async fn lay(
        config: &Config,
        master_key: Option<String>,
    ) -> Result<Self, ServeError> {
        // First: a server that cannot listen leaves nothing behind.
        let listener = listen(config.bind, "LOGGIA_BIND").await?;
        let data = DataFolder::open(&config.data)?;
        let (storage, master_key) = database::open(config, &data, master_key.as_deref()).await?;
        let keys = Keyring::open(&storage, SystemClock.now()).await?;
        let address = listener.local_addr().map_err(ServeError::Serve)?;
        let origin = Origin::of(config, address.port());
        let outgoing = reach::outgoing(config)?;
        let documents = reach::documents(config, &outgoing);
        let names = reach::names(config, &outgoing)?;
        let parts = login::start::Parts {
            config,
            master_key: &master_key,
            address,
            origin: &origin,
            storage: &storage,
            documents: documents.clone(),
            names: names.clone(),
            outgoing: &outgoing,
        };
        let people = login::start::people(parts).await?;
        Ok(Self {
            data,
            storage,
            master_key,
            keys,
            listener,
            address,
            origin,
            outgoing,
            documents,
            names,
            people,
        })
    }
}

/// Listens on an address, which this environment variable names.
pub(crate) async fn listen(
    address: SocketAddr,
    setting: &'static str,
) -> Result<TcpListener, ServeError> {
    let listener = TcpListener::bind(address).await;
    listener.map_err(|source| ServeError::Bind {
        address,
        setting,
        source,
    })
}
