//! What a server does, and what answers its callers.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::middleware::from_fn_with_state;
use loggia_callers::Callers;
use loggia_delivery::SystemClock;
use loggia_storage::{Caps, Storage};
use loggia_syntax::Nsid;
use loggia_xrpc_server::{Metrics, RateLimit, Service, Settings};

use super::ServeError;
use super::ground::Ground;
use crate::access::{self, Access};
use crate::api_clients::ClientGate;
use crate::app::{App, Description};
use crate::at_once::AtOnce;
use crate::community::CommunityDesk;
use crate::computing::Computing;
use crate::config::Config;
use crate::delivering::{Delivering, ServiceSigner};
use crate::dev::DevAccounts;
use crate::health::Health;
use crate::host_places::Places;
use crate::lexicon_network::{LexiconNetwork, Published as PublishedLexicons};
use crate::lexicons::Lexicons;
use crate::login;
use crate::origin::SERVICE;
use crate::outage;
use crate::probes::Probes;
use crate::projections::{self, ProjectionDesk, folding};
use crate::record_stream::LiveStreams;
use crate::routes::routes;
use crate::running::{Part, Running};
use crate::space_copies::{Asking, Purse, Snapshots, SpaceCopies, Syncer, limits};
use crate::space_gate::SpaceGate;
use crate::space_host::{HostedAccounts, Hosting, finish_closing};
use crate::space_hub::Outbound;
use crate::space_notices::SpaceNotices;
use crate::streaming::{self, Streaming};
use crate::streamplace::{Mirror, Streamplace};
use crate::used_tokens;
use crate::webhook_desk::WebhookDesk;
use crate::well_known::{self, Published};
use crate::wisp::rest::Rest;
use crate::wisp::{self, SecretDesk};
use crate::wisp_registry::Bell;

/// What goes on while callers are answered.
pub(super) struct Work {
    pub(super) delivering: Delivering,
    streaming: Option<Streaming>,
    streams: LiveStreams,
    streamplace: Streamplace,
    probes: Option<Probes>,
    secrets: SecretDesk,
    bell: Bell,
    outbound: Outbound,
    /// Calls `outbound`.
    calls: Bell,
    lexicons: Lexicons,
    projections: ProjectionDesk,
    computing: Computing,
    copies: SpaceCopies,
    syncer: Syncer,
}

impl Work {
    /// All of it, ready to run.
    pub(super) async fn begin(config: &Config, ground: &Ground) -> Result<Self, ServeError> {
        let Ground {
            storage, outgoing, ..
        } = ground;
        let signer = ServiceSigner {
            keys: ground.keys.clone(),
            issuer: ground.origin.did.clone(),
            accounts: accounts(config, ground),
            hosts: config.space_host_audience,
        };
        let delivering = Delivering::new(config, storage, outgoing, signer)?;
        let streams = LiveStreams::starting(config.streams.iter().map(|one| &*one.name));
        let probes = match config.health_port {
            Some(port) => Some(Probes::bind(port, streams.clone()).await?),
            None => None,
        };
        let mirror = Mirror::new(
            ground.documents.clone(),
            ground.names.clone(),
            outgoing.0.clone(),
            config.profile_service.clone(),
        );
        let streamplace = Streamplace::new(&delivering.desk, mirror, &config.stream_nodes);
        let bell = Bell::default();
        let lexicons = Lexicons::from_start(config.lexicons.as_deref())?;
        let projections = ProjectionDesk::new(&delivering.desk, &lexicons, config.readers());
        let streaming = Streaming::new(streaming::Parts {
            config,
            storage,
            outgoing,
            documents: &ground.documents,
            delivering: &delivering,
            streamplace: &streamplace,
            feeding: projections.feeding(),
            live: &streams,
            bell: &bell,
        });
        let engine = delivering.desk.engine.clone();
        let (computing, calls) = (Computing::new(), Bell::default());
        let copies = copies(config, ground, notices(config, &delivering, &calls));
        let syncer = syncer(config, ground, (&copies, &computing), &delivering);
        Ok(Self {
            computing,
            projections,
            lexicons,
            outbound: outbound(config, ground, &syncer),
            syncer,
            calls,
            secrets: SecretDesk::new(storage.clone(), engine, bell.clone()),
            delivering,
            streaming,
            streams,
            streamplace,
            probes,
            bell,
            copies,
        })
    }

    /// Starts all of it.
    pub(super) fn run(self, running: &mut Running, storage: &Storage) {
        self.delivering.run(running, storage);
        if let Some(streaming) = self.streaming {
            streaming.run(running);
        }
        if let Some(probes) = self.probes {
            let answering = probes.run(running.stopping());
            running.start(Part::Probes, answering);
        }
        let (outbound, calls, copies) = (self.outbound, self.calls, self.copies);
        running.start_steady(Part::SpaceCalls, |stopping| outbound.serve(calls, stopping));
        running.start_steady(Part::SpaceClosing, |stopping| {
            finish_closing(copies, stopping)
        });
        let streamplace = self.streamplace;
        running.start_steady(Part::Streamplace, |stopping| streamplace.run(stopping));
        running.start_steady(Part::Folding, |stopping| {
            folding::run(self.projections, stopping)
        });
        let syncer = self.syncer;
        running.start_steady(Part::SpaceCopies, |stopping| syncer.run(stopping));
    }
}

/// What is known of spaces that are hosted elsewhere.
fn copies(config: &Config, ground: &Ground, notices: SpaceNotices) -> SpaceCopies {
    SpaceCopies {
        storage: ground.storage.clone(),
        notices,
        accounts: accounts(config, ground),
        bell: Bell::default(),
        purse: Purse::default(),
    }
}

/// What calls others of spaces.
fn outbound(config: &Config, ground: &Ground, syncer: &Syncer) -> Outbound {
    Outbound {
        storage: ground.storage.clone(),
        engine: syncer.copies.notices.engine.clone(),
        documents: ground.documents.clone(),
        guard: config.guard(),
        accounts: syncer.copies.accounts.clone(),
        places: syncer.asking.places.clone(),
    }
}

/// What keeps copies of repositories that are hosted elsewhere.
fn syncer(
    config: &Config,
    ground: &Ground,
    (copies, computing): (&SpaceCopies, &Computing),
    delivering: &Delivering,
) -> Syncer {
    Syncer {
        copies: copies.clone(),
        asking: asking(config, ground, copies),
        computing: computing.clone(),
        node: delivering.node.clone(),
        lease: config.lease,
        service: format!("{}{SERVICE}", ground.origin.did),
        between_visits: config.space_visits,
        snapshots: Snapshots::default(),
    }
}

/// The way to other hosts of spaces and authors.
fn asking(config: &Config, ground: &Ground, copies: &SpaceCopies) -> Asking {
    let (of_each, of_all) = limits::QUESTIONS;
    Asking {
        documents: ground.documents.clone(),
        outgoing: ground.outgoing.clone(),
        accounts: copies.accounts.clone(),
        purse: copies.purse.clone(),
        places: Places::default(),
        readers: Arc::clone(&config.space_readers),
        questions: Arc::new(AtOnce::new(of_each, of_all)),
    }
}

/// What tells of spaces.
fn notices(config: &Config, delivering: &Delivering, calls: &Bell) -> SpaceNotices {
    let deliveries = &delivering.desk;
    SpaceNotices {
        storage: deliveries.storage.clone(),
        engine: deliveries.engine.clone(),
        caps: Caps {
            per_space: config.registrations_per_space,
            per_authority: config.registrations_per_authority,
            per_caller: config.registrations_per_caller,
        },
        consent: config.registration_consent,
        drafts: config.space_drafts,
        admins: config.space_admins.clone(),
        guard: config.guard(),
        bell: calls.clone(),
    }
}

/// Everything that answers, and which methods there are.
pub(super) fn compose(config: &Config, ground: &Ground, work: &Work) -> (Router, Vec<Nsid>) {
    let Ground {
        storage,
        keys,
        origin,
        people,
        ..
    } = ground;
    let service = routes();
    let methods = methods(&service);
    let access = Access::new(
        config,
        &ground.master_key,
        origin,
        storage,
        keys,
        &ground.outgoing,
    );
    let callers = access.callers(ground.documents.clone());
    let description = Description::new(origin, &methods);
    let accounts = work.copies.accounts.clone();
    let hosting = Hosting {
        accounts: accounts.clone(),
        documents: ground.documents.clone(),
        outgoing: ground.outgoing.clone(),
        feeding: work.projections.feeding(),
        attestations: Arc::new(access.attestations()),
        copies: work.copies.clone(),
        asking: work.syncer.asking.clone(),
        network: network(config, ground, work),
    };
    let app = app(config, ground, work, (&callers, hosting), description);
    let published = Published {
        origin: origin.clone(),
        keys: keys.clone(),
        accounts,
        development: config.is_development(),
    };
    let reader = work.streaming.as_ref().map(|_| work.bell.clone());
    let rest = Rest::new(config, people, &work.secrets, storage, reader);
    let rate_key = access::rate_key(config);
    let histories = projections::rest::Rest::new(
        work.projections.clone(),
        access.gate.clone(),
        config.requests_per_minute,
        rate_key,
    );
    let exchange = access.exchange(callers.clone());
    let used = access.used_tokens();
    let pages = login::start::pages(people.clone(), access::rate_key(config));
    let router = callers
        .with_nonces(router(service, app, config, storage, access.gate, work))
        .merge(histories.router())
        .merge(exchange.router())
        .merge(well_known::router(published))
        .merge(wisp::rest::router(rest))
        .merge(pages)
        .layer(from_fn_with_state(used, used_tokens::keep));
    (router, methods)
}

/// The way to all others, if it may be gone.
fn network(config: &Config, ground: &Ground, work: &Work) -> Option<LexiconNetwork> {
    let published = || PublishedLexicons {
        names: ground.names.clone(),
        documents: ground.documents.clone(),
        client: ground.outgoing.0.clone(),
    };
    let known = (work.lexicons.clone(), work.computing.clone());
    let network = || LexiconNetwork::new(Arc::new(published()), known.0, known.1);
    config.lexicon_network.then(network)
}

/// The accounts that are hosted here.
fn accounts(config: &Config, ground: &Ground) -> HostedAccounts {
    let local = || DevAccounts::new(ground.data.path(), ground.address.port());
    let development = config.is_development().then(local);
    HostedAccounts::new(&ground.storage, development, &ground.origin.url)
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
    ground: &Ground,
    work: &Work,
    (callers, hosting): (&Callers, Hosting),
    description: Description,
) -> App {
    let deliveries = &work.delivering.desk;
    let (computing, lexicons) = (work.computing.clone(), work.lexicons.clone());
    let notices = work.copies.notices.clone();
    App {
        callers: callers.clone(),
        communities: CommunityDesk::new(
            deliveries,
            &hosting.accounts,
            &ground.outgoing,
            config.attempt_timeout,
        ),
        spaces: hosting.spaces(&computing, &lexicons),
        computing,
        deliveries: deliveries.clone(),
        description,
        lexicons,
        notices,
        people: ground.people.clone(),
        projections: work.projections.clone(),
        secrets: work.secrets.clone(),
        streamplace: work.streamplace.clone(),
        webhooks: WebhookDesk {
            storage: deliveries.storage.clone(),
            engine: deliveries.engine.clone(),
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
    work: &Work,
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
        is_outage: outage::is_outage,
        ..Settings::default()
    };
    let engine = app.notices.engine.clone();
    let health =
        Health::new(storage.clone(), engine, SystemClock).with_streams(work.streams.clone());
    let service = service.settings(settings).catalog(app.lexicons.clone());
    let gate = SpaceGate {
        spaces: config.spaces,
        gate,
    };
    health.watch(service).gate(gate).with_state(app)
}
