//! Registrations of `com.atproto.space.registerNotify`: standing wishes to be told, with an expiry.

mod end;
mod heir;
mod register;
mod row;

use std::collections::{BTreeSet, HashMap};
use std::str::FromStr;

use jiff::Timestamp;
use loggia_delivery::{Endpoint, EndpointId, sortable_id};
use loggia_syntax::{Did, SpaceRef};

use crate::column::{Reading, millis};
use crate::sql::{self, Columns, Kind, Rows};
use crate::{Storage, StorageError, Write};

pub use end::{Unregistering, UnregisteringBy};
use register::share_spaces;
pub(crate) use register::{hold_space, spaces_of};

sortable_id! {
    /// Which registration.
    RegistrationId
}

/// A standing wish of a service to be told of a space.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registration {
    /// Which registration; stays when it is renewed.
    pub id: RegistrationId,
    /// The space.
    pub space: SpaceRef,
    /// The service that is told: a DID, and after `#` an entry of its document.
    pub service: String,
    /// What it is told.
    pub shape: RegistrationShape,
    /// The URL that was registered; empty where the service's document says where it is.
    pub url: String,
    /// Whose writes it is told of; everybody's if nobody is named.
    pub author: Option<Did>,
    /// Whether the space was spelled with `ats://`.
    pub older_spelling: bool,
    /// The endpoint that it is told at. That of a URL belongs to its registration alone, with a secret of
    /// its own; a service of the protocol has one for all who register it for the same author.
    pub endpoint: EndpointId,
    /// Who registered it first, or in whose right: see [`NewRegistration::created_by`].
    pub created_by: Did,
    /// Who reads the space, see [`NewRegistration::reader`].
    pub reader: Option<Did>,
    /// The `jti` of the space credential with which a reader registered or last renewed it; none
    /// where somebody did in their own name.
    pub credential: Option<String>,
    /// From this time on it is not told any more.
    pub expires_at: Timestamp,
}

/// What a registration is told, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RegistrationShape {
    /// Each record that changes, at a URL.
    Webhook,
    /// That a repository has advanced, by calls of the protocol's methods at a service whose DID
    /// document says where it is.
    Protocol,
    /// The same at a URL, as drafts of the protocol had it: the service is whoever registered.
    Draft,
}

/// A text that names no [`RegistrationShape`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("registrations have no such shape")]
pub struct UnknownShape;

/// A registration on its way in. One of the same maker, space, service, shape, URL and author is renewed
/// instead; that of a service whose document says where it is has no URL.
///
/// A maker is an account, or, where nobody knows who reads, one credential: nobody renews, takes over or
/// ends what somebody else has made.
#[derive(Clone, Debug)]
pub struct NewRegistration {
    /// Its id, should it be new.
    pub id: RegistrationId,
    /// The space.
    pub space: SpaceRef,
    /// The service that is told: a DID, and after `#` an entry of its document.
    pub service: String,
    /// What it is told.
    pub shape: RegistrationShape,
    /// Whose writes it is told of; everybody's if nobody is named.
    pub author: Option<Did>,
    /// Whether the space is spelled with `ats://`.
    pub older_spelling: bool,
    /// Its endpoint, should it be new.
    pub endpoint: Endpoint,
    /// Who registers it; for a reader of whom nobody knows who they are, the authority that let them.
    pub created_by: Did,
    /// Who reads the space, if that is known and is not its authority: told only as long as the rules
    /// of a space here let them read.
    pub reader: Option<Did>,
    /// The `jti` of a reader's space credential. When it is revoked, the registration goes.
    pub credential: Option<String>,
    /// The new expiry.
    pub expires_at: Timestamp,
}

/// How many unexpired registrations there may be. Readers may make half as many each time, so that
/// authorities always find room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caps {
    /// Of one space: what one write may fan out to.
    pub per_space: u32,
    /// Of all spaces of one authority.
    pub per_authority: u32,
    /// Made by one caller.
    pub per_caller: u32,
}

/// What became of a registration.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub enum Registered {
    /// It is new; or it has a new endpoint with the new secret, because the old one's row could not
    /// be read any more.
    New(Registration),
    /// Its maker had one already: it keeps its id and its endpoint's secret, has the new expiry, and is
    /// told again should its endpoint have been disabled. After the commit, tell the engine's handle.
    Renewed(Registration),
    /// The service has answered 410, and neither it nor the authority of the space is who asks for more.
    Gone,
    /// The credential with which it was to be made was taken back meanwhile, or the space is gone.
    Ended,
    /// The space has as many as are allowed.
    SpaceFull,
    /// The authority has as many as are allowed.
    AuthorityFull,
    /// The caller has made as many as are allowed.
    CallerFull,
}

/// That a registration `g` is told, whose endpoint is `e`, in a space that is `s` if it is here, and whose
/// reader is the member `m` if they are one.
macro_rules! is_told {
    () => {
        "e.disabled_reason IS NULL
         AND (g.reader IS NULL OR s.uri IS NULL OR s.read_policy <> 'members'
              OR s.authority = g.reader OR m.may_read = 1)"
    };
}
use is_told;

/// Spaces, as a table.
const SPACES: Columns = &[("space", Kind::Text), ("now", Kind::Integer)];

/// The registrations of a store.
#[derive(Clone, Debug)]
pub struct Registrations {
    pub(crate) storage: Storage,
}

impl Registrations {
    /// The space's registrations that have not expired, whose reader may still read and whose endpoint
    /// is told, oldest first. In the transaction that enqueues for them: until it ends none of them ends
    /// before its time. One that cannot be read is left out and logged: the others are told.
    pub async fn list_active(
        &self,
        tx: &mut Write,
        space: &SpaceRef,
        now: Timestamp,
    ) -> Result<Vec<Registration>, StorageError> {
        let mut all = self.list_active_of(tx, &[space], now).await?;
        Ok(all.remove(space.as_str()).unwrap_or_default())
    }

    /// The same for several spaces, by their names; those that have none are missing.
    pub async fn list_active_of(
        &self,
        tx: &mut Write,
        spaces: &[&SpaceRef],
        now: Timestamp,
    ) -> Result<HashMap<String, Vec<Registration>>, StorageError> {
        let names: BTreeSet<_> = spaces.iter().map(|space| space.as_str()).collect();
        // Who ends one of them meanwhile has to see what is enqueued for it, to hand it on.
        share_spaces(tx.sql(), &names).await?;
        let mut rows = Rows::new(SPACES);
        for name in names {
            rows.push([name.into(), millis(now).into()]);
        }
        let rows = rows
            .fetch_all(
                tx.sql(),
                concat!(
                    "SELECT g.* FROM r JOIN registration g ON g.space = r.space
                     JOIN endpoint e ON e.id = g.endpoint
                     LEFT JOIN space s ON s.uri = g.space
                     LEFT JOIN space_member m ON m.space = g.space AND m.did = g.reader
                     WHERE g.expires_at > r.now AND ",
                    is_told!(),
                    " ORDER BY g.id"
                ),
            )
            .await
            .map_err(StorageError::doing("list registrations"))?;
        let mut listed: HashMap<_, Vec<_>> = HashMap::new();
        for registration in rows.iter().filter_map(row::readable) {
            let space = registration.space.as_str().to_owned();
            listed.entry(space).or_default().push(registration);
        }
        Ok(listed)
    }

    /// Services of the protocol that are registered for a space, each once and at most `limit`.
    pub async fn services(
        &self,
        tx: &mut Write,
        space: &SpaceRef,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<String>, StorageError> {
        let rows = sql::query(
            "SELECT DISTINCT service FROM registration
             WHERE space = $1 AND shape = 'protocol' AND expires_at > $2 ORDER BY service LIMIT $3",
        )
        .bind(space.as_str())
        .bind(millis(now))
        .bind(limit)
        .fetch_all(tx.sql())
        .await
        .map_err(StorageError::doing("list registered services"))?;
        let service = |row| Reading::new("registration", space, row).get("service");
        Ok(rows.iter().map(service).collect::<Result<_, _>>()?)
    }

    /// Removes all of a space's registrations; how many those were. What is enqueued already is
    /// still delivered: the last of it says that the space is gone.
    pub async fn delete_space(
        &self,
        tx: &mut Write,
        space: &SpaceRef,
    ) -> Result<u64, StorageError> {
        let deleted = sql::query("DELETE FROM registration WHERE space = $1")
            .bind(space.as_str())
            .execute(tx.sql())
            .await
            .map_err(StorageError::doing("delete a space's registrations"))?;
        Ok(deleted)
    }

    /// Removes at most `limit` expired registrations; how many those were. Their endpoints go when
    /// nothing is left of what was delivered to them, see [`Endpoints::sweep`](crate::Endpoints::sweep).
    pub async fn sweep(&self, now: Timestamp, limit: u32) -> Result<u64, StorageError> {
        let sql = "DELETE FROM registration WHERE id IN
                 (SELECT id FROM registration WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2)";
        self.storage
            .forget(sql, now, limit, "sweep registrations")
            .await
    }
}

impl RegistrationShape {
    fn as_str(self) -> &'static str {
        match self {
            Self::Webhook => "webhook",
            Self::Protocol => "protocol",
            Self::Draft => "draft",
        }
    }
}

impl FromStr for RegistrationShape {
    type Err = UnknownShape;

    fn from_str(text: &str) -> Result<Self, UnknownShape> {
        let all = [Self::Webhook, Self::Protocol, Self::Draft];
        let named = all.into_iter().find(|shape| shape.as_str() == text);
        named.ok_or(UnknownShape)
    }
}

impl Registration {
    /// Whether it was made by somebody who only reads the space, and not in its authority's own name.
    pub fn is_readers(&self) -> bool {
        self.reader.is_some() || self.credential.is_some()
    }
}

/// An account; or the authority with the credential of a reader whom nobody knows.
fn maker(created_by: &Did, reader: Option<&Did>, credential: Option<&str>) -> String {
    match (reader, credential) {
        (None, Some(credential)) => format!("{created_by}#{credential}"),
        (reader, _) => reader.unwrap_or(created_by).to_string(),
    }
}

impl NewRegistration {
    fn maker(&self) -> String {
        maker(
            &self.created_by,
            self.reader.as_ref(),
            self.credential.as_deref(),
        )
    }

    /// Whether whoever registers speaks for the service, or for the space.
    fn is_owners(&self) -> bool {
        let (service, _) = self.service.split_once('#').unwrap_or((&self.service, ""));
        let reader = self.reader.as_ref();
        !self.is_readers() || reader.is_some_and(|did| did.as_str() == service)
    }

    /// What it is told apart by beside space, service, shape and author.
    fn url(&self) -> &str {
        match self.shape {
            RegistrationShape::Protocol => "",
            RegistrationShape::Webhook | RegistrationShape::Draft => self.endpoint.target.as_str(),
        }
    }

    /// Whether somebody registers who only reads the space.
    fn is_readers(&self) -> bool {
        self.reader.is_some() || self.credential.is_some()
    }
}
