//! `loggia serve`: everything put together, started and stopped.

mod composing;
mod error;
mod ground;

use std::future::Future;
use std::net::SocketAddr;

use axum::Router;
use loggia_syntax::Nsid;
use loggia_xrpc_server::{ServeSettings, told_to_stop};

use crate::banner;
use crate::config::Config;
use crate::login::People;
use crate::master_key;
use crate::origin::Origin;
use crate::running::{DRAIN, Part, Running, STOP};
use crate::sweep;
use composing::Work;
pub use error::ServeError;
use ground::Ground;
pub(crate) use ground::listen;

/// Connections that are open at once: as many streams as there may be, and calls beside them.
const MOST_CONNECTIONS: usize = 16_000;

/// A server that is ready to run.
pub struct Server {
    ground: Ground,
    work: Work,
    router: Router,
    methods: Vec<Nsid>,
    streams: Vec<String>,
    development: bool,
}

impl Server {
    /// Opens everything, listens, and serves nothing yet.
    ///
    /// # Errors
    /// Whatever keeps a server from starting, with what to do.
    pub async fn start(config: Config, master_key: Option<String>) -> Result<Self, ServeError> {
        let ground = Ground::lay(&config, master_key).await?;
        let work = Work::begin(&config, &ground).await?;
        let (router, methods) = composing::compose(&config, &ground, &work);
        Ok(Self {
            ground,
            work,
            router,
            methods,
            streams: config.streams.iter().map(|one| one.name.clone()).collect(),
            development: config.is_development(),
        })
    }

    /// What to tell whoever started the server.
    pub fn banner(&self) -> String {
        banner::text(
            &self.ground.origin,
            &self.methods,
            self.development,
            self.ground.data.path(),
            &self.streams,
        )
    }

    /// Where the server listens, with the port that it got if port 0 was asked for.
    pub fn local_address(&self) -> SocketAddr {
        self.ground.address
    }

    /// Where the server is reached.
    pub fn origin(&self) -> &Origin {
        &self.ground.origin
    }

    /// The people who are logged in with a browser.
    pub fn people(&self) -> &People {
        &self.ground.people
    }

    /// Serves until `shutdown` ends, then stops within [`STOP`](crate::STOP): no new calls, no new
    /// attempts, what is in flight finishes or is released. Stops as well if a part ends by itself:
    /// nothing is acknowledged that nobody would deliver.
    ///
    /// # Errors
    /// A part failed, ended by itself, or did not stop in time.
    pub async fn run(self, shutdown: impl Future<Output = ()> + Send) -> Result<(), ServeError> {
        let mut running = Running::new();
        let Ground {
            storage,
            keys,
            listener,
            ..
        } = self.ground;
        self.work.run(&mut running, &storage);
        running.start_steady(Part::Sweeping, |stopping| {
            sweep::run(storage.clone(), stopping)
        });
        running.start_steady(Part::Keys, |stopping| keys.follow(stopping));
        let settings = ServeSettings {
            drain: DRAIN,
            most_connections: MOST_CONNECTIONS,
            ..ServeSettings::default()
        };
        let stopping = running.stopping();
        let served = loggia_xrpc_server::serve(listener, self.router, settings, stopping);
        running.start(Part::Http, async {
            served.await.map_err(ServeError::Serve)
        });
        running.until(shutdown, storage.close(), STOP).await
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
