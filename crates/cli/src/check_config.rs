//! `loggia check-config`.

use loggia_server::config::{Config, SETTINGS};
use miette::{IntoDiagnostic, Result};

use crate::args::SettingsArgs;
use crate::{Outcome, output};

pub fn run(settings: &SettingsArgs) -> Result<Outcome> {
    let config = load(settings)?;
    for (name, value) in config.shown() {
        let meaning = SETTINGS
            .iter()
            .find(|(known, ..)| *known == name)
            .map(|(.., meaning)| *meaning);
        let meaning = meaning.unwrap_or_default();
        output::line(format_args!("{name} = {value:?}    # {meaning}"))?;
    }
    output::line(if config.is_development() {
        "# development: loopback only"
    } else {
        "# published"
    })?;
    Ok(Outcome::Fine)
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
