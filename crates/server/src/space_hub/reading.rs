//! In whose right somebody registers to be told of a space, and for how long that is good.

use jiff::{SignedDuration, Timestamp};
use loggia_callers::Either;
use loggia_storage::{HostedSpace, SpacePolicy, StorageError};
use loggia_syntax::{Did, SpaceRef};

use crate::caller::Caller;
use crate::registrant::{Registrant, Right};
use crate::space_host::SpaceHost;

/// How long the word of a managing app is good for that an account may read: as long as a credential
/// may live.
const WORD: SignedDuration = SignedDuration::from_hours(1);

/// Why somebody may not register.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NoRight {
    /// There is no such space.
    #[error("there is no such space")]
    Space,
    /// An account that is not the authority of a space elsewhere.
    #[error("only the authority of a space may register for it")]
    Account,
    /// An account that may not read the space.
    #[error("the space does not let you read it")]
    Reader,
    /// The store failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// It is not known whether the authority is here.
    #[error(transparent)]
    Accounts(#[from] crate::space_host::AccountsError),
}

impl SpaceHost {
    /// The right to be told of a space. An authority has it for any space of its own, be it open or
    /// not. Before the transaction: a managing app may be asked.
    ///
    /// Who holds a credential that this server has given out is known, and so whether they may still
    /// read can be asked of the list of members each time that they are told. Where it cannot, the
    /// right ends with the credential, or with the managing app's word.
    pub(crate) async fn right(
        &self,
        registrant: Registrant,
        space: &SpaceRef,
        now: Timestamp,
    ) -> Result<Right, NoRight> {
        let spaces = self.storage.spaces();
        if spaces.is_deleted(space).await? {
            return Err(NoRight::Space);
        }
        let found = spaces.find(space).await?;
        match registrant {
            Either::First(Caller(did)) if space.authority() == did => Ok(Right::of_authority(did)),
            Either::First(Caller(did)) => self.right_of_account(did, space, found, now).await,
            Either::Second(caller) => {
                let credential = caller.reader.credential();
                let holder = spaces.holder(space, credential.id()).await?;
                let by_list = found.is_some_and(|found| is_by_list(&found));
                Ok(Right {
                    authority: credential.authority().clone(),
                    until: (!by_list || holder.is_none()).then(|| credential.expires()),
                    credential: Some(credential.id().to_owned()),
                    reader: holder,
                })
            }
        }
    }

    async fn right_of_account(
        &self,
        did: Did,
        space: &SpaceRef,
        found: Option<HostedSpace>,
        now: Timestamp,
    ) -> Result<Right, NoRight> {
        let Some(found) = found else {
            return Err(match self.accounts.hosts(&space.authority()).await? {
                true => NoRight::Space,
                false => NoRight::Account,
            });
        };
        match self.may_read(&found, &did, now).await? {
            true => Ok(Right {
                authority: space.authority(),
                until: (!is_by_list(&found)).then(|| now + WORD),
                credential: None,
                reader: Some(did),
            }),
            false => Err(NoRight::Reader),
        }
    }

    /// Whether the rules of a space let an account read that is not its authority.
    async fn may_read(
        &self,
        space: &HostedSpace,
        user: &Did,
        now: Timestamp,
    ) -> Result<bool, StorageError> {
        Ok(match &space.read_policy {
            SpacePolicy::Public => true,
            SpacePolicy::MemberList => {
                let member = self.storage.spaces().member(&space.uri, user).await?;
                member.is_some_and(|member| member.read)
            }
            SpacePolicy::ManagingApp(app) => self.ask_to_read(app, &space.uri, user, now).await,
        })
    }
}

/// Whether who may read is known here at any time.
fn is_by_list(space: &HostedSpace) -> bool {
    !matches!(space.read_policy, SpacePolicy::ManagingApp(_))
}
