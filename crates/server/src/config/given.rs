//! What was set, from wherever, on its way to a [`Config`].

mod take;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use jiff::SignedDuration;
use loggia_xrpc_client::AddressGuard;
use url::Url;

use super::issuers::GivenIssuers;
use super::streams;
use super::tables::Tables;
use super::{Config, Mistake, SETTINGS};
use crate::api_clients::ClientKeys;
use crate::archive::ArchivePlace;
use crate::space_credentials::SpaceForms;
use crate::{master_key, operator, origin};

/// The settings that a file may give as a list instead of a text with commas.
const LISTS: [&str; 4] = [
    "allowed_networks",
    "space_admins",
    "space_readers",
    "stream_nodes",
];

/// Variables that set-ups of Wisp's webhook service have already; `LOGGIA_…` comes before them.
const ALSO: [(&str, &str); 6] = [
    ("DELIVERY_TIMEOUT_MS", "attempt_timeout_ms"),
    ("DELIVERY_MAX_RETRIES", "wisp_attempts"),
    ("REDIS_URL", "redis_url"),
    ("WEBHOOK_EVENTS_CHANNEL", "redis_channel"),
    ("JETSTREAM_URL", "jetstream_url"),
    ("HEALTH_PORT", "health_port"),
];

/// What was set, by name, with where.
#[derive(Default)]
pub(super) struct Given {
    values: BTreeMap<String, (String, String)>,
    issuers: GivenIssuers,
    streams: Tables,
    pub(super) mistakes: Vec<Mistake>,
}

impl Given {
    pub(super) fn read_file(&mut self, path: &Path) {
        let source = path.display().to_string();
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) => return self.mistake("file", &source, format!("cannot be read: {error}")),
        };
        let table = match text.parse::<toml::Table>() {
            Ok(table) => table,
            Err(error) => return self.mistake("file", &source, format!("is not TOML: {error}")),
        };
        for (name, value) in table {
            if name == "issuers" {
                self.issuers.tables.read(value, &source);
                continue;
            }
            if name == "streams" {
                self.streams.read(value, &source);
                continue;
            }
            let value = match value {
                toml::Value::Array(list) if LISTS.contains(&name.as_str()) => {
                    list.into_iter().map(written).collect::<Vec<_>>().join(",")
                }
                other => written(other),
            };
            self.values.insert(name, (value, source.clone()));
        }
    }

    pub(super) fn read_environment(
        &mut self,
        environment: impl IntoIterator<Item = (String, String)>,
    ) {
        let environment: Vec<_> = environment.into_iter().collect();
        for (variable, name) in ALSO {
            let found = environment.iter().find(|(known, _)| known == variable);
            if let Some((_, value)) = found {
                let source = format!("environment, {variable}");
                self.values.insert(name.to_owned(), (value.clone(), source));
            }
        }
        for (variable, value) in environment {
            // No setting, because settings are shown; and where it is used it is read again.
            if variable == master_key::VARIABLE {
                if let Err(error) = master_key::parse(&value, "it") {
                    self.mistake(&variable, "environment", error.to_string());
                }
                continue;
            }
            if self.issuers.take_secret(&variable, &value) {
                continue;
            }
            // These belong to the command line.
            let apart = [
                "LOGGIA_LOG",
                "LOGGIA_CONFIG_FILE",
                operator::NEW_KEY_VARIABLE,
            ];
            let own = !apart.contains(&variable.as_str());
            if let Some(name) = variable.strip_prefix("LOGGIA_").filter(|_| own) {
                self.values.insert(
                    name.to_lowercase(),
                    (value, format!("environment, {variable}")),
                );
            }
        }
    }

    /// All settings, and what is wrong with them among the mistakes.
    pub(super) fn config(&mut self) -> Config {
        let mut config = self.alone();
        config.issuers = std::mem::take(&mut self.issuers).check(&config, &mut self.mistakes);
        config.streams = streams::check(
            std::mem::take(&mut self.streams),
            &config,
            &mut self.mistakes,
        );
        self.check(&config);
        self.check_services(&config);
        config
    }

    /// Every setting that can be read by itself.
    fn alone(&mut self) -> Config {
        let bind = self.take("bind");
        let public_url = self.take_optional::<Url>("public_url");
        Config {
            bind: bind.unwrap_or(SocketAddr::from(([127, 0, 0, 1], 2510))),
            public_url,
            data: self.take("data").unwrap_or_default(),
            database: self.take_database(),
            synchronous: self.take("sqlite_synchronous").unwrap_or_default(),
            plc_directory: self
                .take("plc_directory")
                .unwrap_or_else(|| Url::parse("https://plc.directory").expect("a constant URL")),
            handle_service: self.take_optional("handle_service"),
            profile_service: self.take("profile_service").unwrap_or_else(|| {
                Url::parse("https://public.api.bsky.app").expect("a constant URL")
            }),
            stream_nodes: self.take_list("stream_nodes").into(),
            webhooks_per_account: self.take_count("webhooks_per_account"),
            endpoints_per_account: self.take_count("endpoints_per_account"),
            registrations_per_space: self.take_count("registrations_per_space"),
            registrations_per_caller: self.take_count("registrations_per_caller"),
            registrations_per_authority: self.take_count("registrations_per_authority"),
            registration_consent: self.take("registration_consent").unwrap_or_default(),
            reading_projections_per_account: self.take_count("reading_projections_per_account"),
            stream_projections: self.take_count("stream_projections"),
            spaces: self.take("spaces").unwrap_or_default(),
            space_admins: self.take_list("space_admins").into(),
            allowed_networks: self.take_list("allowed_networks"),
            name_server: self.take_optional("name_server"),
            attempt_timeout: Duration::from_millis(
                self.take_within("attempt_timeout_ms", 100..=30_000),
            ),
            lease: SignedDuration::from_secs(self.take_within("lease_seconds", 5..=3600)),
            wisp_attempts: self.take_optional_within("wisp_attempts", 1..=100),
            requests_per_minute: self.take("requests_per_minute").unwrap_or(1),
            public_metrics: self.take("public_metrics").unwrap_or_default(),
            client_keys: self.take("client_keys").unwrap_or(ClientKeys::Optional),
            proxies: self.take("proxies").unwrap_or_default(),
            space_credentials: self
                .take("space_credentials")
                .unwrap_or(SpaceForms::October),
            space_readers: self.take_list("space_readers").into(),
            space_visits: SignedDuration::from_secs(
                self.take_within("space_visit_seconds", 1..=43_200),
            ),
            space_host_audience: self.take("space_host_audience").unwrap_or_default(),
            space_drafts: self.take("space_drafts").unwrap_or_default(),
            lexicons: self.take_optional("lexicons"),
            lexicon_network: self.take("lexicon_network").unwrap_or_default(),
            used_tokens_kept: self.take("used_tokens_kept").unwrap_or(1),
            kept: self.take_kept(),
            archive: self.take("archive").unwrap_or(ArchivePlace::Off),
            redis: self.take_optional("redis_url"),
            redis_channel: self.take("redis_channel").unwrap_or_default(),
            health_port: self.take_optional("health_port"),
            jetstream_url: self.take_optional("jetstream_url"),
            wisp_version: self.take("wisp_version").unwrap_or_default(),
            wisp_webhooks_per_account: self.take("wisp_webhooks_per_account").unwrap_or_default(),
            wisp_webhooks: self.take("wisp_webhooks").unwrap_or_default(),
            wisp_relay: self.take_optional("wisp_relay"),
            issuers: Vec::new(),
            streams: Vec::new(),
        }
    }

    /// Checks what depends on more than one setting.
    fn check(&mut self, config: &Config) {
        let origin = match &config.public_url {
            Some(url) => origin::check_public(url).map_err(|why| ("as set", why.to_owned())),
            None => origin::check_unpublished(config.bind).map_err(|why| ("not set", why)),
        };
        if let Err((source, why)) = origin {
            self.mistake("public_url", source, why);
        }
        if let Err(why) = check_directory(config) {
            self.mistake("plc_directory", "as set", why);
        }
        let redis = config.redis.as_ref();
        if redis.is_some_and(|url| url.scheme() != "redis" || !url.has_host()) {
            let message =
                "must be `redis://host:6379`, with a user and a password if it needs them";
            self.mistake("redis_url", "as set", message);
        }
        let data = config.data.as_os_str().as_encoded_bytes();
        if data.is_empty() || data.contains(&0) {
            self.mistake("data", "as set", "must name a folder, without NUL");
        }
        for (name, count) in [
            ("requests_per_minute", config.requests_per_minute),
            ("used_tokens_kept", config.used_tokens_kept),
        ] {
            if count == 0 {
                self.mistake(name, "as set", "must be at least 1");
            }
        }
    }

    fn check_services(&mut self, config: &Config) {
        let guard = AddressGuard::new().allow_loopback(config.is_development());
        let services = [
            ("handle_service", config.handle_service.as_ref(), "handles"),
            ("profile_service", Some(&config.profile_service), "profiles"),
            ("wisp_relay", config.wisp_relay.as_ref(), "accounts"),
        ];
        for (name, url, what) in services {
            if let Some(Err(refusal)) = url.map(|url| guard.check_url(url)) {
                let message = format!("cannot be asked for {what}: {refusal}");
                self.mistake(name, "as set", message);
            }
        }
    }

    pub(super) fn refuse_unknown(&mut self) {
        let known: Vec<_> = SETTINGS.iter().map(|(name, ..)| *name).collect();
        for (name, (_, source)) in std::mem::take(&mut self.values) {
            let message = match name.as_str() {
                "issuers" | "streams" => {
                    format!("is set in a file only, as [[{name}]] tables")
                }
                _ => format!(
                    "is not a setting; the settings are {}, and in a file [[issuers]] and \
                     [[streams]]",
                    known.join(", ")
                ),
            };
            self.mistake(&name, &source, message);
        }
    }

    fn mistake(&mut self, name: &str, source: &str, message: impl Into<String>) {
        let (name, source) = (name.to_owned(), source.to_owned());
        self.mistakes.push(Mistake {
            name,
            source,
            message: message.into(),
        });
    }
}

/// A value as it would be written in the environment.
fn written(value: toml::Value) -> String {
    match value {
        toml::Value::String(text) => text,
        other => other.to_string(),
    }
}

/// The directory is asked through the guarded client, which refuses the same.
fn check_directory(config: &Config) -> Result<(), String> {
    let url = &config.plc_directory;
    if url.query().is_some() {
        return Err(format!("`{url}`: must not have a query"));
    }
    let checked = config.guard().check_url(url);
    checked.map_err(|refused| format!("`{url}`: {refused}"))
}
