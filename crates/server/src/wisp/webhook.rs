//! What a `place.wisp.v2.wh` record says.

use std::error::Error as _;
use std::fmt;

use loggia_api::place::wisp::v2::wh::{AtUri, Wh, WhEvents};
use loggia_delivery::{Secret, Target};
use loggia_firehose::{Action, Actions, Scope};
use loggia_syntax::RecordKey;
use loggia_xrpc::{ObjectType, Validate};
use loggia_xrpc_client::AddressGuard;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

/// A webhook as its record says it, checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Webhook {
    aturi: String,
    scope: Scope,
    target: Target,
    signing: Signing,
    enabled: bool,
}

/// What deliveries are signed with.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Signing {
    Unsigned,
    /// A secret that stands in the record, for everybody to read.
    Inline(Secret),
    /// The secret of this name, which the server keeps for the owner.
    Named(String),
}

/// Why a record is no webhook.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Invalid {
    /// What is wrong.
    pub kind: InvalidKind,
    /// In words, for its owner.
    pub message: String,
}

/// Which part of a record is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum InvalidKind {
    /// It is no JSON object.
    NotObject,
    /// A `$type`.
    Type,
    /// The scope.
    Scope,
    /// The URL.
    Url,
    /// The events.
    Events,
    /// The secret, or that there are two.
    Secret,
    /// The secret's name.
    SecretId,
    /// Whether it is on.
    Enabled,
    /// When it was made.
    CreatedAt,
}

impl InvalidKind {
    /// The name in metrics and logs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NotObject => "not_object",
            Self::Type => "type",
            Self::Scope => "scope",
            Self::Url => "url",
            Self::Events => "events",
            Self::Secret => "secret",
            Self::SecretId => "secret_id",
            Self::Enabled => "enabled",
            Self::CreatedAt => "created_at",
        }
    }
}

impl fmt::Display for InvalidKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A datetime of the lexicon may have any number of digits; more than this is a nuisance.
const LONGEST_TIME: usize = 128;

impl Webhook {
    /// Reads a record. Members that the lexicon does not name do not matter.
    ///
    /// # Errors
    /// It is not what the lexicon says, or says what cannot be done.
    pub fn read(json: &[u8], guard: &AddressGuard) -> Result<Self, Invalid> {
        let value: Value = serde_json::from_slice(json)
            .map_err(|_| invalid(InvalidKind::NotObject, "the record is not JSON"))?;
        let Value::Object(members) = value else {
            return Err(invalid(
                InvalidKind::NotObject,
                "the record is not an object",
            ));
        };
        Self::from_members(members, guard)
    }

    /// The same, of what was read as JSON already.
    ///
    /// # Errors
    /// As of [`Webhook::read`].
    pub fn from_members(
        mut members: Map<String, Value>,
        guard: &AddressGuard,
    ) -> Result<Self, Invalid> {
        let record = typed(&mut members)?;
        check_lexicon(&record)?;
        let actions = actions(record.events.as_deref().unwrap_or_default())?;
        let backlinks = record.scope.backlinks == Some(true);
        let scope = Scope::read(&record.scope.aturi, backlinks, actions)
            .map_err(|error| invalid(InvalidKind::Scope, format!("`scope.aturi`: {error}")))?;
        if record.created_at.as_str().len() > LONGEST_TIME {
            let message = "`createdAt` has more than 128 characters";
            return Err(invalid(InvalidKind::CreatedAt, message));
        }
        Ok(Self {
            scope,
            target: target(record.url.as_str(), guard)?,
            enabled: record.enabled != Some(false),
            signing: signing(record.secret, record.secret_id)?,
            aturi: record.scope.aturi,
        })
    }

    /// What it watches, and which changes of it.
    pub fn scope(&self) -> &Scope {
        &self.scope
    }

    /// What it watches, as it was written.
    pub fn scope_text(&self) -> String {
        self.aturi.clone()
    }

    /// Whether it watches what refers to that as well.
    pub fn backlinks(&self) -> bool {
        self.scope.backlinks()
    }

    /// The changes that it is told of, by name: all three if it does not say.
    pub fn action_names(&self) -> Vec<String> {
        let told = |action: &Action| self.scope.actions().contains(*action);
        let told = Action::ALL.into_iter().filter(told);
        told.map(|action| action.as_str().to_owned()).collect()
    }

    /// Where it is told, in normal form.
    pub fn target(&self) -> Target {
        self.target.clone()
    }

    /// The secret that stands in the record, if one does: not both this and [`Webhook::secret_id`].
    pub fn secret(&self) -> Option<Secret> {
        match &self.signing {
            Signing::Inline(secret) => Some(secret.clone()),
            Signing::Unsigned | Signing::Named(_) => None,
        }
    }

    /// The name of the secret that the server keeps for its owner, if it is to be signed with one.
    pub fn secret_id(&self) -> Option<&str> {
        match &self.signing {
            Signing::Named(name) => Some(name),
            Signing::Unsigned | Signing::Inline(_) => None,
        }
    }

    /// Whether it is told at all.
    pub fn enabled(&self) -> bool {
        self.enabled
    }
}

/// The record, of our generated type.
fn typed(members: &mut Map<String, Value>) -> Result<Wh, Invalid> {
    let is_type = members.get("$type").and_then(Value::as_str) == Some(Wh::TYPE);
    if !is_type {
        let message = format!("`$type` is not `{}`", Wh::TYPE);
        return Err(invalid(InvalidKind::Type, message));
    }
    let scope: AtUri = required(members, "scope", InvalidKind::Scope)?;
    let scope_type = scope.extra.get("$type");
    if scope_type.is_some_and(|name| name.as_str() != Some(AtUri::TYPE)) {
        let message = format!("`scope.$type` is not `{}`", AtUri::TYPE);
        return Err(invalid(InvalidKind::Scope, message));
    }
    Ok(Wh {
        scope,
        url: required(members, "url", InvalidKind::Url)?,
        events: optional(members, "events", InvalidKind::Events)?,
        secret: optional(members, "secret", InvalidKind::Secret)?,
        secret_id: optional(members, "secretId", InvalidKind::SecretId)?,
        enabled: optional(members, "enabled", InvalidKind::Enabled)?,
        created_at: required(members, "createdAt", InvalidKind::CreatedAt)?,
        extra: Default::default(),
    })
}

fn required<T: DeserializeOwned>(
    members: &mut Map<String, Value>,
    name: &str,
    kind: InvalidKind,
) -> Result<T, Invalid> {
    let value = optional(members, name, kind)?;
    value.ok_or_else(|| invalid(kind, format!("`{name}` is missing")))
}

fn optional<T: DeserializeOwned>(
    members: &mut Map<String, Value>,
    name: &str,
    kind: InvalidKind,
) -> Result<Option<T>, Invalid> {
    let Some(value) = members.remove(name) else {
        return Ok(None);
    };
    let read = serde_json::from_value(value);
    read.map_err(|error| invalid(kind, format!("`{name}`: {error}")))
}

/// What the lexicon says beyond types.
fn check_lexicon(record: &Wh) -> Result<(), Invalid> {
    let Err(violations) = record.validate() else {
        return Ok(());
    };
    let Some(first) = violations.into_iter().next() else {
        return Ok(());
    };
    let member = first.path.trim_start_matches("$.");
    let kind = match member.split(['.', '[']).next() {
        Some("url") => InvalidKind::Url,
        Some("events") => InvalidKind::Events,
        Some("secret") => InvalidKind::Secret,
        Some("secretId") => InvalidKind::SecretId,
        _ => InvalidKind::Scope,
    };
    Err(invalid(kind, first.to_string()))
}

fn actions(events: &[WhEvents]) -> Result<Actions, Invalid> {
    let repeated = |place: usize| events[..place].contains(&events[place]);
    if (0..events.len()).any(repeated) {
        let message = "`events` names one of them twice";
        return Err(invalid(InvalidKind::Events, message));
    }
    Ok(Actions::of(events.iter().map(|event| match event {
        WhEvents::Create => Action::Create,
        WhEvents::Update => Action::Update,
        WhEvents::Delete => Action::Delete,
    })))
}

fn target(text: &str, guard: &AddressGuard) -> Result<Target, Invalid> {
    let url = guard.read_url(text).map_err(|refused| {
        let cause = refused.source().map(|cause| format!(": {cause}"));
        let message = format!("`url`: {refused}{}", cause.unwrap_or_default());
        invalid(InvalidKind::Url, message)
    })?;
    Target::new(url.as_str()).map_err(|error| invalid(InvalidKind::Url, format!("`url`: {error}")))
}

fn signing(secret: Option<String>, name: Option<RecordKey>) -> Result<Signing, Invalid> {
    match (secret, name) {
        (None, None) => Ok(Signing::Unsigned),
        (Some(_), Some(_)) => {
            let message = "a webhook has `secret` or `secretId`, not both";
            Err(invalid(InvalidKind::Secret, message))
        }
        (Some(secret), None) => Secret::plain(&secret)
            .map(Signing::Inline)
            .map_err(|error| invalid(InvalidKind::Secret, format!("`secret`: {error}"))),
        (None, Some(name)) if is_secret_name(name.as_str()) => {
            Ok(Signing::Named(name.as_str().to_owned()))
        }
        (None, Some(_)) => {
            let message = "`secretId` has 1 to 64 letters, digits and `.`, `_`, `-`";
            Err(invalid(InvalidKind::SecretId, message))
        }
    }
}

/// Whether a secret can have this name: 1 to 64 letters, digits and `.`, `_`, `-`.
pub fn is_secret_name(name: &str) -> bool {
    let known = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    (1..=64).contains(&name.len()) && name.bytes().all(known)
}

fn invalid(kind: InvalidKind, message: impl Into<String>) -> Invalid {
    Invalid {
        kind,
        message: message.into(),
    }
}

#[cfg(test)]
mod tests;
