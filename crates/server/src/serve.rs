//! `loggia serve`: everything put together, started and stopped.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use loggia_callers::Callers;
use loggia_delivery::{Clock as _, SystemClock};
use loggia_storage::{Caps, Storage, StorageError};
use loggia_syntax::Nsid;
use loggia_xrpc_client::{BuildError, TxtSetupError};
use loggia_xrpc_server::{Metrics, RateLimit, ServeSettings, Service, Settings, told_to_stop};
use tokio::net::TcpListener;
use tokio::task::JoinError;

use crate::access::Access;
use crate::api_clients::ClientGate;
use crate::app::{App, Description};
use crate::archive::ArchiveError;
use crate::computing::Computing;
use crate::config::Config;
use crate::data_folder::{DataFolder, DataFolderError};
use crate::delivering::{Delivering, ServiceSigner};
use crate::delivery_desk::DeliveryDesk;
use crate::dev::DevAccounts;
use crate::health::Health;
use crate::keys::{Keyring, KeysError};
use crate::lexicons::Lexicons;
use crate::live_channel::InvalidRedis;
use crate::login::{self, LoginError, People};
use crate::master_key::{self, MasterKeyError};
use crate::origin::Origin;
use crate::reach;
use crate::routes::routes;
use crate::running::{DRAIN, Part, Running, STOP};
use crate::space_notices::SpaceNotices;
use crate::sweep;
use crate::webhook_desk::WebhookDesk;
use crate::well_known::{self, Published};
use crate::{access, banner, database};

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
    Dns(#[from] TxtSetupError),
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

/// A server that is ready to run.
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    router: Router,
    delivering: Delivering,
    storage: Storage,
    keys: Keyring,
    origin: Origin,
    people: People,
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
        let (storage, key) = database::open(&config, &data, master_key.as_deref()).await?;
        let keys = Keyring::open(&storage, SystemClock.now()).await?;
        let listener = listen(config.bind).await?;
        let address = listener.local_addr().map_err(ServeError::Serve)?;
        let origin = Origin::of(&config, address.port());
        let outgoing = reach::outgoing(&config)?;
        let documents = reach::documents(&config, &outgoing);
        let names = reach::names(&config, &outgoing)?;
        let parts = login::start::Parts {
            config: &config,
            master_key: &key,
            address,
            origin: &origin,
            storage: &storage,
            documents: documents.clone(),
            names,
            outgoing: &outgoing,
        };
        let people = login::start::people(parts).await?;
        let signer = ServiceSigner {
            keys: keys.clone(),
            issuer: origin.did.clone(),
        };
        let delivering = Delivering::new(&config, &storage, &outgoing, signer)?;
        let service = routes();
        let methods = methods(&service);
        let access = Access::new(&config, &key, &origin, &storage, &keys, &outgoing);
        let callers = access.callers(documents);
        let description = Description::new(&origin, &methods);
        let app = app(&config, description, &callers, &delivering.desk, &people);
        let development = config.is_development();
        let published = Published {
            origin: origin.clone(),
            keys: keys.clone(),
            accounts: development.then(|| DevAccounts::new(data.path(), address.port())),
        };
        let exchange = access.exchange(callers.clone());
        let pages = login::start::pages(people.clone(), access::rate_key(&config));
        let router = callers
            .with_nonces(router(service, app, &config, &storage, access.gate))
            .merge(exchange.router())
            .merge(well_known::router(published))
            .merge(pages);
        Ok(Self {
            listener,
            address,
            router,
            delivering,
            storage,
            keys,
            origin,
            people,
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

    /// The people who are logged in with a browser.
    pub fn people(&self) -> &People {
        &self.people
    }

    /// Serves until `shutdown` ends, then stops within [`STOP`](crate::STOP): no new calls, no new
    /// attempts, what is in flight finishes or is released. Stops as well if a part ends by itself:
    /// nothing is acknowledged that nobody would deliver.
    ///
    /// # Errors
    /// A part failed, ended by itself, or did not stop in time.
    pub async fn run(self, shutdown: impl Future<Output = ()> + Send) -> Result<(), ServeError> {
        let mut running = Running::new();
        let storage = &self.storage;
        self.delivering.run(&mut running, storage);
        running.start_steady(Part::Sweeping, |stopping| {
            sweep::run(storage.clone(), stopping)
        });
        let settings = ServeSettings {
            drain: DRAIN,
            ..ServeSettings::default()
        };
        running.start_steady(Part::Keys, |stopping| self.keys.follow(stopping));
        let stopping = running.stopping();
        let served = loggia_xrpc_server::serve(self.listener, self.router, settings, stopping);
        running.start(Part::Http, async {
            served.await.map_err(ServeError::Serve)
        });
        running.until(shutdown, self.storage.close(), STOP).await
    }
}

/// Runs a server until the process is told to stop; `show` gets the banner.
///
/// # Errors
/// See [`ServeError`].
pub async fn serve(config: Config, show: impl Fn(&str)) -> Result<(), ServeError> {
    let server = Server::start(config, master_key::given()).await?;
    show(&server.banner());
    server.run(told_to_stop()).await
}

async fn listen(address: SocketAddr) -> Result<TcpListener, ServeError> {
    TcpListener::bind(address)
        .await
        .map_err(|source| ServeError::Bind { address, source })
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
    description: Description,
    callers: &Callers,
    deliveries: &DeliveryDesk,
    people: &People,
) -> App {
    let caps = Caps {
        per_space: config.registrations_per_space,
        per_caller: config.registrations_per_caller,
    };
    App {
        callers: callers.clone(),
        computing: Computing::new(),
        deliveries: deliveries.clone(),
        description,
        lexicons: Lexicons::built_in(),
        notices: SpaceNotices {
            storage: deliveries.storage.clone(),
            engine: deliveries.engine.clone(),
            caps,
            guard: config.guard(),
        },
        people: people.clone(),
        webhooks: WebhookDesk {
            storage: deliveries.storage.clone(),
            most: config.webhooks_per_account,
            guard: config.guard(),
        },
    }
}

/// The metrics of this server, in which those of the whole process are.
fn metrics() -> Metrics {
    let metrics = Metrics::new();
    if metrics.install().is_err() {
        tracing::debug!("another server of this process counts deliveries");
    }
    metrics
}

fn router(
    service: Service<App>,
    app: App,
    config: &Config,
    storage: &Storage,
    gate: ClientGate,
) -> Router {
    let settings = Settings {
        rate_limits: vec![RateLimit::new(
            config.requests_per_minute,
            Duration::from_secs(60),
        )],
        rate_key: access::rate_key(config),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        metrics: Some(metrics()),
        public_metrics: config.is_development() || config.public_metrics,
        ..Settings::default()
    };
    let health = Health::new(storage.clone(), app.notices.engine.clone(), SystemClock);
    let service = service.settings(settings).catalog(app.lexicons.clone());
    health.watch(service).gate(gate).with_state(app)
}
