//! Settings: from `loggia.toml`, then from the environment (`LOGGIA_BIND` overrides `bind`).
//!
//! Every mistake is reported at once, with the setting, where it was set, and what would do.

mod given;
mod issuers;

use std::fmt::{self, Display};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::SignedDuration;
use loggia_storage::{Location, Synchronous};
use loggia_xrpc_client::{AddressGuard, Network};
use url::Url;

use crate::archive::ArchivePlace;
use crate::daily::Kept;
use crate::data_folder::DataFolder;
use crate::origin;
use given::Given;

use crate::api_clients::ClientKeys;
use crate::issuers::TrustedIssuer;
use crate::space_credentials::SpaceForms;

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
    /// Most `place.stream.server` webhooks of one account.
    pub webhooks_per_account: u32,
    /// Most endpoints that one account makes.
    pub endpoints_per_account: u32,
    /// Most registrations of one space, and of one caller: a registration multiplies every write.
    pub registrations_per_space: u32,
    /// See [`Config::registrations_per_space`].
    pub registrations_per_caller: u32,
    /// Private networks that deliveries may reach all the same.
    pub allowed_networks: Vec<Network>,
    /// The deadline of one delivery attempt, DNS to the end of the answer.
    pub attempt_timeout: Duration,
    /// How long a node's word that it lives is good for, where several share a database: what a node
    /// that died held goes out from another after so long.
    pub lease: SignedDuration,
    /// How many attempts a delivery to a Wisp webhook gets.
    pub wisp_attempts: u32,
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
    /// Most used tokens that are remembered until they end; at least one. When there are as many,
    /// callers are refused.
    pub used_tokens_kept: u32,
    /// How long deliveries stay in the database after they ended.
    pub kept: Kept,
    /// Where they go then.
    pub archive: ArchivePlace,
    /// The Redis that is told of outcomes, if one is. May hold a password: shown without.
    pub redis: Option<Url>,
    /// The channel on which it is told.
    pub redis_channel: String,
    /// Whose access tokens are taken beside the server's own. Set in the file only, as `[[issuers]]`.
    pub issuers: Vec<TrustedIssuer>,
}

/// What each setting is called and means, for `loggia check-config` and the README.
pub const SETTINGS: &[(&str, &str, &str)] = &[
    ("bind", "127.0.0.1:2510", "address to listen on"),
    (
        "public_url",
        "",
        "https origin where others reach this server",
    ),
    (
        "data",
        "data",
        "folder for the database, the master key and development accounts",
    ),
    (
        "database_url",
        "",
        "PostgreSQL database that any number of nodes share, postgres://user:password@host/database; \
         without it an SQLite file in the data folder",
    ),
    (
        "sqlite_synchronous",
        "full",
        "when a commit to the SQLite file is done: full (it is on the disk) or normal (faster, and the \
         last ones may be lost with the power)",
    ),
    (
        "plc_directory",
        "https://plc.directory",
        "directory that resolves did:plc",
    ),
    (
        "handle_service",
        "",
        "XRPC service that is asked for handles instead of their own domains",
    ),
    ("webhooks_per_account", "50", "most webhooks of one account"),
    (
        "endpoints_per_account",
        "100",
        "most endpoints that one account makes",
    ),
    (
        "registrations_per_space",
        "256",
        "most registrations of one space",
    ),
    (
        "registrations_per_caller",
        "1024",
        "most registrations made by one caller",
    ),
    (
        "allowed_networks",
        "",
        "private networks that deliveries may reach, as CIDR, comma-separated",
    ),
    (
        "attempt_timeout_ms",
        "10000",
        "deadline of one delivery attempt, 100 to 30000",
    ),
    (
        "lease_seconds",
        "30",
        "how long nodes wait for one that is not heard of before they take over its deliveries, 5 to \
         3600, at least twice the attempt timeout",
    ),
    (
        "wisp_attempts",
        "12",
        "attempts of a delivery to a Wisp webhook, 1 to 100; DELIVERY_MAX_RETRIES is read as well",
    ),
    (
        "requests_per_minute",
        "3000",
        "requests a minute of one caller address",
    ),
    (
        "public_metrics",
        "false",
        "whether a published server shows /metrics to everybody",
    ),
    (
        "client_keys",
        "optional",
        "whether API clients must send an X-Client-Key: off, optional or required",
    ),
    (
        "proxies",
        "0",
        "how many reverse proxies stand in front, whose X-Forwarded-For is believed",
    ),
    (
        "space_credentials",
        "october",
        "which forms of space credentials are taken: october, august, both or off",
    ),
    (
        "used_tokens_kept",
        "500000",
        "most used tokens that are remembered; beyond, callers get 503 until some have ended",
    ),
    (
        "keep_delivered_days",
        "7",
        "days that delivered and cancelled deliveries stay visible, 1 to 3650",
    ),
    (
        "keep_dead_letters_days",
        "30",
        "days that dead letters stay visible and can be replayed, 1 to 3650",
    ),
    (
        "archive",
        "",
        "where deliveries go after that: a folder, or s3://bucket/folder with the AWS_ variables",
    ),
    (
        "redis_url",
        "",
        "Redis that is told of outcomes, redis://host:6379; also read from REDIS_URL",
    ),
    (
        "redis_channel",
        "webhook:events",
        "channel on which it is told; also read from WEBHOOK_EVENTS_CHANNEL",
    ),
];

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

    /// Every setting with its value, as it would be written in the environment; but for `issuers`,
    /// which cannot be written there.
    pub fn shown(&self) -> Vec<(&'static str, String)> {
        let networks: Vec<_> = self
            .allowed_networks
            .iter()
            .map(ToString::to_string)
            .collect();
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
            ("allowed_networks", networks.join(",")),
            (
                "attempt_timeout_ms",
                self.attempt_timeout.as_millis().to_string(),
            ),
            ("lease_seconds", self.lease.as_secs().to_string()),
            ("wisp_attempts", self.wisp_attempts.to_string()),
            ("requests_per_minute", self.requests_per_minute.to_string()),
            ("public_metrics", self.public_metrics.to_string()),
            ("client_keys", self.client_keys.to_string()),
            ("proxies", self.proxies.to_string()),
            ("space_credentials", self.space_credentials.to_string()),
            ("used_tokens_kept", self.used_tokens_kept.to_string()),
            ("keep_delivered_days", days(self.kept.delivered).to_string()),
            (
                "keep_dead_letters_days",
                days(self.kept.dead_letters).to_string(),
            ),
            ("archive", self.archive.to_string()),
            (
                "redis_url",
                self.redis.as_ref().map_or(String::new(), without_password),
            ),
            ("redis_channel", self.redis_channel.clone()),
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
