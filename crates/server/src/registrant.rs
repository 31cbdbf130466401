//! Who may register for a space.

use loggia_callers::{Either, SpacePolicy, SpaceReader, Wanted};
use loggia_syntax::{Did, SpaceRef};
use loggia_xrpc::Rejection;
use loggia_xrpc_server::{Arguments, Refusal};

use crate::caller::Caller;
use crate::overlay::{RegisterNotifyShapes, Shaped};
use crate::space_notices::read_space;

/// Whoever registers for a space: its authority in its own name, or a reader with a credential for it.
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

/// In whose name something is registered, and by which credential.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Right {
    /// The authority of the space.
    pub authority: Did,
    /// The `jti` of a reader's credential.
    pub credential: Option<String>,
}

impl Right {
    /// The right to register for this space.
    ///
    /// A credential does not say who its holder is, and what they say of themselves in the body proves
    /// nothing. A reader therefore registers in the name of the authority that let them read, and
    /// within its limits; which credential it was is kept, so that its revocation ends what was
    /// registered with it.
    ///
    /// # Errors
    /// 403: the caller is an account, and not the authority.
    pub fn of(registrant: Registrant, space: &SpaceRef) -> Result<Self, Rejection> {
        match registrant {
            Either::First(Caller(did)) if space.authority() == did => Ok(Self {
                authority: did,
                credential: None,
            }),
            Either::First(_) => Err(Rejection::forbidden(
                "only the authority of a space may register for it",
            )),
            Either::Second(caller) => {
                let credential = caller.reader.credential();
                Ok(Self {
                    authority: credential.authority().clone(),
                    credential: Some(credential.id().to_owned()),
                })
            }
        }
    }

    /// Whose registrations are too many when the space has no room.
    pub fn of_the_space(&self) -> &'static str {
        match self.credential {
            None => "this space",
            Some(_) => "the readers of this space",
        }
    }

    /// Whose registrations are too many when their maker has no room.
    pub fn of_the_caller(&self) -> &'static str {
        match self.credential {
            None => "you",
            Some(_) => "the readers of this authority's spaces",
        }
    }
}
