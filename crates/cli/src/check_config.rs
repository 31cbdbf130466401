//! `loggia check-config`.

use loggia_server::config::{Config, SETTINGS};
use miette::{IntoDiagnostic, Result};

use crate::args::SettingsArgs;
use crate::serve::log_filter;
use crate::{Outcome, output};

pub fn run(settings: &SettingsArgs) -> Result<Outcome> {
    let config = load(settings)?;
    log_filter()?;
    for (name, value) in config.shown() {
        let meaning = SETTINGS
            .iter()
            .find(|(known, ..)| *known == name)
            .map(|(.., meaning)| *meaning);
        let meaning = meaning.unwrap_or_default();
        output::line(format_args!("{name} = {value:?}    # {meaning}"))?;
    }
    show_issuers(&config)?;
    show_streams(&config)?;
    output::line(if config.is_development() {
        "# development: loopback only"
    } else {
        "# published"
    })?;
    Ok(Outcome::Fine)
}

/// Shows what only a file can set, as it would stand there; a secret by the name of its variable.
fn show_issuers(config: &Config) -> Result<()> {
    if config.issuers.is_empty() {
        return output::line(
            "# no [[issuers]] (in a file only): no access tokens but the server's own are taken",
        );
    }
    for issuer in &config.issuers {
        output::line("[[issuers]]    # access tokens of this issuer are taken")?;
        for (name, value) in issuer.shown() {
            output::line(format_args!("{name} = {value:?}"))?;
        }
    }
    Ok(())
}

/// The record streams as they would stand in a file.
fn show_streams(config: &Config) -> Result<()> {
    if config.streams.is_empty() {
        return output::line(
            "# no [[streams]] (in a file only), no jetstream_url: no record stream is consumed",
        );
    }
    for stream in &config.streams {
        output::line("[[streams]]    # this record stream is consumed")?;
        for (name, value) in stream.shown() {
            output::line(format_args!("{name} = {value}"))?;
        }
    }
    Ok(())
}

/// Reads the settings the way the server does.
pub fn load(settings: &SettingsArgs) -> Result<Config> {
    // Variables whose names are not text cannot be ours; a value that is not text is a mistake.
    let environment = std::env::vars_os().filter_map(|(name, value)| {
        Some((
            name.into_string().ok()?,
            value.to_string_lossy().into_owned(),
        ))
    });
    Config::load(settings.config.as_deref(), environment).into_diagnostic()
}
