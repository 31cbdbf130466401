//! Finding the space that its owner wants to change.

use loggia_api::com::atproto::simplespace::{
    delete_space, list_members, put_member, remove_member, update_space,
};
use loggia_api::dev::loggia::community::create_invite;
use loggia_delivery::EndpointId;
use loggia_storage::{HostedSpace, Write};
use loggia_syntax::{Did, SpaceRef};
use loggia_xrpc::{DeclaredError, Failure, declared};

use super::SpaceHost;
use crate::space_hub::{self, Void};

/// The names of refusals in the words of a method.
pub(crate) trait NotTheirs: DeclaredError + Sized {
    /// `SpaceNotFound`
    fn no_space() -> Self;
    /// `NotSpaceOwner`, or what stands for it.
    fn not_owner() -> Self;
}

macro_rules! not_theirs {
    ($($method:ident: $owner:ident),* $(,)?) => { $(
        impl NotTheirs for $method::Error {
            fn no_space() -> Self {
                Self::SpaceNotFound
            }

            fn not_owner() -> Self {
                Self::$owner
            }
        }
    )* };
}

not_theirs!(
    create_invite: NotSpaceOwner,
    delete_space: NotSpaceOwner,
    list_members: SpaceNotFound,
    put_member: NotSpaceOwner,
    remove_member: NotSpaceOwner,
    update_space: NotSpaceOwner,
);

impl SpaceHost {
    /// The space, held for its owner until the transaction ends.
    pub(crate) async fn owned<E: NotTheirs>(
        &self,
        tx: &mut Write,
        space: &SpaceRef,
        caller: &Did,
    ) -> Result<HostedSpace, Failure<E>> {
        let spaces = self.storage.spaces();
        spaces.hold(tx, space).await?;
        let found = spaces.find_in(tx, space).await?;
        let found = found.ok_or_else(|| declared(E::no_space()))?;
        if space.authority() != *caller {
            return Err(declared(E::not_owner()).into());
        }
        Ok(found)
    }

    /// Takes back the credentials of a space that have not ended: those of one holder, or of all. Whoever
    /// may be shown them is told: the holders' own hosts, the services that are registered, and the hosts of those who have written.
    /// The endpoints that are told nothing any more.
    pub(crate) async fn revoke<E>(
        &self,
        tx: &mut Write,
        space: &SpaceRef,
        holder: Option<&Did>,
        now: jiff::Timestamp,
    ) -> Result<Vec<EndpointId>, Failure<E>> {
        // As it was before some of them end.
        let registrations = self.storage.registrations();
        let services = registrations.services(tx, space, now, space_hub::MOST_TOLD);
        let services = services.await?;
        let spaces = self.storage.spaces();
        let taken = spaces.revoke_credentials(tx, space, holder, (u32::MAX, now));
        let taken = taken.await?;
        let void = Void {
            space,
            credentials: &taken.credentials,
            services: &services,
        };
        space_hub::revoked(&self.storage, tx, void, 0, now).await?;
        Ok(taken.endpoints)
    }
}
