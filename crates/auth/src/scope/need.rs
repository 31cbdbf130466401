//! What a method needs.

use std::fmt;

use super::{
    AccountAction, AccountAttribute, AccountNeed, BlobNeed, IdentityNeed, RepoNeed, RpcNeed, Scope,
    SpaceNeed, Transition,
};

/// One thing that a method does in the account's name. Its text is the narrowest scope that allows
/// it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need<'a> {
    /// That the session is one of the protocol: the scope `atproto`.
    Atproto,
    /// Something in, or to, a space.
    Space(SpaceNeed<'a>),
    /// A write to the public repository.
    Repo(RepoNeed<'a>),
    /// A call of another service.
    Rpc(RpcNeed<'a>),
    /// Something about the account.
    Account(AccountNeed),
    /// A change of the identity.
    Identity(IdentityNeed),
    /// An upload.
    Blob(BlobNeed<'a>),
}

impl Need<'_> {
    /// Whether this scope allows it.
    pub fn is_met_by(&self, scope: &Scope) -> bool {
        match (self, scope) {
            (Self::Atproto, Scope::Atproto) => true,
            (Self::Space(need), Scope::Space(scope)) => scope.allows(need),
            (Self::Repo(need), Scope::Repo(scope)) => scope.allows(need),
            (Self::Rpc(need), Scope::Rpc(scope)) => scope.allows(need),
            (Self::Account(need), Scope::Account(scope)) => scope.allows(need),
            (Self::Identity(need), Scope::Identity(scope)) => scope.allows(need),
            (Self::Blob(need), Scope::Blob(scope)) => scope.allows(need),
            _ => false,
        }
    }

    /// Whether a coarse scope allows it, in the reading of the reference implementation. None
    /// reaches a space: they are older than spaces.
    pub(super) fn is_met_in_transition(&self, scope: Transition) -> bool {
        const READ_EMAIL: AccountNeed = AccountNeed {
            attribute: AccountAttribute::Email,
            action: AccountAction::Read,
        };
        match (scope, self) {
            (Transition::Generic, Self::Repo(_) | Self::Blob(_)) => true,
            (Transition::Generic, Self::Rpc(need)) => !need.is_chat(),
            (Transition::ChatBsky, Self::Rpc(need)) => need.is_chat(),
            (Transition::Email, Self::Account(need)) => *need == READ_EMAIL,
            _ => false,
        }
    }
}

impl RpcNeed<'_> {
    fn is_chat(&self) -> bool {
        self.method.as_str().starts_with("chat.bsky.")
    }
}

impl fmt::Display for Need<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Atproto => Scope::Atproto.fmt(f),
            Self::Space(need) => need.fmt(f),
            Self::Repo(need) => need.fmt(f),
            Self::Rpc(need) => need.fmt(f),
            Self::Account(need) => need.fmt(f),
            Self::Identity(need) => need.fmt(f),
            Self::Blob(need) => need.fmt(f),
        }
    }
}
