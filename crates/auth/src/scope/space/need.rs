//! What a method needs of the `space` family.

use std::fmt;

use loggia_syntax::{Did, Nsid, SpaceRef};

use super::{ManageOp, SpaceAction, SpaceAuthority, SpaceScope};
use crate::scope::choice::Word as _;
use crate::scope::text::Writer;

/// One use of a space, or of all spaces of a kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SpaceNeed<'a> {
    space_type: Option<&'a str>,
    authority: Option<&'a str>,
    skey: Option<&'a str>,
    access: SpaceAccess<'a>,
}

/// What is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SpaceAccess<'a> {
    /// Reading one's own records.
    ReadSelf,
    /// Reading all records.
    Read,
    /// Making a record in this collection.
    Create(&'a Nsid),
    /// Replacing a record of this collection.
    Update(&'a Nsid),
    /// Deleting a record of this collection.
    Delete(&'a Nsid),
    /// Doing something to the space itself.
    Manage(ManageOp),
}

impl<'a> SpaceNeed<'a> {
    /// To do this with one space.
    pub fn of(space: &'a SpaceRef, access: SpaceAccess<'a>) -> Self {
        let (authority, space_type, skey) = space.split();
        Self {
            space_type: Some(space_type),
            authority: Some(authority),
            skey: Some(skey),
            access,
        }
    }

    /// To do this with every space of this type (`None`: of every type) and authority (`None`: of
    /// everybody), e.g. listing them.
    pub fn of_all(
        space_type: Option<&'a Nsid>,
        authority: Option<&'a Did>,
        access: SpaceAccess<'a>,
    ) -> Self {
        Self {
            space_type: space_type.map(Nsid::as_str),
            authority: authority.map(Did::as_str),
            skey: None,
            access,
        }
    }
}

impl SpaceAccess<'_> {
    fn action(self) -> Option<SpaceAction> {
        match self {
            Self::ReadSelf => Some(SpaceAction::ReadSelf),
            Self::Read => Some(SpaceAction::Read),
            Self::Create(_) => Some(SpaceAction::Create),
            Self::Update(_) => Some(SpaceAction::Update),
            Self::Delete(_) => Some(SpaceAction::Delete),
            Self::Manage(_) => None,
        }
    }
}

impl SpaceScope {
    /// Whether it allows this use.
    pub fn allows(&self, need: &SpaceNeed<'_>) -> bool {
        let authority = match &self.authority {
            SpaceAuthority::Granter => false,
            SpaceAuthority::Any => true,
            SpaceAuthority::Did(did) => need.authority == Some(did.as_str()),
        };
        authority
            && self.space_type.takes(need.space_type)
            && self.skey.takes(need.skey)
            && self.allows_access(need.access)
    }

    fn allows_access(&self, access: SpaceAccess<'_>) -> bool {
        let has = |action| self.actions.contains(&action);
        let writes = |collection: &Nsid| self.collections.take(collection.as_str());
        match access {
            SpaceAccess::ReadSelf => has(SpaceAction::ReadSelf) || has(SpaceAction::Read),
            SpaceAccess::Read => has(SpaceAction::Read),
            SpaceAccess::Create(collection) => has(SpaceAction::Create) && writes(collection),
            SpaceAccess::Update(collection) => has(SpaceAction::Update) && writes(collection),
            SpaceAccess::Delete(collection) => has(SpaceAction::Delete) && writes(collection),
            SpaceAccess::Manage(operation) => self.manage.contains(&operation),
        }
    }
}

/// The narrowest scope that allows it. One for managing names `read_self` besides, since a scope
/// without actions would allow most of them.
impl fmt::Display for SpaceNeed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut writer = Writer::new(f, "space")?;
        writer.value(self.space_type.unwrap_or("*"))?;
        writer.param("authority", self.authority.unwrap_or("*"))?;
        if let Some(skey) = self.skey {
            writer.param("skey", skey)?;
        }
        if let SpaceAccess::Create(collection)
        | SpaceAccess::Update(collection)
        | SpaceAccess::Delete(collection) = self.access
        {
            writer.param("collection", collection.as_str())?;
        }
        let action = self.access.action().unwrap_or(SpaceAction::ReadSelf);
        writer.param("action", action.word())?;
        match self.access {
            SpaceAccess::Manage(operation) => writer.param("manage", operation.word()),
            _ => Ok(()),
        }
    }
}
