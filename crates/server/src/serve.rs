//! `loggia serve`: everything put together, started and stopped.

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use loggia_delivery::{Engine, Handle, Limits, NodeId, SystemClock};
use loggia_identity::{CacheSettings, CachedResolver, Resolver};
use loggia_storage::{Caps, Deliveries, MasterKey, Storage, StorageError};
use loggia_syntax::Nsid;
use loggia_xrpc_client::{AddressGuard, BuildError, ClientSettings, GuardedClient};
use loggia_xrpc_server::{
    Metrics, RateLimit, ServeSettings, Service, Settings, by_forwarded_address, by_peer_address,
};
use tokio::net::TcpListener;
use tokio::sync::{oneshot, watch};

use crate::app::{App, Description};
use crate::caller::Callers;
use crate::config::Config;
use crate::data_folder::{DataFolder, DataFolderError};
use crate::dev::DevAccounts;
use crate::lexicons::Lexicons;
use crate::master_key::{self, MasterKeyError};
use crate::origin::Origin;
use crate::outgoing::Outgoing;
use crate::routes::routes;
use crate::space_notices::SpaceNotices;
use crate::sweep;
use crate::webhook_desk::WebhookDesk;
use crate::well_known::{self, Published};
use crate::{banner, chance};

/// Why a server does not start, or did not stop well.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The data folder.
    #[error(transparent)]
    DataFolder(#[from] DataFolderError),
    /// The master key.
    #[error(transparent)]
    MasterKey(#[from] MasterKeyError),
    /// The database.
    #[error("the database failed")]
    Storage(#[from] StorageError),
    /// The HTTP client.
    #[error("the HTTP client cannot be made")]
    Client(#[from] BuildError),
    /// The address.
    #[error(
        "{address} cannot be listened on: stop what uses it, or set LOGGIA_BIND to another address"
    )]
    Bind {
        /// Which address.
        address: SocketAddr,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// Serving itself.
    #[error("the server failed")]
    Serve(#[source] io::Error),
}

/// A server that is ready to run.
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    router: Router,
    engine: Engine<Deliveries, Outgoing, SystemClock>,
    storage: Storage,
    origin: Origin,
    methods: Vec<Nsid>,
    development: bool,
    data: DataFolder,
}

impl Server {
    /// Opens everything, listens, and serves nothing yet.
    ///
    /// # Errors
    /// Whatever keeps a server from starting, with what to do.
    pub async fn start(config: Config, master_key: Option<String>) -> Result<Self, ServeError> {
        let data = DataFolder::open(&config.data)?;
        let key = master_key::find(master_key.as_deref(), data.path(), chance::bytes)?;
        let storage = Storage::open(&data.database(), &MasterKey::new(key)).await?;
        let listener = listen(config.bind).await?;
        let address = listener.local_addr().map_err(ServeError::Serve)?;
        let port = address.port();
        let development = config.is_development();
        let origin = match &config.public_url {
            Some(url) => Origin::public(url),
            None => Origin::development(port),
        };
        let guard = guard(&config);
        let outgoing = outgoing(&guard)?;
        let (engine, handle) = engine(&config, &storage, &outgoing);
        let service = routes();
        let methods = methods(&service);
        let app = app(
            &config, &storage, &origin, outgoing, guard, handle, &methods,
        );
        let accounts = development.then(|| DevAccounts::new(data.path(), port));
        let published = Published {
            origin: origin.clone(),
            accounts,
        };
        let router = router(service, app, &config, &storage, published);
        Ok(Self {
            listener,
            address,
            router,
            engine,
            storage,
            origin,
            methods,
            development,
            data,
        })
    }

    /// What to tell whoever started the server.
    pub fn banner(&self) -> String {
        banner::text(
            &self.origin,
            &self.methods,
            self.development,
            self.data.path(),
        )
    }

    /// Where the server listens, with the port that it got if port 0 was asked for.
    pub fn local_address(&self) -> SocketAddr {
        self.address
    }

    /// Where the server is reached.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// Serves until `shutdown` ends, then stops in order: no new calls, no new attempts, what is in
    /// flight finishes or is released. Stops as well if the delivery engine ends by itself: nothing is
    /// acknowledged that nobody would deliver.
    ///
    /// # Errors
    /// The listener or the store failed.
    pub async fn run(self, shutdown: impl Future<Output = ()> + Send) -> Result<(), ServeError> {
        let (stop, stopped) = watch::channel(false);
        let (delivers, ended) = oneshot::channel::<Infallible>();
        let engine = self.engine.run(until(stopped.clone()));
        let delivering = tokio::spawn(async move {
            // Dropped when the engine ends, in whatever way.
            let _delivers = delivers;
            engine.await
        });
        let shutdown = async {
            tokio::select! {
                () = shutdown => {}
                _ = ended => tracing::error!("the delivery engine has ended; the server stops"),
            }
        };
        let sweeping = tokio::spawn(sweep::run(self.storage.clone(), until(stopped)));
        let served = loggia_xrpc_server::serve(
            self.listener,
            self.router,
            ServeSettings::default(),
            shutdown,
        )
        .await;
        stop.send_replace(true);
        let delivered = delivering
            .await
            .map_err(io::Error::other)
            .map_err(ServeError::Serve)?;
        sweeping
            .await
            .map_err(io::Error::other)
            .map_err(ServeError::Serve)?;
        self.storage.close().await;
        served.map_err(ServeError::Serve)?;
        Ok(delivered?)
    }
}

/// Runs a server until the process is told to stop; `show` gets the banner.
///
/// # Errors
/// See [`ServeError`].
pub async fn serve(config: Config, show: impl Fn(&str)) -> Result<(), ServeError> {
    let server = Server::start(config, std::env::var(master_key::VARIABLE).ok()).await?;
    show(&server.banner());
    server.run(told_to_stop()).await
}

async fn listen(address: SocketAddr) -> Result<TcpListener, ServeError> {
    TcpListener::bind(address)
        .await
        .map_err(|source| ServeError::Bind { address, source })
}

fn guard(config: &Config) -> AddressGuard {
    let guard = AddressGuard::new().allow_loopback(config.is_development());
    config
        .allowed_networks
        .iter()
        .cloned()
        .fold(guard, AddressGuard::allow_network)
}

fn outgoing(guard: &AddressGuard) -> Result<Outgoing, BuildError> {
    let settings = ClientSettings {
        guard: guard.clone(),
        ..ClientSettings::default()
    };
    GuardedClient::new(settings).map(Outgoing)
}

type Delivering = (Engine<Deliveries, Outgoing, SystemClock>, Handle);

/// One process owns an SQLite file, so its old leases are its own whatever it was called.
fn engine(config: &Config, storage: &Storage, outgoing: &Outgoing) -> Delivering {
    let limits = Limits {
        attempt: config.attempt_timeout,
        ..Limits::default()
    };
    let node = NodeId::new("single");
    Engine::new(
        node,
        storage.deliveries(),
        outgoing.clone(),
        SystemClock,
        chance::number,
        limits,
    )
}

fn methods(service: &Service<App>) -> Vec<Nsid> {
    service
        .methods()
        .iter()
        .map(|method| Nsid::from_static(method.nsid))
        .collect()
}

fn app(
    config: &Config,
    storage: &Storage,
    origin: &Origin,
    outgoing: Outgoing,
    guard: AddressGuard,
    engine: Handle,
    methods: &[Nsid],
) -> App {
    let resolver =
        Resolver::new(outgoing, config.plc_directory.as_str()).development(config.is_development());
    let documents = CachedResolver::new(resolver, CacheSettings::default());
    let caps = Caps {
        per_space: config.registrations_per_space,
        per_caller: config.registrations_per_caller,
    };
    App {
        callers: Callers::new(documents, storage.replays(), origin.audiences()),
        description: Description {
            did: origin.did.clone(),
            methods: methods.into(),
        },
        lexicons: Lexicons::built_in(),
        notices: SpaceNotices {
            storage: storage.clone(),
            engine,
            caps,
            guard: guard.clone(),
        },
        webhooks: WebhookDesk {
            storage: storage.clone(),
            most: config.webhooks_per_account,
            guard,
        },
    }
}

fn router(
    service: Service<App>,
    app: App,
    config: &Config,
    storage: &Storage,
    published: Published,
) -> Router {
    let settings = Settings {
        rate_limits: vec![RateLimit::new(
            config.requests_per_minute,
            Duration::from_secs(60),
        )],
        rate_key: match config.proxies {
            0 => Arc::new(by_peer_address),
            proxies => by_forwarded_address(proxies),
        },
        version: env!("CARGO_PKG_VERSION").to_owned(),
        metrics: Some(Metrics::new()),
        public_metrics: config.is_development() || config.public_metrics,
        ..Settings::default()
    };
    let deliveries = storage.deliveries();
    let database = move || {
        let deliveries = deliveries.clone();
        async move { Ok(deliveries.backlog().await.map(drop)?) }
    };
    let service = service
        .settings(settings)
        .catalog(app.lexicons.clone())
        .health_check("the database", Arc::new(move || Box::pin(database())));
    service.with_state(app).merge(well_known::router(published))
}

async fn until(mut stopped: watch::Receiver<bool>) {
    // An error means that the sender is gone, which is a stop as well.
    stopped
        .wait_for(|stopped| *stopped)
        .await
        .map(drop)
        .unwrap_or_default();
}

/// Ends when the process gets SIGINT or SIGTERM.
async fn told_to_stop() {
    let interrupt = tokio::signal::ctrl_c();
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let mut terminate =
            signal(SignalKind::terminate()).expect("a runtime with I/O can wait for signals");
        tokio::select! {
            _ = interrupt => {}
            _ = terminate.recv() => {}
        }
    }
    #[cfg(not(unix))]
    interrupt
        .await
        .expect("a runtime with I/O can wait for signals");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_development_server_reaches_loopback() {
        let mut config = Config::defaults();
        for url in [
            "http://localhost:9000/",
            "http://127.0.0.1:9000/",
            "https://[::1]/",
        ] {
            assert!(guard(&config).read_url(url).is_ok(), "{url} in development");
        }
        config.public_url = Some(url::Url::parse("https://hub.example").expect("a URL"));
        for url in [
            "http://localhost:9000/",
            "http://127.0.0.1:9000/",
            "https://[::1]/",
        ] {
            assert!(
                guard(&config).read_url(url).is_err(),
                "{url} when published"
            );
        }
    }
}
