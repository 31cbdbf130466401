//! `loggia client`.

use loggia_server::operator::{ApiClient, ApiClientId, NewClient};
use miette::{IntoDiagnostic, Result, ensure};

use crate::args::{CreateClientArgs, SettingsArgs};
use crate::keys::{with_new_operator, with_operator};
use crate::{Outcome, output};

pub fn create(settings: &SettingsArgs, args: &CreateClientArgs) -> Result<Outcome> {
    let new = NewClient {
        name: args.name.clone(),
        origins: args.origins.clone(),
        requests_per_minute: args.requests_per_minute,
    };
    with_new_operator(settings, async |operator| {
        let (client, key) = operator.create_client(new).await.into_diagnostic()?;
        output::line(key.as_str())?;
        output::say(format_args!(
            "This is the key of client {}, to be sent as X-Client-Key, or as X-API-Key to the routes of \
             projections. It is shown this once.",
            client.id
        ));
        Ok(Outcome::Fine)
    })
}

pub fn list(settings: &SettingsArgs) -> Result<Outcome> {
    with_operator(settings, async |operator| {
        for client in operator.clients().await.into_diagnostic()? {
            output::line(shown(&client))?;
        }
        Ok(Outcome::Fine)
    })
}

pub fn revoke(settings: &SettingsArgs, id: ApiClientId) -> Result<Outcome> {
    with_operator(settings, async |operator| {
        let revoked = operator.revoke_client(id).await.into_diagnostic()?;
        ensure!(revoked, "there is no client {id} with a good key");
        Ok(Outcome::Fine)
    })
}

/// A line that says all but the key.
fn shown(client: &ApiClient) -> String {
    let mut line = format!("{} from {:.0}", client.id, client.created_at);
    if let Some(at) = client.revoked_at {
        line.push_str(&format!(" to {at:.0}, revoked"));
    }
    if let Some(calls) = client.requests_per_minute {
        line.push_str(&format!(", {calls} requests a minute"));
    }
    if !client.origins.is_empty() {
        line.push_str(&format!(", pages of {}", client.origins.join(" ")));
    }
    format!("{line}: {}", client.name)
}
