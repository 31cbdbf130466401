//! The `[[issuers]]` tables of a settings file.

use std::collections::{BTreeMap, BTreeSet};

use loggia_xrpc_client::AddressGuard;
use url::Url;

use super::{Config, Mistake};
use crate::issuers::{MOST, TrustedIssuer, Way};
use crate::login::secret_text::SecretText;

/// The setting that names where a secret is, since a file with settings is shown around.
const SECRET: &str = "introspection_secret_env";

/// Tables as they stand in the file, and the variables that they name.
#[derive(Default)]
pub(super) struct GivenIssuers {
    tables: Vec<toml::Value>,
    source: String,
    secrets: BTreeMap<String, SecretText>,
}

impl GivenIssuers {
    /// Takes what the file says.
    pub(super) fn read(&mut self, value: toml::Value, source: &str) {
        source.clone_into(&mut self.source);
        self.tables = match value {
            toml::Value::Array(tables) => tables,
            // No table either, so that it is told of as one.
            other => vec![other],
        };
    }

    /// Takes a variable of the environment if a table names it for a secret.
    pub(super) fn take_secret(&mut self, variable: &str, value: &str) -> bool {
        let mut names = self.tables.iter().filter_map(|table| table.get(SECRET));
        let is_named = names.any(|name| name.as_str() == Some(variable));
        let is_secret = is_named && !is_reserved(variable);
        if is_secret {
            let secret = SecretText::new(value.to_owned());
            self.secrets.insert(variable.to_owned(), secret);
        }
        is_secret
    }

    /// The issuers; what is wrong with the tables goes to the mistakes.
    pub(super) fn check(self, config: &Config, mistakes: &mut Vec<Mistake>) -> Vec<TrustedIssuer> {
        let mut issuers = Vec::new();
        let mut known = BTreeSet::new();
        let ours = config.public_url.as_ref().map(Url::as_str);
        known.extend(ours.map(|url| url.trim_end_matches('/').to_owned()));
        for (number, table) in self.tables.into_iter().enumerate() {
            let mut table = Table {
                place: format!("issuers[{number}]"),
                source: &self.source,
                guard: config.guard(),
                mistakes,
                values: match table {
                    toml::Value::Table(values) => Some(values),
                    _ => None,
                },
            };
            if number == MOST {
                table.mistake("", format!("is one too many: there can be {MOST}"));
                break;
            }
            let issuer = table.issuer(&self.secrets);
            if let Some(issuer) = &issuer
                && !known.insert(issuer.issuer.trim_end_matches('/').to_owned())
            {
                let message = format!("`{}` is there already, or this server", issuer.issuer);
                table.mistake("issuer", message);
            }
            issuers.extend(issuer);
        }
        issuers
    }
}

/// Variables of this server's own, which hold something else.
fn is_reserved(variable: &str) -> bool {
    variable.starts_with("LOGGIA_")
}

/// A table that is being read.
struct Table<'a> {
    place: String,
    source: &'a str,
    guard: AddressGuard,
    mistakes: &'a mut Vec<Mistake>,
    values: Option<toml::Table>,
}

impl Table<'_> {
    fn issuer(&mut self, secrets: &BTreeMap<String, SecretText>) -> Option<TrustedIssuer> {
        if self.values.is_none() {
            self.mistake("", "must be a table: write [[issuers]]");
            return None;
        }
        let issuer = self.required("issuer");
        if let Some(issuer) = &issuer {
            self.check_issuer(issuer);
        }
        let way = self.way(secrets);
        let (audience, scope) = (self.text("audience"), self.text("scope"));
        if scope.as_ref().is_some_and(|scope| scope.contains(' ')) {
            self.mistake("scope", "must be one scope, without spaces");
        }
        self.refuse_unknown();
        Some(TrustedIssuer {
            issuer: issuer?,
            way: way?,
            audience,
            scope,
        })
    }

    /// An issuer is a URL without query and fragment (RFC 8414 §2). It is compared, not called.
    fn check_issuer(&mut self, issuer: &str) {
        match self.guard.read_url(issuer) {
            Err(refused) => self.mistake("issuer", format!("`{issuer}`: {refused}")),
            Ok(url) if url.query().is_some() => {
                self.mistake("issuer", format!("`{issuer}`: must not have a query"));
            }
            Ok(_) => {}
        }
    }

    fn way(&mut self, secrets: &BTreeMap<String, SecretText>) -> Option<Way> {
        let (keys, endpoint) = (self.url("jwks"), self.url("introspection"));
        let client = self.text("introspection_client");
        let variable = self.text(SECRET);
        match (keys, endpoint) {
            (MaybeUrl::Absent, MaybeUrl::Absent) => {
                self.mistake("", "needs either `jwks` or `introspection`, a URL");
                None
            }
            (MaybeUrl::Absent, endpoint) => {
                let secret = self.secret(variable.as_deref(), secrets);
                if client.is_none() {
                    self.mistake("introspection_client", "is missing");
                }
                Some(Way::Introspection {
                    url: endpoint.url()?,
                    client: client?,
                    variable: variable?,
                    secret: secret?,
                })
            }
            (keys, MaybeUrl::Absent) => {
                if client.is_some() || variable.is_some() {
                    self.mistake(
                        "",
                        "has a client for `introspection`, and `jwks` needs none",
                    );
                }
                keys.url().map(Way::Keys)
            }
            _ => {
                self.mistake("", "has both `jwks` and `introspection`: choose one");
                None
            }
        }
    }

    fn secret(
        &mut self,
        variable: Option<&str>,
        secrets: &BTreeMap<String, SecretText>,
    ) -> Option<SecretText> {
        let secret = variable.and_then(|variable| secrets.get(variable));
        match variable {
            None => self.mistake(SECRET, "is missing: it names an environment variable"),
            Some(variable) if is_reserved(variable) => {
                let message = format!("`{variable}` is one of this server's own variables");
                self.mistake(SECRET, message);
            }
            Some(variable) if secret.is_none_or(|secret| secret.is_empty()) => {
                let message = format!("the environment variable {variable} holds no secret");
                self.mistake(SECRET, message);
            }
            Some(_) => return secret.cloned(),
        }
        None
    }

    fn url(&mut self, name: &str) -> MaybeUrl {
        let is_there = self
            .values
            .as_ref()
            .is_some_and(|values| values.contains_key(name));
        if !is_there {
            return MaybeUrl::Absent;
        }
        let Some(text) = self.text(name) else {
            return MaybeUrl::Wrong;
        };
        match self.guard.read_url(&text) {
            Ok(url) => MaybeUrl::Url(url),
            Err(refused) => {
                self.mistake(name, format!("`{text}`: {refused}"));
                MaybeUrl::Wrong
            }
        }
    }

    fn required(&mut self, name: &str) -> Option<String> {
        let is_there = self
            .values
            .as_ref()
            .is_some_and(|values| values.contains_key(name));
        if !is_there {
            self.mistake(name, "is missing");
        }
        self.text(name)
    }

    fn text(&mut self, name: &str) -> Option<String> {
        match self.values.as_mut()?.remove(name)? {
            toml::Value::String(text) if !text.is_empty() => Some(text),
            _ => {
                self.mistake(name, "must be a text that is not empty");
                None
            }
        }
    }

    fn refuse_unknown(&mut self) {
        for (name, _) in self.values.take().unwrap_or_default() {
            let message = "is not a setting of an issuer; those are issuer, jwks, introspection, \
                           introspection_client, introspection_secret_env, audience and scope";
            self.mistake(&name, message);
        }
    }

    fn mistake(&mut self, name: &str, message: impl Into<String>) {
        let dot = if name.is_empty() { "" } else { "." };
        self.mistakes.push(Mistake {
            name: format!("{}{dot}{name}", self.place),
            source: self.source.to_owned(),
            message: message.into(),
        });
    }
}

/// A URL that may be there.
enum MaybeUrl {
    Absent,
    /// It is told of already.
    Wrong,
    Url(Url),
}

impl MaybeUrl {
    fn url(self) -> Option<Url> {
        match self {
            Self::Url(url) => Some(url),
            Self::Absent | Self::Wrong => None,
        }
    }
}

#[cfg(test)]
mod tests;
