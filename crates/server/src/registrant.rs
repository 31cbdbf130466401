//! Who may register for a space.

use jiff::Timestamp;
use loggia_api::com::atproto::space::unregister_notify;
use loggia_callers::{Either, SpacePolicy, SpaceReader, Wanted};
use loggia_syntax::Did;
use loggia_xrpc_server::{Arguments, Refusal};

use crate::caller::Caller;
use crate::overlay::{RegisterNotifyShapes, Shaped};
use crate::space_notices::read_space;

/// Whoever registers for a space: an account in its own name, or a reader with a credential for it.
pub type Registrant = Either<Caller, SpaceReader<Space>>;

/// The space that a registration is for. It is about no repository, so that a reader's request must be
/// meant for the authority.
#[derive(Debug)]
pub enum Space {}

impl<P, S> SpacePolicy<P, Shaped<RegisterNotifyShapes>, S> for Space {
    fn wanted(
        arguments: Arguments<'_, P, Shaped<RegisterNotifyShapes>>,
        _: &S,
    ) -> Result<Wanted, Refusal> {
        let space = match arguments.input {
            Shaped::Official(input) => input.space.clone(),
            Shaped::Compat(input) => read_space(&input.space)?,
        };
        Ok(Wanted { space, repo: None })
    }
}

impl<P, S> SpacePolicy<P, unregister_notify::Input, S> for Space {
    fn wanted(
        arguments: Arguments<'_, P, unregister_notify::Input>,
        _: &S,
    ) -> Result<Wanted, Refusal> {
        let space = arguments.input.space.clone();
        Ok(Wanted { space, repo: None })
    }
}

/// In whose name something is registered, by which credential, and for how long that is good.
///
/// A credential does not say who its holder is, and what they say of themselves in the body proves
/// nothing. Where this server has given it out, it knows; a reader whom nobody knows registers in the
/// name of the authority that let them read, and within its limits. Which credential it was is kept, so
/// that its revocation ends what was registered with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Right {
    /// The authority of the space.
    pub authority: Did,
    /// Who reads the space, if it is not the authority and that is known.
    pub reader: Option<Did>,
    /// The `jti` of a reader's credential.
    pub credential: Option<String>,
    /// The end of the right, where it cannot be asked for again.
    pub until: Option<Timestamp>,
}

impl Right {
    /// The right that an authority has in its own name.
    pub fn of_authority(authority: Did) -> Self {
        Self {
            authority,
            reader: None,
            credential: None,
            until: None,
        }
    }

    /// In whose name.
    pub fn created_by(&self) -> &Did {
        self.reader.as_ref().unwrap_or(&self.authority)
    }

    /// Who calls, if that is known.
    pub fn caller(&self) -> Option<&Did> {
        match (&self.reader, &self.credential) {
            (None, Some(_)) => None,
            _ => Some(self.created_by()),
        }
    }

    /// Whose registrations are too many when the space has no room.
    pub fn of_the_space(&self) -> &'static str {
        match self.is_authoritys() {
            true => "this space",
            false => "the readers of this space",
        }
    }

    /// Whose registrations are too many when the authority has no room.
    pub fn of_the_authority(&self) -> &'static str {
        match self.is_authoritys() {
            true => "the spaces of this authority",
            false => "the readers of this authority's spaces",
        }
    }

    /// Whose registrations are too many when their maker has no room.
    pub fn of_the_caller(&self) -> &'static str {
        match self.caller() {
            Some(_) => "you",
            None => "the readers of this authority's spaces",
        }
    }

    fn is_authoritys(&self) -> bool {
        self.reader.is_none() && self.credential.is_none()
    }
}
