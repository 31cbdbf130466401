//! `loggia account`.

use loggia_syntax::Did;
use miette::{IntoDiagnostic, Result};

use crate::args::SettingsArgs;
use crate::keys::{with_new_operator, with_operator};
use crate::{Outcome, output};

pub fn create(settings: &SettingsArgs, did: &Did) -> Result<Outcome> {
    with_new_operator(settings, async |operator| {
        let account = operator.create_account(did.clone()).await;
        let account = account.into_diagnostic()?;
        output::line(format_args!("{} {}", account.did, account.did_key))?;
        output::say(format_args!(
            "Show this key as #atproto in the DID document, and this server as #atproto_pds and \
             #atproto_space_host. A did:web whose host leads to this server needs nothing: the server \
             publishes its document."
        ));
        Ok(Outcome::Fine)
    })
}

pub fn list(settings: &SettingsArgs) -> Result<Outcome> {
    with_operator(settings, async |operator| {
        for account in operator.accounts().await.into_diagnostic()? {
            output::line(format_args!("{} {}", account.did, account.did_key))?;
        }
        Ok(Outcome::Fine)
    })
}
