//! `loggia keys`.

use std::str::FromStr;

use loggia_server::config::Config;
use loggia_server::keys::KeyRole;
use loggia_server::operator::{KEY_VARIABLE, NEW_KEY_VARIABLE, Operator, OperatorError, ShownKey};
use miette::{IntoDiagnostic, Result, miette};
use tokio::runtime::Runtime;

use crate::args::SettingsArgs;
use crate::check_config::load;
use crate::{Outcome, output};

pub fn init(settings: &SettingsArgs) -> Result<Outcome> {
    with_new_operator(settings, async |operator| {
        let made = operator.make_missing_keys().await.into_diagnostic()?;
        for key in operator.keys().await.into_diagnostic()? {
            if key.retired_at.is_none() {
                let new = made.contains(&key.role);
                let ShownKey { role, did_key, .. } = key;
                let was = if new { "made" } else { "was there" };
                output::line(format_args!("{role:<13} {did_key} {was}"))?;
            }
        }
        Ok(Outcome::Fine)
    })
}

pub fn list(settings: &SettingsArgs) -> Result<Outcome> {
    with_operator(settings, async |operator| {
        for key in operator.keys().await.into_diagnostic()? {
            let ShownKey {
                role,
                did_key,
                created_at,
                retired_at,
            } = key;
            let until = match retired_at {
                Some(at) => format!("to {at:.0}, retired"),
                None => "current".to_owned(),
            };
            output::line(format_args!(
                "{role:<13} {did_key} from {created_at:.0} {until}"
            ))?;
        }
        Ok(Outcome::Fine)
    })
}

/// A key that can be rotated.
#[derive(Clone, Copy, Debug)]
pub enum KeyName {
    /// One of the server's own identity.
    Of(KeyRole),
    /// That of the client as which it logs people in.
    Login,
}

impl FromStr for KeyName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.parse() {
            Ok(role) => Ok(Self::Of(role)),
            Err(_) if text == "login" => Ok(Self::Login),
            Err(error) => Err(format!("{error}; and there is login")),
        }
    }
}

pub fn rotate(settings: &SettingsArgs, key: KeyName) -> Result<Outcome> {
    with_operator(settings, async |operator| {
        match key {
            KeyName::Of(role) => {
                let did_key = operator.rotate_key(role).await.into_diagnostic()?;
                output::line(format_args!("{role:<13} {did_key} made"))?;
            }
            KeyName::Login => {
                operator.rotate_login_key().await.into_diagnostic()?;
                output::line(format_args!("login         made at the next start"))?;
            }
        }
        Ok(Outcome::Fine)
    })
}

pub fn reseal(settings: &SettingsArgs) -> Result<Outcome> {
    let config = load(settings)?;
    let old = variable(KEY_VARIABLE)?;
    let new = variable(NEW_KEY_VARIABLE)?.ok_or_else(|| {
        miette!(
            "set {NEW_KEY_VARIABLE} to the new master key, for example from `openssl rand -base64 32`"
        )
    })?;
    let runtime = Runtime::new().into_diagnostic()?;
    let done = runtime
        .block_on(loggia_server::operator::reseal(
            &config,
            old.as_deref(),
            &new,
        ))
        .into_diagnostic()?;
    output::line(format_args!(
        "{} values are sealed under the new master key",
        done.values
    ))?;
    if done.unreadable > 0 {
        output::say(format_args!(
            "{} values did not open under the old master key either, and were left as they are",
            done.unreadable
        ));
    }
    if done.values > 0 {
        output::say(format_args!(
            "People who were logged in with a browser log in again."
        ));
    }
    if old.is_some() {
        output::say(format_args!(
            "From now on, {KEY_VARIABLE} must be the new master key."
        ));
    }
    Ok(Outcome::Fine)
}

/// Runs something with access to the data that the settings name, which must be there.
pub fn with_operator(
    settings: &SettingsArgs,
    run: impl AsyncFnOnce(&Operator) -> Result<Outcome>,
) -> Result<Outcome> {
    with_access(settings, Operator::open_existing, run)
}

/// The same, and makes data folder and database if they are not there.
pub fn with_new_operator(
    settings: &SettingsArgs,
    run: impl AsyncFnOnce(&Operator) -> Result<Outcome>,
) -> Result<Outcome> {
    with_access(settings, Operator::open, run)
}

fn with_access(
    settings: &SettingsArgs,
    open: impl AsyncFnOnce(&Config, Option<&str>) -> Result<Operator, OperatorError>,
    run: impl AsyncFnOnce(&Operator) -> Result<Outcome>,
) -> Result<Outcome> {
    let config = load(settings)?;
    let key = variable(KEY_VARIABLE)?;
    Runtime::new().into_diagnostic()?.block_on(async {
        let operator = open(&config, key.as_deref()).await.into_diagnostic()?;
        let outcome = run(&operator).await;
        operator.close().await;
        outcome
    })
}

/// A variable of the environment that must be text if it is set.
pub fn variable(name: &str) -> Result<Option<String>> {
    match std::env::var(name) {
        Ok(value) => Ok(Some(value)),
        Err(std::env::VarError::NotPresent) => Ok(None),
        Err(error) => Err(miette!("{name}: {error}")),
    }
}
