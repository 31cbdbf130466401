//! What was set, from wherever, on its way to a [`Config`].

use std::collections::BTreeMap;
use std::fmt::Display;
use std::net::SocketAddr;
use std::path::Path;
use std::str::FromStr;
use std::time::Duration;

use loggia_xrpc_client::Network;
use url::Url;

use super::{Config, Mistake, SETTINGS};
use crate::origin::Origin;

/// What was set, by name, with where.
#[derive(Default)]
pub(super) struct Given {
    values: BTreeMap<String, (String, String)>,
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
            let value = match value {
                toml::Value::String(text) => text,
                other => other.to_string(),
            };
            self.values.insert(name, (value, source.clone()));
        }
    }

    pub(super) fn read_environment(
        &mut self,
        environment: impl IntoIterator<Item = (String, String)>,
    ) {
        for (variable, value) in environment {
            // LOGGIA_LOG belongs to the command line, LOGGIA_MASTER_KEY is read where it is used.
            let own = !["LOGGIA_LOG", "LOGGIA_CONFIG_FILE"].contains(&variable.as_str())
                && variable != crate::master_key::VARIABLE;
            if let Some(name) = variable.strip_prefix("LOGGIA_").filter(|_| own) {
                self.values.insert(
                    name.to_lowercase(),
                    (value, format!("environment, {variable}")),
                );
            }
        }
    }

    pub(super) fn config(&mut self) -> Config {
        let bind = self.take("bind");
        let public_url = self.take_optional::<Url>("public_url");
        let config = Config {
            bind: bind.unwrap_or(SocketAddr::from(([127, 0, 0, 1], 2510))),
            public_url,
            data: self.take("data").unwrap_or_default(),
            plc_directory: self
                .take("plc_directory")
                .unwrap_or_else(|| Url::parse("https://plc.directory").expect("a constant URL")),
            webhooks_per_account: self.take("webhooks_per_account").unwrap_or_default(),
            registrations_per_space: self.take("registrations_per_space").unwrap_or_default(),
            registrations_per_caller: self.take("registrations_per_caller").unwrap_or_default(),
            allowed_networks: self.take_networks(),
            attempt_timeout: self.take_attempt_timeout(),
            requests_per_minute: self.take("requests_per_minute").unwrap_or(1),
            public_metrics: self.take("public_metrics").unwrap_or_default(),
            proxies: self.take("proxies").unwrap_or_default(),
        };
        self.check_origin(&config);
        config
    }

    /// A published server says where it is, over https.
    fn check_origin(&mut self, config: &Config) {
        match &config.public_url {
            Some(url) if url.scheme() != "https" || url.host_str().is_none() => {
                self.mistake(
                    "public_url",
                    "as set",
                    "must be an https origin such as https://hub.example",
                );
            }
            Some(url) if url.path() != "/" || url.query().is_some() || url.fragment().is_some() => {
                self.mistake(
                    "public_url",
                    "as set",
                    "must be an origin without a path, query or fragment",
                );
            }
            Some(url) if !url.username().is_empty() || url.password().is_some() => {
                self.mistake(
                    "public_url",
                    "as set",
                    "must not carry a user name or password",
                );
            }
            Some(url) if !Origin::has_did(url) => {
                self.mistake(
                    "public_url",
                    "as set",
                    "must have a host name that makes a did:web",
                );
            }
            None if !config.bind.ip().is_loopback() => {
                let message = format!(
                    "{} can be reached by others: say where they reach it, for example \
                     LOGGIA_PUBLIC_URL=https://hub.example, or bind to 127.0.0.1",
                    config.bind,
                );
                self.mistake("public_url", "not set", message);
            }
            _ => {}
        }
    }

    fn take_networks(&mut self) -> Vec<Network> {
        let Some((text, source)) = self.values.remove("allowed_networks") else {
            return Vec::new();
        };
        let mut networks = Vec::new();
        for part in text
            .split(',')
            .map(str::trim)
            .filter(|part| !part.is_empty())
        {
            match part.parse() {
                Ok(network) => networks.push(network),
                Err(error) => {
                    self.mistake("allowed_networks", &source, format!("`{part}`: {error}"))
                }
            }
        }
        networks
    }

    fn take_attempt_timeout(&mut self) -> Duration {
        let millis = self.take("attempt_timeout_ms").unwrap_or(10_000);
        if !(100..=30_000).contains(&millis) {
            self.mistake(
                "attempt_timeout_ms",
                "as set",
                format!("{millis} is not within 100 to 30000"),
            );
        }
        Duration::from_millis(millis)
    }

    fn take<T: FromStr<Err: Display>>(&mut self, name: &str) -> Option<T> {
        let default = SETTINGS
            .iter()
            .find(|(known, ..)| *known == name)
            .map(|(_, default, _)| *default);
        let default = (default.unwrap_or_default().to_owned(), "default".to_owned());
        let (text, source) = self.values.remove(name).unwrap_or(default);
        self.parse(name, &text, &source)
    }

    fn take_optional<T: FromStr<Err: Display>>(&mut self, name: &str) -> Option<T> {
        let (text, source) = self.values.remove(name)?;
        if text.is_empty() {
            None
        } else {
            self.parse(name, &text, &source)
        }
    }

    fn parse<T: FromStr<Err: Display>>(
        &mut self,
        name: &str,
        text: &str,
        source: &str,
    ) -> Option<T> {
        match text.parse() {
            Ok(value) => Some(value),
            Err(error) => {
                self.mistake(name, source, format!("`{text}`: {error}"));
                None
            }
        }
    }

    pub(super) fn refuse_unknown(&mut self) {
        let known: Vec<_> = SETTINGS.iter().map(|(name, ..)| *name).collect();
        for (name, (_, source)) in std::mem::take(&mut self.values) {
            let message = format!("is not a setting; the settings are {}", known.join(", "));
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
