//! Who gets a credential for a space.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::{SignedDuration, Timestamp};
use loggia_auth::attestation::ClientId;
use loggia_auth::space_credential::{self, KeyBinding, NewCredential, NewCredentialError, SKEW};
use loggia_storage::{AppAccess, HostedSpace, IssuedCredential, SpacePolicy, StorageError, Write};
use loggia_syntax::{Did, SpaceRef};

use super::accounts::AccountsError;
use super::managing_app::{Access, Question};
use super::{SpaceHost, limits};
use crate::chance;

/// Somebody who wants a credential.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Applicant<'a> {
    /// For which space.
    pub space: &'a SpaceRef,
    /// Who lets it be read in their name.
    pub user: &'a Did,
    /// The app that does it, if it has proved which one it is.
    pub app: Option<&'a ClientId>,
    /// The key that the credential is bound to.
    pub binding: &'a KeyBinding,
}

/// Why somebody gets none.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotAdmitted {
    /// The host does not govern such a space.
    #[error("there is no such space")]
    Space,
    /// The space is gone for good.
    #[error("the space is gone")]
    Deleted,
    /// The space does not let the app in.
    #[error("the space does not let the app in")]
    App,
    /// The space does not let the user in.
    #[error("the space does not let the user in")]
    User,
    /// They have as many as are allowed.
    #[error("there are too many credentials")]
    TooMany,
    /// The store failed.
    #[error("credentials cannot be kept")]
    Storage(#[from] StorageError),
    /// The authority's key cannot be read.
    #[error(transparent)]
    Accounts(#[from] AccountsError),
    /// The credential cannot be made.
    #[error(transparent)]
    Mint(#[from] NewCredentialError),
}

impl SpaceHost {
    /// Whether this host has the last word on a space, be it there or gone.
    pub(crate) async fn governs(&self, space: &SpaceRef) -> Result<bool, NotAdmitted> {
        if !self.accounts.hosts(&space.authority()).await? {
            return Ok(false);
        }
        let spaces = self.storage.spaces();
        Ok(spaces.find(space).await?.is_some() || spaces.is_deleted(space).await?)
    }

    /// A credential, if the space lets them in: the app first, then the user. From then on it is known
    /// to be theirs, so that it ends when they are not let in any more.
    pub(crate) async fn admit(
        &self,
        applicant: &Applicant<'_>,
        now: Timestamp,
    ) -> Result<String, NotAdmitted> {
        let key = self.accounts.key(&applicant.space.authority()).await?;
        let key = key.ok_or(NotAdmitted::Space)?;
        let asked = self.ask_app(applicant, now).await?;
        let spaces = self.storage.spaces();
        let mut tx = self.storage.begin().await?;
        spaces.hold(&mut tx, applicant.space).await?;
        let space = match spaces.find_in(&mut tx, applicant.space).await? {
            Some(space) => space,
            None if spaces.is_deleted_in(&mut tx, applicant.space).await? => {
                return Err(NotAdmitted::Deleted);
            }
            None => return Err(NotAdmitted::Space),
        };
        check_app(&space, applicant.app)?;
        self.check_user(&mut tx, &space, applicant.user, asked)
            .await?;
        let (id, lifetime) = (chance::bytes(), applicant.binding.usual_lifetime());
        let issued = IssuedCredential {
            space: space.uri,
            id: URL_SAFE_NO_PAD.encode(id),
            holder: applicant.user.clone(),
            until: now + SignedDuration::from_secs(lifetime + SKEW),
        };
        if !spaces
            .keep_credential(&mut tx, &issued, limits::CREDENTIALS, now)
            .await?
        {
            return Err(NotAdmitted::TooMany);
        }
        let new = NewCredential {
            space: applicant.space,
            binding: applicant.binding,
            fragment: loggia_auth::service_auth::KEY,
            now,
            lifetime,
            id,
        };
        let credential = space_credential::mint(&key, &new)?;
        tx.commit().await?;
        Ok(credential)
    }

    /// What the managing app says, if the space goes by it. Before the transaction, in which nothing
    /// waits for others; and not for an app that is not let in anyway.
    async fn ask_app(
        &self,
        applicant: &Applicant<'_>,
        now: Timestamp,
    ) -> Result<Option<(String, bool)>, NotAdmitted> {
        let found = self.storage.spaces().find(applicant.space).await?;
        let is_owner = applicant.space.authority() == *applicant.user;
        let Some(space) = found.filter(|_| !is_owner) else {
            return Ok(None);
        };
        check_app(&space, applicant.app)?;
        let SpacePolicy::ManagingApp(app) = space.read_policy else {
            return Ok(None);
        };
        let question = Question {
            space: applicant.space,
            user: applicant.user,
            access: Access::Read,
            client: applicant.app.map(ClientId::as_str),
        };
        let lets_in = self.ask(&app, &question, now).await;
        Ok(Some((app, lets_in)))
    }

    async fn check_user(
        &self,
        tx: &mut Write,
        space: &HostedSpace,
        user: &Did,
        asked: Option<(String, bool)>,
    ) -> Result<(), NotAdmitted> {
        let lets_in = match &space.read_policy {
            _ if space.uri.authority() == *user => true,
            SpacePolicy::Public => true,
            SpacePolicy::MemberList => {
                let spaces = self.storage.spaces();
                let member = spaces.member_in(tx, &space.uri, user).await?;
                member.is_some_and(|member| member.read)
            }
            SpacePolicy::ManagingApp(app) => {
                asked.is_some_and(|(asked, lets_in)| asked == *app && lets_in)
            }
        };
        if lets_in {
            Ok(())
        } else {
            Err(NotAdmitted::User)
        }
    }
}

fn check_app(space: &HostedSpace, app: Option<&ClientId>) -> Result<(), NotAdmitted> {
    let lets_in = match &space.app_access {
        AppAccess::Open => true,
        AppAccess::AllowList(allowed) => {
            app.is_some_and(|app| allowed.iter().any(|one| one == app.as_str()))
        }
    };
    if lets_in {
        Ok(())
    } else {
        Err(NotAdmitted::App)
    }
}
