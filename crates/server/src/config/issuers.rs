//! The `[[issuers]]` tables of a settings file.

use std::collections::{BTreeMap, BTreeSet};

use loggia_xrpc_client::AddressGuard;
use url::Url;

use super::tables::{Table, Tables};
use super::{Config, Mistake};
use crate::issuers::{MOST, TrustedIssuer, Way};
use crate::login::secret_text::SecretText;

/// The setting that names where a secret is, since a file with settings is shown around.
const SECRET: &str = "introspection_secret_env";

/// Tables as they stand in the file, and the variables that they name.
#[derive(Default)]
pub(super) struct GivenIssuers {
    pub(super) tables: Tables,
    secrets: BTreeMap<String, SecretText>,
}

impl GivenIssuers {
    /// Takes a variable of the environment if a table names it for a secret.
    pub(super) fn take_secret(&mut self, variable: &str, value: &str) -> bool {
        let is_named = self.tables.named(SECRET).any(|name| name == variable);
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
        let guard = config.guard();
        self.tables.each("issuers", MOST, mistakes, |table, _| {
            let guard = &guard;
            let issuer = IssuerTable { table, guard }.issuer(&self.secrets);
            if let Some(issuer) = &issuer
                && !known.insert(issuer.issuer.trim_end_matches('/').to_owned())
            {
                let message = format!("`{}` is there already, or this server", issuer.issuer);
                table.mistake("issuer", message);
            }
            issuers.extend(issuer);
        });
        issuers
    }
}

/// Variables of this server's own, which hold something else.
fn is_reserved(variable: &str) -> bool {
    variable.starts_with("LOGGIA_")
}

/// An issuer that is being read.
struct IssuerTable<'t, 'a> {
    table: &'t mut Table<'a>,
    guard: &'t AddressGuard,
}

impl IssuerTable<'_, '_> {
    fn issuer(&mut self, secrets: &BTreeMap<String, SecretText>) -> Option<TrustedIssuer> {
        let issuer = self.table.required("issuer");
        if let Some(issuer) = &issuer {
            self.check_issuer(issuer);
        }
        let way = self.way(secrets);
        let (audience, scope) = (self.table.text("audience"), self.table.text("scope"));
        if scope.as_ref().is_some_and(|scope| scope.contains(' ')) {
            self.table
                .mistake("scope", "must be one scope, without spaces");
        }
        self.table.refuse_unknown(
            "is not a setting of an issuer; those are issuer, jwks, introspection, \
             introspection_client, introspection_secret_env, audience and scope",
        );
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
            Err(refused) => self
                .table
                .mistake("issuer", format!("`{issuer}`: {refused}")),
            Ok(url) if url.query().is_some() => {
                self.table
                    .mistake("issuer", format!("`{issuer}`: must not have a query"));
            }
            Ok(_) => {}
        }
    }

    fn way(&mut self, secrets: &BTreeMap<String, SecretText>) -> Option<Way> {
        let (keys, endpoint) = (self.url("jwks"), self.url("introspection"));
        let client = self.table.text("introspection_client");
        let variable = self.table.text(SECRET);
        match (keys, endpoint) {
            (MaybeUrl::Absent, MaybeUrl::Absent) => {
                self.table
                    .mistake("", "needs either `jwks` or `introspection`, a URL");
                None
            }
            (MaybeUrl::Absent, endpoint) => {
                let secret = self.secret(variable.as_deref(), secrets);
                if client.is_none() {
                    self.table.mistake("introspection_client", "is missing");
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
                    self.table.mistake(
                        "",
                        "has a client for `introspection`, and `jwks` needs none",
                    );
                }
                keys.url().map(Way::Keys)
            }
            _ => {
                self.table
                    .mistake("", "has both `jwks` and `introspection`: choose one");
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
            None => self
                .table
                .mistake(SECRET, "is missing: it names an environment variable"),
            Some(variable) if is_reserved(variable) => {
                let message = format!("`{variable}` is one of this server's own variables");
                self.table.mistake(SECRET, message);
            }
            Some(variable) if secret.is_none_or(|secret| secret.is_empty()) => {
                let message = format!("the environment variable {variable} holds no secret");
                self.table.mistake(SECRET, message);
            }
            Some(_) => return secret.cloned(),
        }
        None
    }

    fn url(&mut self, name: &str) -> MaybeUrl {
        if !self.table.has(name) {
            return MaybeUrl::Absent;
        }
        let Some(text) = self.table.text(name) else {
            return MaybeUrl::Wrong;
        };
        match self.guard.read_url(&text) {
            Ok(url) => MaybeUrl::Url(url),
            Err(refused) => {
                self.table.mistake(name, format!("`{text}`: {refused}"));
                MaybeUrl::Wrong
            }
        }
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
