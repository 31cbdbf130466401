//! Settings: from `loggia.toml`, then from the environment (`LOGGIA_BIND` overrides `bind`).
//!
//! Every mistake is reported at once, with the setting, where it was set, and what would do.

mod given;
mod issuers;
mod streams;
mod table;
mod tables;

use std::fmt::{self, Display};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;
use loggia_storage::{Location, ReaderCaps, Synchronous};
use loggia_syntax::Did;
use loggia_xrpc_client::{AddressGuard, Network};
use url::Url;

use crate::archive::ArchivePlace;
use crate::daily::Kept;
use crate::data_folder::DataFolder;
use crate::origin;
use given::Given;
pub use table::SETTINGS;

use crate::api_clients::ClientKeys;
use crate::issuers::TrustedIssuer;
use crate::record_stream::StreamSettings;
use crate::space_credentials::SpaceForms;
use crate::space_hub::{Consent, HostAudience};
use crate::wisp::Version;

/// The settings of one server.
#[derive(Clone, Debug)]
pub struct Config {
    /// The address to listen on.
    pub bind: SocketAddr,
    /// Where others reach this server: an https origin. Without one, and bound to 127.0.0.1 or ::1,
    /// the server is in development.
    pub public_url: Option<Url>,
    /// The folder for the database, the master key and development accounts.
    pub data: PathBuf,
    /// A PostgreSQL database in the place of the SQLite file in the data folder. Holds a password:
    /// shown without.
    pub database: Option<Location>,
    /// When a commit to the SQLite file counts as done.
    pub synchronous: Synchronous,
    /// The directory that resolves `did:plc`.
    pub plc_directory: Url,
    /// A service that knows handles, asked instead of the handles' own domains: in development, the
    /// PDS.
    pub handle_service: Option<Url>,
    /// The service that knows how accounts show themselves: asked for pictures.
    pub profile_service: Url,
    /// Nodes of Streamplace that are believed when they say that video has come in.
    pub stream_nodes: Arc<[Did]>,
    /// Most `place.stream.server` webhooks of one account.
    pub webhooks_per_account: u32,
    /// Most endpoints that one account makes.
    pub endpoints_per_account: u32,
    /// Most registrations of one space, and of one caller: a registration multiplies every write.
    pub registrations_per_space: u32,
    /// See [`Config::registrations_per_space`].
    pub registrations_per_caller: u32,
    /// Most registrations of all spaces of one authority.
    pub registrations_per_authority: u32,
    /// What it takes to register a service.
    pub registration_consent: Consent,
    /// Most projections that read from the record stream or from spaces, of one owner.
    pub reading_projections_per_account: u32,
    /// Most projections that read from the record stream, of all owners.
    pub stream_projections: u32,
    /// Whether there are spaces at all.
    pub spaces: bool,
    /// Who may tell of writes in every space.
    pub space_admins: Arc<[Did]>,
    /// Private networks that deliveries may reach all the same.
    pub allowed_networks: Vec<Network>,
    /// Who is asked for names, if not whom the system asks.
    pub name_server: Option<SocketAddr>,
    /// The deadline of one delivery attempt, DNS to the end of the answer.
    pub attempt_timeout: Duration,
    /// How long a node's word that it lives is good for, where several share a database: what a node
    /// that died held goes out from another after so long.
    pub lease: SignedDuration,
    /// How many attempts a delivery to a Wisp webhook gets, if not as many as its generation has.
    pub wisp_attempts: Option<u32>,
    /// Requests a minute of one caller, by address; at least one.
    pub requests_per_minute: u32,
    /// Whether a published server shows `/metrics` to everybody; a development server always does.
    pub public_metrics: bool,
    /// Whether clients must say who they are.
    pub client_keys: ClientKeys,
    /// How many reverse proxies stand in front: the caller is the address that the outermost saw.
    pub proxies: usize,
    /// Which forms of space credentials are taken.
    pub space_credentials: SpaceForms,
    /// Accounts here in whose name spaces that are hosted elsewhere are read, in the order in which they
    /// are tried. Without any, no such space is copied.
    pub space_readers: Arc<[Did]>,
    /// How often the hosts of copied spaces are visited.
    pub space_visits: SignedDuration,
    /// For whom tokens are with which the hosts of spaces elsewhere are told of writes.
    pub space_host_audience: HostAudience,
    /// Whether drafts of the protocol are taken.
    pub space_drafts: bool,
    /// A folder of lexicons by which records are validated beside the built-in ones.
    pub lexicons: Option<PathBuf>,
    /// Whether lexicons that are not known are looked up in the network.
    pub lexicon_network: bool,
    /// Most used tokens that are remembered until they end; at least one. When there are as many,
    /// callers are refused.
    pub used_tokens_kept: u32,
    /// How long what is over stays in the database.
    pub kept: Kept,
    /// Where they go then.
    pub archive: ArchivePlace,
    /// The Redis that is told of outcomes, if one is. May hold a password: shown without.
    pub redis: Option<Url>,
    /// The channel on which it is told.
    pub redis_channel: String,
    /// The port of a second listener, on loopback, that answers `/health` and `/live` alone.
    pub health_port: Option<u16>,
    /// A Jetstream host, as one more stream.
    pub jetstream_url: Option<String>,
    /// Which generation of Wisp's service the receivers of its webhooks know.
    pub wisp_version: Version,
    /// Most active `place.wisp.v2.wh` webhooks of one account, and of all.
    pub wisp_webhooks_per_account: u32,
    /// See [`Config::wisp_webhooks_per_account`].
    pub wisp_webhooks: u32,
    /// The relay that is asked at the start which accounts have `place.wisp.v2.wh` records; without it
    /// only those are known that a stream has told of, or that are logged in.
    pub wisp_relay: Option<Url>,
    /// Whose access tokens are taken beside the server's own. Set in the file only, as `[[issuers]]`.
    pub issuers: Vec<TrustedIssuer>,
    /// The record streams that are consumed, the one of `jetstream_url` among them. The others are set
    /// in the file only, as `[[streams]]`.
    pub streams: Vec<StreamSettings>,
}

/// One wrong setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// The setting.
    pub name: String,
    /// Where it was set: a file, the environment, or nowhere.
    pub source: String,
    /// What is wrong and what would do.
    pub message: String,
}

/// Every wrong setting.
#[derive(Debug)]
pub struct ConfigError(pub Vec<Mistake>);

impl std::error::Error for ConfigError {}

impl Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the settings cannot be used:")?;
        for mistake in &self.0 {
            write!(
                f,
                "\n  {} ({}): {}",
                mistake.name, mistake.source, mistake.message
            )?;
        }
        Ok(())
    }
}

impl Config {
    /// Reads the file, if there is one, then the `LOGGIA_…` variables of the environment.
    ///
    /// # Errors
    /// Every setting that is unknown, unreadable or out of range, all at once.
    pub fn load(
        file: Option<&Path>,
        environment: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, ConfigError> {
        let mut given = Given::default();
        if let Some(path) = file {
            given.read_file(path);
        }
        given.read_environment(environment);
        let config = given.config();
        given.refuse_unknown();
        if given.mistakes.is_empty() {
            Ok(config)
        } else {
            Err(ConfigError(given.mistakes))
        }
    }

    /// The settings that hold when nothing is set.
    pub fn defaults() -> Self {
        Given::default().config()
    }

    /// How many projections may read what is not their owners'.
    pub(crate) fn readers(&self) -> ReaderCaps {
        ReaderCaps {
            of_owner: self.reading_projections_per_account,
            of_source: self.stream_projections,
        }
    }

    /// Every setting with its value, as it would be written in the environment; but for `issuers` and
    /// `streams`, which cannot be written there.
    pub fn shown(&self) -> Vec<(&'static str, String)> {
        let networks: Vec<_> = self
            .allowed_networks
            .iter()
            .map(ToString::to_string)
            .collect();
        let nodes: Vec<_> = self.stream_nodes.iter().map(Did::as_str).collect();
        let admins: Vec<_> = self.space_admins.iter().map(Did::as_str).collect();
        let readers: Vec<_> = self.space_readers.iter().map(Did::as_str).collect();
        vec![
            ("bind", self.bind.to_string()),
            (
                "public_url",
                self.public_url
                    .as_ref()
                    .map_or(String::new(), Url::to_string),
            ),
            ("data", self.data.display().to_string()),
            (
                "database_url",
                self.database
                    .as_ref()
                    .map_or(String::new(), Location::to_string),
            ),
            ("sqlite_synchronous", self.synchronous.to_string()),
            ("plc_directory", self.plc_directory.to_string()),
            (
                "handle_service",
                self.handle_service
                    .as_ref()
                    .map_or(String::new(), Url::to_string),
            ),
            ("profile_service", self.profile_service.to_string()),
            ("stream_nodes", nodes.join(",")),
            (
                "webhooks_per_account",
                self.webhooks_per_account.to_string(),
            ),
            (
                "endpoints_per_account",
                self.endpoints_per_account.to_string(),
            ),
            (
                "registrations_per_space",
                self.registrations_per_space.to_string(),
            ),
            (
                "registrations_per_caller",
                self.registrations_per_caller.to_string(),
            ),
            (
                "registrations_per_authority",
                self.registrations_per_authority.to_string(),
            ),
            (
                "registration_consent",
                self.registration_consent.to_string(),
            ),
            (
                "reading_projections_per_account",
                self.reading_projections_per_account.to_string(),
            ),
            ("stream_projections", self.stream_projections.to_string()),
            ("spaces", self.spaces.to_string()),
            ("space_admins", admins.join(",")),
            ("allowed_networks", networks.join(",")),
            (
                "name_server",
                self.name_server
                    .map(|server| server.to_string())
                    .unwrap_or_default(),
            ),
            (
                "attempt_timeout_ms",
                self.attempt_timeout.as_millis().to_string(),
            ),
            ("lease_seconds", self.lease.as_secs().to_string()),
            (
                "wisp_attempts",
                self.wisp_attempts
                    .map(|most| most.to_string())
                    .unwrap_or_default(),
            ),
            ("requests_per_minute", self.requests_per_minute.to_string()),
            ("public_metrics", self.public_metrics.to_string()),
            ("client_keys", self.client_keys.to_string()),
            ("proxies", self.proxies.to_string()),
            ("space_credentials", self.space_credentials.to_string()),
            ("space_readers", readers.join(",")),
            (
                "space_visit_seconds",
                self.space_visits.as_secs().to_string(),
            ),
            ("space_host_audience", self.space_host_audience.to_string()),
            ("space_drafts", self.space_drafts.to_string()),
            (
                "lexicons",
                self.lexicons
                    .as_ref()
                    .map_or(String::new(), |folder| folder.display().to_string()),
            ),
            ("lexicon_network", self.lexicon_network.to_string()),
            ("used_tokens_kept", self.used_tokens_kept.to_string()),
            ("keep_delivered_days", days(self.kept.delivered).to_string()),
            (
                "keep_dead_letters_days",
                days(self.kept.dead_letters).to_string(),
            ),
            (
                "keep_source_events_days",
                days(self.kept.source_events).to_string(),
            ),
            ("keep_space_log_days", days(self.kept.space_log).to_string()),
            ("archive", self.archive.to_string()),
            (
                "redis_url",
                self.redis.as_ref().map_or(String::new(), without_password),
            ),
            ("redis_channel", self.redis_channel.clone()),
            (
                "jetstream_url",
                self.jetstream_url.clone().unwrap_or_default(),
            ),
            (
                "health_port",
                self.health_port
                    .map_or(String::new(), |port| port.to_string()),
            ),
            ("wisp_version", self.wisp_version.to_string()),
            (
                "wisp_webhooks_per_account",
                self.wisp_webhooks_per_account.to_string(),
            ),
            ("wisp_webhooks", self.wisp_webhooks.to_string()),
            (
                "wisp_relay",
                self.wisp_relay
                    .as_ref()
                    .map_or(String::new(), Url::to_string),
            ),
        ]
    }

    /// Whether this server is for development: bound to where `localhost` leads, and not published.
    /// Only then are there development accounts, and receivers on loopback.
    pub fn is_development(&self) -> bool {
        origin::is_localhost(self.bind.ip()) && self.public_url.is_none()
    }

    /// Where everything is kept.
    pub fn location(&self) -> Location {
        let file = || Location::file(DataFolder::database_in(&self.data));
        let location = self.database.clone().unwrap_or_else(file);
        location.synchronous(self.synchronous)
    }

    /// Which addresses this server may call.
    pub fn guard(&self) -> AddressGuard {
        let guard = AddressGuard::new().allow_loopback(self.is_development());
        let networks = self.allowed_networks.iter().cloned();
        networks.fold(guard, AddressGuard::allow_network)
    }
}

fn days(kept: SignedDuration) -> i64 {
    kept.as_hours() / 24
}

fn without_password(url: &Url) -> String {
    let mut shown = url.clone();
    if url.password().is_some() && shown.set_password(Some("…")).is_err() {
        return "(hidden)".to_owned();
    }
    shown.to_string()
}

#[cfg(test)]
mod tests;
