//! `space:`, permissioned spaces.

mod need;

use std::collections::BTreeSet;
use std::fmt;

use loggia_syntax::{Did, Nsid, RecordKey};

use super::ScopeError;
use super::choice::{Choice, Choices, Word, choice, choices};
use super::text::{Fields, Writer};

pub use need::{SpaceAccess, SpaceNeed};

/// Which spaces may be used, and how:
/// `space:com.example.forum?authority=*&collection=com.example.post&action=read&manage=update`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SpaceScope {
    space_type: Choice<Nsid>,
    authority: SpaceAuthority,
    skey: Choice<RecordKey>,
    collections: Choices<Nsid>,
    actions: BTreeSet<SpaceAction>,
    manage: BTreeSet<ManageOp>,
}

/// Whose spaces a scope is for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SpaceAuthority {
    /// `self`, the default: the account that grants the scope. It allows nothing until whoever
    /// issues the token puts the account's DID in its place ([`SpaceScope::granted_by`]).
    Granter,
    /// `*`: anybody's.
    Any,
    /// Those of one authority.
    Did(Did),
}

/// What is done in a space.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SpaceAction {
    /// Reading one's own records.
    ReadSelf,
    /// Reading all records; includes the above.
    Read,
    /// Making a new record.
    Create,
    /// Replacing a record.
    Update,
    /// Deleting a record.
    Delete,
}

/// What is done to a space itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ManageOp {
    /// Making a new space.
    Create,
    /// Changing its policies and members.
    Update,
    /// Deleting it.
    Delete,
}

impl Word for SpaceAction {
    const ALL: &'static [Self] = &[
        Self::ReadSelf,
        Self::Read,
        Self::Create,
        Self::Update,
        Self::Delete,
    ];

    fn word(self) -> &'static str {
        match self {
            Self::ReadSelf => "read_self",
            Self::Read => "read",
            Self::Create => "create",
            Self::Update => "update",
            Self::Delete => "delete",
        }
    }
}

impl Word for ManageOp {
    const ALL: &'static [Self] = &[Self::Create, Self::Update, Self::Delete];

    fn word(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Delete => "delete",
        }
    }
}

/// What a scope without actions allows.
const DEFAULT_ACTIONS: [SpaceAction; 4] = [
    SpaceAction::Read,
    SpaceAction::Create,
    SpaceAction::Update,
    SpaceAction::Delete,
];

impl SpaceScope {
    pub(super) fn read(text: &str) -> Result<Self, ScopeError> {
        const PARAMS: [&str; 6] = [
            "type",
            "authority",
            "skey",
            "collection",
            "action",
            "manage",
        ];
        let fields = Fields::read(text, &PARAMS)?;
        let mut actions = SpaceAction::read_all(fields.many("action"), "action")?;
        if actions.is_empty() {
            actions.extend(DEFAULT_ACTIONS);
        }
        let skey = fields.one("skey")?;
        Ok(Self {
            space_type: choice(fields.required("type")?, "type")?,
            authority: SpaceAuthority::read(fields.one("authority")?)?,
            skey: skey.map_or(Ok(Choice::Any), |skey| choice(skey, "skey"))?,
            collections: choices(fields.many("collection"), "collection")?,
            actions,
            manage: ManageOp::read_all(fields.many("manage"), "manage")?,
        })
    }

    /// The type of space.
    pub fn space_type(&self) -> &Choice<Nsid> {
        &self.space_type
    }

    /// Whose spaces.
    pub fn authority(&self) -> &SpaceAuthority {
        &self.authority
    }

    /// Which of the authority's spaces of the type.
    pub fn skey(&self) -> &Choice<RecordKey> {
        &self.skey
    }

    /// The collections that may be written; reading does not depend on them.
    pub fn collections(&self) -> &Choices<Nsid> {
        &self.collections
    }

    /// What may be done with records, at least one.
    pub fn actions(&self) -> &BTreeSet<SpaceAction> {
        &self.actions
    }

    /// What may be done to the space itself.
    pub fn manage(&self) -> &BTreeSet<ManageOp> {
        &self.manage
    }

    /// The same scope with `self` replaced by the account that grants it.
    #[must_use]
    pub fn granted_by(mut self, granter: Did) -> Self {
        if self.authority == SpaceAuthority::Granter {
            self.authority = SpaceAuthority::Did(granter);
        }
        self
    }

    /// The same scope with the collections that the space type declares, if it names none itself.
    #[must_use]
    pub fn with_declared(mut self, declared: impl IntoIterator<Item = Nsid>) -> Self {
        if matches!(&self.collections, Choices::Of(none) if none.is_empty()) {
            self.collections = Choices::Of(declared.into_iter().collect());
        }
        self
    }
}

impl SpaceAuthority {
    fn read(text: Option<&str>) -> Result<Self, ScopeError> {
        match text {
            None | Some("self") => Ok(Self::Granter),
            Some("*") => Ok(Self::Any),
            Some(did) => Did::new(did)
                .map(Self::Did)
                .map_err(|_| ScopeError::Value { param: "authority" }),
        }
    }
}

impl fmt::Display for SpaceScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut writer = Writer::new(f, "space")?;
        writer.value(self.space_type.as_str())?;
        match &self.authority {
            SpaceAuthority::Granter => {}
            SpaceAuthority::Any => writer.param("authority", "*")?,
            SpaceAuthority::Did(did) => writer.param("authority", did.as_str())?,
        }
        if let Choice::One(skey) = &self.skey {
            writer.param("skey", skey.as_str())?;
        }
        for collection in self.collections.as_strs() {
            writer.param("collection", collection)?;
        }
        if !self.actions.iter().eq(&DEFAULT_ACTIONS) {
            for action in &self.actions {
                writer.param("action", action.word())?;
            }
        }
        for operation in &self.manage {
            writer.param("manage", operation.word())?;
        }
        Ok(())
    }
}
