//! `account:` and `identity:`, what stands beside the account's data.

use std::fmt;

use super::ScopeError;
use super::choice::Word;
use super::text::{Fields, Writer};

/// One attribute of the account at its host: `account:email?action=manage`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct AccountScope {
    /// Which attribute.
    pub attribute: AccountAttribute,
    /// What may be done to it.
    pub action: AccountAction,
}

/// What an account has at its host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum AccountAttribute {
    /// The address.
    Email,
    /// The whole public repository, to import or export.
    Repo,
    /// Active or not.
    Status,
}

/// What is done to an attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum AccountAction {
    /// Reading.
    Read,
    /// Reading and changing.
    Manage,
}

/// One use of an attribute of the account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AccountNeed {
    /// Which attribute.
    pub attribute: AccountAttribute,
    /// What is done to it.
    pub action: AccountAction,
}

/// What stands in the DID document: `identity:handle`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct IdentityScope {
    /// Which part.
    pub attribute: IdentityAttribute,
}

/// A part of the identity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum IdentityAttribute {
    /// The handle.
    Handle,
    /// `*`: the handle and everything else in the DID document.
    All,
}

/// One change of the identity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IdentityNeed {
    /// Which part; [`IdentityAttribute::All`] if it goes beyond the handle.
    pub attribute: IdentityAttribute,
}

impl Word for AccountAttribute {
    const ALL: &'static [Self] = &[Self::Email, Self::Repo, Self::Status];

    fn word(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Repo => "repo",
            Self::Status => "status",
        }
    }
}

impl Word for AccountAction {
    const ALL: &'static [Self] = &[Self::Read, Self::Manage];

    fn word(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Manage => "manage",
        }
    }
}

impl Word for IdentityAttribute {
    const ALL: &'static [Self] = &[Self::Handle, Self::All];

    fn word(self) -> &'static str {
        match self {
            Self::Handle => "handle",
            Self::All => "*",
        }
    }
}

impl AccountScope {
    pub(super) fn read(text: &str) -> Result<Self, ScopeError> {
        let fields = Fields::read(text, &["attr", "action"])?;
        let action = fields.one("action")?;
        Ok(Self {
            attribute: AccountAttribute::read(fields.required("attr")?, "attr")?,
            action: action.map_or(Ok(AccountAction::Read), |action| {
                AccountAction::read(action, "action")
            })?,
        })
    }

    /// Whether it allows this use.
    pub fn allows(&self, need: &AccountNeed) -> bool {
        self.attribute == need.attribute
            && (self.action == AccountAction::Manage || self.action == need.action)
    }
}

impl IdentityScope {
    pub(super) fn read(text: &str) -> Result<Self, ScopeError> {
        let fields = Fields::read(text, &["attr"])?;
        Ok(Self {
            attribute: IdentityAttribute::read(fields.required("attr")?, "attr")?,
        })
    }

    /// Whether it allows this change.
    pub fn allows(&self, need: &IdentityNeed) -> bool {
        self.attribute == IdentityAttribute::All || self.attribute == need.attribute
    }
}

impl fmt::Display for AccountScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut writer = Writer::new(f, "account")?;
        writer.value(self.attribute.word())?;
        match self.action {
            AccountAction::Read => Ok(()),
            AccountAction::Manage => writer.param("action", self.action.word()),
        }
    }
}

impl fmt::Display for AccountNeed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let &Self { attribute, action } = self;
        AccountScope { attribute, action }.fmt(f)
    }
}

impl fmt::Display for IdentityScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Writer::new(f, "identity")?.value(self.attribute.word())
    }
}

impl fmt::Display for IdentityNeed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let attribute = self.attribute;
        IdentityScope { attribute }.fmt(f)
    }
}
