//! Settings: from `loggia.toml`, then from the environment (`LOGGIA_BIND` overrides `bind`).
//!
//! Every mistake is reported at once, with the setting, where it was set, and what would do.

mod given;

use std::fmt::{self, Display};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use loggia_xrpc_client::Network;
use url::Url;

use given::Given;

/// The settings of one server.
#[derive(Clone, Debug)]
pub struct Config {
    /// The address to listen on.
    pub bind: SocketAddr,
    /// Where others reach this server: an https origin. Without one, and bound to loopback, the
    /// server is in development.
    pub public_url: Option<Url>,
    /// The folder for the database, the master key and development accounts.
    pub data: PathBuf,
    /// The directory that resolves `did:plc`.
    pub plc_directory: Url,
    /// Most `place.stream.server` webhooks of one account.
    pub webhooks_per_account: u32,
    /// Most registrations of one space, and of one caller: a registration multiplies every write.
    pub registrations_per_space: u32,
    /// See [`Config::registrations_per_space`].
    pub registrations_per_caller: u32,
    /// Private networks that deliveries may reach all the same.
    pub allowed_networks: Vec<Network>,
    /// The deadline of one delivery attempt, DNS to the end of the answer.
    pub attempt_timeout: Duration,
    /// Requests a minute of one caller, by address.
    pub requests_per_minute: u32,
    /// Whether a published server shows `/metrics` to everybody; a development server always does.
    pub public_metrics: bool,
    /// How many reverse proxies stand in front: the caller is the address that the outermost saw.
    pub proxies: usize,
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
        "plc_directory",
        "https://plc.directory",
        "directory that resolves did:plc",
    ),
    ("webhooks_per_account", "50", "most webhooks of one account"),
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
        "proxies",
        "0",
        "how many reverse proxies stand in front, whose X-Forwarded-For is believed",
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

    /// Every setting with its value, as it would be written in the environment.
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
            ("plc_directory", self.plc_directory.to_string()),
            (
                "webhooks_per_account",
                self.webhooks_per_account.to_string(),
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
            ("requests_per_minute", self.requests_per_minute.to_string()),
            ("public_metrics", self.public_metrics.to_string()),
            ("proxies", self.proxies.to_string()),
        ]
    }

    /// Whether this server is for development: bound to loopback and not published. Only then are
    /// there development accounts, and receivers on loopback.
    pub fn is_development(&self) -> bool {
        self.bind.ip().is_loopback() && self.public_url.is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(pairs: &[(&str, &str)]) -> Result<Config, ConfigError> {
        let pairs = pairs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Config::load(None, pairs)
    }

    #[test]
    fn nothing_set_is_development_on_loopback() {
        let config = load(&[("PATH", "/bin")]).expect("the defaults are valid");
        assert_eq!(config.bind.to_string(), "127.0.0.1:2510");
        assert!(config.is_development());
    }

    #[test]
    fn every_setting_is_shown_and_read_back() {
        let config = load(&[("LOGGIA_ALLOWED_NETWORKS", "10.0.0.0/8, fd00::/8")]).expect("valid");
        let shown = config.shown();
        let names: Vec<_> = shown.iter().map(|(name, _)| *name).collect();
        let known: Vec<_> = SETTINGS.iter().map(|(name, ..)| *name).collect();
        assert_eq!(names, known);
        let variables = shown
            .iter()
            .map(|(name, value)| (format!("LOGGIA_{}", name.to_uppercase()), value.clone()));
        let again = Config::load(None, variables).expect("what is shown can be set");
        assert_eq!(again.shown(), shown);
    }

    #[test]
    fn a_public_url_ends_development() {
        let config = load(&[("LOGGIA_PUBLIC_URL", "https://hub.example")]).expect("valid");
        assert!(!config.is_development());
    }

    #[test]
    fn every_mistake_is_reported_with_its_source() {
        let error = load(&[
            ("LOGGIA_BIND", "nowhere"),
            ("LOGGIA_PLC_DIRECTORY", "plc"),
            ("LOGGIA_TYPO", "1"),
            ("LOGGIA_ATTEMPT_TIMEOUT_MS", "5"),
        ])
        .expect_err("four mistakes");
        let names: Vec<_> = error
            .0
            .iter()
            .map(|mistake| mistake.name.as_str())
            .collect();
        assert_eq!(
            names,
            ["bind", "plc_directory", "attempt_timeout_ms", "typo"]
        );
        assert!(
            error.to_string().contains("environment, LOGGIA_TYPO"),
            "{error}"
        );
    }

    #[test]
    fn an_address_that_others_reach_needs_a_public_url() {
        let error = load(&[("LOGGIA_BIND", "0.0.0.0:80")]).expect_err("no public URL");
        assert_eq!(error.0[0].name, "public_url");
        let error = load(&[("LOGGIA_PUBLIC_URL", "http://hub.example")]).expect_err("not https");
        assert!(error.0[0].message.contains("https"));
        let unusable = [
            "https://[::1]:8443",
            "https://a,b.example",
            "https://me:pw@hub.example",
            "https://hub.example.",
        ];
        for url in unusable {
            let error = load(&[("LOGGIA_PUBLIC_URL", url)]).expect_err(url);
            assert_eq!(error.0[0].name, "public_url", "{url}");
        }
    }

    #[test]
    fn a_file_is_read_and_the_environment_overrides_it() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let file = folder.path().join("loggia.toml");
        std::fs::write(&file, "bind = \"127.0.0.1:1\"\nwebhooks_per_account = 3\n")
            .expect("written");
        let environment = [("LOGGIA_BIND".to_owned(), "127.0.0.1:2".to_owned())];
        let config = Config::load(Some(&file), environment).expect("valid");
        assert_eq!(config.bind.port(), 2);
        assert_eq!(config.webhooks_per_account, 3);
    }
}
