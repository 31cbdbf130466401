//! OAuth scopes: what an access token allows.
//!
//! Every family of scopes is a type, read from one token of the `scope` claim and written back in
//! its canonical form. [`Scopes`] is the whole claim, and a [`Need`] is what a method asks of it:
//!
//! ```
//! use loggia_auth::scope::{Need, RepoAction, RepoNeed, Scopes};
//! use loggia_syntax::Nsid;
//!
//! let scopes = Scopes::parse("atproto repo:com.example.note?action=create")?;
//! let notes = Nsid::from_static("com.example.note");
//! let need = |action| Need::Repo(RepoNeed { collection: &notes, action });
//! assert!(scopes.require(&need(RepoAction::Create)).is_ok());
//! let refusal = scopes.require(&need(RepoAction::Delete)).expect_err("it may only create");
//! assert_eq!(refusal.scope(), "repo:com.example.note?action=delete");
//! # Ok::<(), loggia_auth::scope::ScopesTooLong>(())
//! ```
//!
//! The syntax is that of the permission specification of AT Protocol; the `space` family is that of
//! the permissioned-data proposal (0016). Where the reference implementation writes a text that it
//! would not read again, this module does: `%` is written as `%25`, and a `+` in a parameter is a
//! plus and no space.

mod account;
mod blob;
mod choice;
mod error;
mod include;
mod need;
mod repo;
mod rpc;
mod set;
mod space;
mod text;

use std::fmt;
use std::str::FromStr;

pub use account::{
    AccountAction, AccountAttribute, AccountNeed, AccountScope, IdentityAttribute, IdentityNeed,
    IdentityScope,
};
pub use blob::{BlobNeed, BlobScope};
pub use choice::{Choice, Choices};
pub use error::{ScopeError, ScopeMissing, ScopesTooLong};
pub use include::IncludeScope;
pub use need::Need;
pub use repo::{RepoAction, RepoNeed, RepoScope};
pub use rpc::{Audience, RpcNeed, RpcScope};
pub use set::Scopes;
pub use space::{ManageOp, SpaceAccess, SpaceAction, SpaceAuthority, SpaceNeed, SpaceScope};

/// One scope. Its text is canonical: equal scopes have equal texts.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    /// `atproto`, which every session of the protocol has and which allows nothing by itself.
    Atproto,
    /// One of the coarse scopes from before there were families.
    Transition(Transition),
    /// `space:`, permissioned spaces.
    Space(SpaceScope),
    /// `repo:`, records in the public repository.
    Repo(RepoScope),
    /// `rpc:`, calls of other services in the account's name.
    Rpc(RpcScope),
    /// `account:`, the account at its host.
    Account(AccountScope),
    /// `identity:`, handle and DID document.
    Identity(IdentityScope),
    /// `blob:`, uploads.
    Blob(BlobScope),
    /// `include:`, a published set of permissions.
    Include(IncludeScope),
}

/// A coarse scope of the time before families. What it allows is decided by whoever honours it; see
/// [`Scopes::with_transitions`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Transition {
    /// `transition:generic`: what an app password allowed.
    Generic,
    /// `transition:email`: reading the account's address.
    Email,
    /// `transition:chat.bsky`: calls of `chat.bsky` methods.
    ChatBsky,
}

impl Transition {
    const ALL: [Self; 3] = [Self::Generic, Self::Email, Self::ChatBsky];

    /// The scope's text.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Generic => "transition:generic",
            Self::Email => "transition:email",
            Self::ChatBsky => "transition:chat.bsky",
        }
    }
}

impl FromStr for Scope {
    type Err = ScopeError;

    fn from_str(text: &str) -> Result<Self, ScopeError> {
        if text == "atproto" {
            return Ok(Self::Atproto);
        }
        if let Some(known) = Transition::ALL.into_iter().find(|it| it.as_str() == text) {
            return Ok(Self::Transition(known));
        }
        match text::family(text) {
            "space" => SpaceScope::read(text).map(Self::Space),
            "repo" => RepoScope::read(text).map(Self::Repo),
            "rpc" => RpcScope::read(text).map(Self::Rpc),
            "account" => AccountScope::read(text).map(Self::Account),
            "identity" => IdentityScope::read(text).map(Self::Identity),
            "blob" => BlobScope::read(text).map(Self::Blob),
            "include" => IncludeScope::read(text).map(Self::Include),
            _ => Err(ScopeError::Family),
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Atproto => f.write_str("atproto"),
            Self::Transition(scope) => f.write_str(scope.as_str()),
            Self::Space(scope) => scope.fmt(f),
            Self::Repo(scope) => scope.fmt(f),
            Self::Rpc(scope) => scope.fmt(f),
            Self::Account(scope) => scope.fmt(f),
            Self::Identity(scope) => scope.fmt(f),
            Self::Blob(scope) => scope.fmt(f),
            Self::Include(scope) => scope.fmt(f),
        }
    }
}
