//! `loggia dev account` and `loggia dev token`: real accounts for a server on this machine.

use std::io::IsTerminal;

use loggia_server::config::Config;
use loggia_server::dev::{DevAccounts, TokenRequest, mint_token};
use loggia_server::operator::{KEY_VARIABLE, Operator, OperatorError};
use loggia_server::origin::Origin;
use loggia_syntax::{Did, Nsid};
use miette::{IntoDiagnostic, Result, ensure};
use tokio::runtime::Runtime;

use crate::args::SettingsArgs;
use crate::check_config::load;
use crate::keys::variable;
use crate::{Outcome, output};

pub fn account(settings: &SettingsArgs, name: &str) -> Result<Outcome> {
    let config = development(settings)?;
    let accounts = accounts(&config);
    let did = accounts.did_of(name).into_diagnostic()?;
    // The server would go on signing with the key of that one.
    ensure!(
        !is_taken_in(&config, &did)?,
        "there is an account {did} already, made with `loggia account create`"
    );
    let account = accounts
        .create(name, loggia_server::chance::bytes)
        .into_diagnostic()?;
    output::line(&account.did)?;
    if std::io::stdout().is_terminal() {
        output::say(format_args!(
            "The server publishes its document at http://{name}.localhost:{}/.well-known/did.json",
            config.bind.port()
        ));
    }
    Ok(Outcome::Fine)
}

pub fn token(
    settings: &SettingsArgs,
    lxm: &str,
    account: &str,
    aud: Option<&str>,
) -> Result<Outcome> {
    let config = development(settings)?;
    let account = accounts(&config).find(account).into_diagnostic()?;
    let audience = match aud {
        Some(text) => audience(text)?,
        None => Origin::development(config.bind.port()).did.to_string(),
    };
    let method = Nsid::new(lxm).into_diagnostic()?;
    let token = mint_token(&account, &TokenRequest { audience, method }).into_diagnostic()?;
    output::line(token)?;
    Ok(Outcome::Fine)
}

/// Whether the server's database holds an account of this DID; one that is not there holds none.
fn is_taken_in(config: &Config, did: &Did) -> Result<bool> {
    let key = variable(KEY_VARIABLE)?;
    Runtime::new().into_diagnostic()?.block_on(async {
        let operator = match Operator::open_existing(config, key.as_deref()).await {
            Ok(operator) => operator,
            Err(OperatorError::NoData(_)) => return Ok(false),
            Err(error) => return Err(error).into_diagnostic(),
        };
        let found = operator.has_account(did).await;
        operator.close().await;
        found.into_diagnostic()
    })
}

/// A DID, with the fragment of a service or without.
fn audience(text: &str) -> Result<String> {
    let (did, service) = text.split_once('#').unwrap_or((text, "service"));
    Did::new(did).into_diagnostic()?;
    ensure!(
        !service.is_empty() && !service.contains('#'),
        "`{text}` is no audience: write a DID, or a DID, `#` and the name of a service",
    );
    Ok(text.to_owned())
}

fn accounts(config: &Config) -> DevAccounts {
    DevAccounts::new(&config.data, config.bind.port())
}

fn development(settings: &SettingsArgs) -> Result<Config> {
    let config = load(settings)?;
    ensure!(
        config.is_development(),
        "development accounts exist only while the server is bound to 127.0.0.1 or [::1] and has no \
         public_url",
    );
    ensure!(
        config.bind.port() != 0,
        "the DID of a development account holds the server's port, and port 0 means any: set \
         LOGGIA_BIND to the port that the server says it is on",
    );
    Ok(config)
}
