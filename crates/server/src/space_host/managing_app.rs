//! Asking the managing app of a space whether to let somebody in. No answer is a no.

use std::time::Duration;

use jiff::Timestamp;
use loggia_api::com::atproto::simplespace::check_user_access::{
    CheckUserAccess, Params, ParamsAccess,
};
use loggia_auth::service_auth::{self, Mint, MintError};
use loggia_identity::{ResolveDid as _, ResolveError, ServiceLookupError};
use loggia_syntax::{Did, Nsid, SpaceRef, SyntaxError};
use loggia_xrpc::{Method as _, NoBody};
use loggia_xrpc_client::{CallError, Credentials, Url};

use super::SpaceHost;
use super::accounts::AccountsError;
use crate::chance;

/// How long an app may take; whoever waits for it is an app as well.
const PATIENCE: Duration = Duration::from_secs(5);

/// How long a token for the question lives, in seconds.
const TOKEN_LIFETIME: i64 = 60;

/// What somebody wants to be let in for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Access {
    /// To obtain a credential.
    Read,
    /// That their writes count.
    Write,
}

/// Whether to let somebody in.
#[derive(Clone, Copy, Debug)]
pub(super) struct Question<'a> {
    /// Where.
    pub space: &'a SpaceRef,
    /// Whom.
    pub user: &'a Did,
    /// For what.
    pub access: Access,
    /// With which app, if that was proved.
    pub client: Option<&'a str>,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
enum NoAnswer {
    #[error("the app is not named by a DID")]
    Name(#[from] SyntaxError),
    #[error("the app's document cannot be found")]
    Resolve(#[from] ResolveError),
    #[error("the app's document names no such service")]
    Service(#[from] ServiceLookupError),
    #[error("the app's endpoint is no URL")]
    Endpoint(#[from] url::ParseError),
    #[error(transparent)]
    Accounts(#[from] AccountsError),
    #[error("the authority is not hosted here any more")]
    Authority,
    #[error("no token can be made")]
    Mint(#[from] MintError),
    #[error(transparent)]
    Call(#[from] CallError),
    #[error("the app takes too long")]
    Slow,
}

impl SpaceHost {
    /// Whether the app lets them in.
    pub(super) async fn ask(&self, app: &str, question: &Question<'_>, now: Timestamp) -> bool {
        let answer = tokio::time::timeout(PATIENCE, self.try_to_ask(app, question, now)).await;
        match answer.unwrap_or(Err(NoAnswer::Slow)) {
            Ok(lets_in) => lets_in,
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                let space = question.space.as_str();
                tracing::warn!(
                    app,
                    space,
                    error,
                    "a managing app gives no answer, which is a no"
                );
                false
            }
        }
    }

    async fn try_to_ask(
        &self,
        app: &str,
        question: &Question<'_>,
        now: Timestamp,
    ) -> Result<bool, NoAnswer> {
        let authority = question.space.authority();
        let key = self.accounts.key(&authority).await?;
        let key = key.ok_or(NoAnswer::Authority)?;
        let mint = Mint {
            issuer: &authority,
            audience: app,
            method: &Nsid::from_static(CheckUserAccess::NSID),
            now,
            lifetime: TOKEN_LIFETIME,
            id: chance::bytes(),
        };
        let token = service_auth::mint(&key, &mint)?;
        let (did, fragment) = app.split_at(app.find('#').unwrap_or(app.len()));
        let document = self.documents.resolve(&Did::new(did)?, now).await?;
        let base = Url::parse(&document.find_service(fragment, None)?.endpoint)?;
        let params = Params {
            space: question.space.clone(),
            user: question.user.clone(),
            access: Some(match question.access {
                Access::Read => ParamsAccess::Read,
                Access::Write => ParamsAccess::Write,
            }),
            client_id: question.client.map(str::to_owned),
        };
        let credentials = Credentials::Bearer(&token);
        let client = &self.outgoing.0;
        let answer = client
            .call::<CheckUserAccess>(&base, &params, NoBody, credentials)
            .await?;
        Ok(answer.authorized)
    }
}
