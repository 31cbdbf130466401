//! Registering and renewing, within limits.

use std::collections::BTreeSet;

use jiff::Timestamp;
use loggia_delivery::{DisableReason, Endpoint, EndpointId, EndpointState};
use loggia_syntax::{Did, SpaceRef};

use super::row::{read, to_millisecond};
use super::{Caps, NewRegistration, Registered, Registration, RegistrationShape, Registrations};
use crate::column::{Reading, millis};
use crate::sql::{self, Connection};
use crate::{StorageError, Write, endpoint, revoked_credential};

/// Where a registration is told.
enum Home {
    /// At an endpoint that there is.
    Known(EndpointId),
    /// At one that is to be made.
    New,
    /// Nowhere: the service has said that it is gone.
    Gone,
}

impl Registrations {
    /// Registers, or renews what the same maker has registered.
    pub async fn register(
        &self,
        tx: &mut Write,
        new: NewRegistration,
        caps: &Caps,
        now: Timestamp,
    ) -> Result<Registered, StorageError> {
        hold(tx.sql(), &new).await?;
        if self.has_ended(tx, &new).await? {
            return Ok(Registered::Ended);
        }
        let old = find(tx.sql(), &new).await?;
        let counts_already = old.as_ref().is_some_and(|old| old.expires_at > now);
        if !counts_already && let Some(full) = full(tx.sql(), &new, caps, now).await? {
            return Ok(full);
        }
        let endpoint = match self.home(tx, &new, old.as_ref()).await? {
            Home::Gone => return Ok(Registered::Gone),
            Home::Known(endpoint) => {
                self.tell_again(tx, &new, endpoint, now).await?;
                endpoint
            }
            Home::New => {
                self.storage.endpoints().insert(tx, &new.endpoint).await?;
                new.endpoint.id
            }
        };
        let Some(old) = old else {
            let inserted = insert(tx.sql(), new, endpoint, now).await?;
            inserted.cosign(tx.sql()).await?;
            return Ok(Registered::New(inserted));
        };
        let is_told_there = old.endpoint == endpoint;
        let renewed = renewed(old, &new, endpoint);
        renew(tx.sql(), &renewed).await?;
        renewed.cosign(tx.sql()).await?;
        Ok(match is_told_there {
            true => Registered::Renewed(renewed),
            false => Registered::New(renewed),
        })
    }

    /// Whether the right to register has ended since it was looked at.
    async fn has_ended(&self, tx: &mut Write, new: &NewRegistration) -> Result<bool, StorageError> {
        if let Some(credential) = &new.credential
            && revoked_credential::is_revoked(tx.sql(), &new.space, credential).await?
        {
            return Ok(true);
        }
        self.storage.spaces().is_deleted_in(tx, &new.space).await
    }

    /// A service of the protocol has one endpoint, whoever registers it: it is called once for each
    /// advance, and who ends their registration ends nobody else's. A URL is anybody's who names it, and
    /// so each registration of one has an endpoint of its own.
    async fn home(
        &self,
        tx: &mut Write,
        new: &NewRegistration,
        old: Option<&Registration>,
    ) -> Result<Home, StorageError> {
        let old = old.map(|old| old.endpoint);
        if let Some(old) = old {
            match self.look_at(tx, new, old).await? {
                Home::New => {}
                home => return Ok(home),
            }
        }
        if new.shape != RegistrationShape::Protocol {
            return Ok(Home::New);
        }
        match shared(tx.sql(), new, old).await? {
            Some(shared) => self.look_at(tx, new, shared).await,
            None => Ok(Home::New),
        }
    }

    /// Whether this endpoint will do.
    async fn look_at(
        &self,
        tx: &mut Write,
        new: &NewRegistration,
        known: EndpointId,
    ) -> Result<Home, StorageError> {
        let sealer = &self.storage.inner.sealer;
        let found = match endpoint::find(tx.sql(), sealer, known).await {
            Err(StorageError::BadRow(_)) => None,
            found => found?,
        };
        let is_theirs = new.shape != RegistrationShape::Protocol || new.is_owners();
        Ok(match found.map(|found| found.state) {
            None => Home::New,
            Some(EndpointState::Active) => Home::Known(known),
            Some(EndpointState::Disabled { reason, .. }) => match reason {
                DisableReason::Deleted => Home::New,
                DisableReason::Gone if !is_theirs => Home::Gone,
                _ => Home::Known(known),
            },
        })
    }

    /// Tells an endpoint again, at the place that its service's document names now.
    async fn tell_again(
        &self,
        tx: &mut Write,
        new: &NewRegistration,
        id: EndpointId,
        now: Timestamp,
    ) -> Result<(), StorageError> {
        let endpoints = self.storage.endpoints();
        match new.shape {
            RegistrationShape::Webhook | RegistrationShape::Draft => endpoints.enable(tx, id).await,
            RegistrationShape::Protocol => {
                let endpoint = Endpoint {
                    id,
                    ..new.endpoint.clone()
                };
                let description = new.space.as_str();
                endpoints
                    .put_standing(tx, &endpoint, description, now)
                    .await
            }
        }
    }
}

impl Registration {
    /// Has all who have registered its URL sign what it is told.
    async fn cosign(&self, connection: &mut Connection) -> Result<(), StorageError> {
        if self.url.is_empty() {
            return Ok(());
        }
        let place = (self.space.as_str(), self.shape.as_str(), &*self.url);
        endpoint::note_cosigners(connection, place).await
    }
}

async fn insert(
    connection: &mut Connection,
    new: NewRegistration,
    endpoint: EndpointId,
    now: Timestamp,
) -> Result<Registration, StorageError> {
    sql::query(
        "INSERT INTO registration (id, space, service, shape, url, author, maker, older_spelling,
             endpoint, created_by, reader, credential, created_at, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)",
    )
    .bind(&new.id.as_bytes()[..])
    .bind(new.space.as_str())
    .bind(&new.service)
    .bind(new.shape.as_str())
    .bind(new.url())
    .bind(author(&new))
    .bind(new.maker())
    .bind(new.older_spelling)
    .bind(&endpoint.as_bytes()[..])
    .bind(new.created_by.as_str())
    .bind(new.reader.as_ref().map(Did::as_str))
    .bind(new.credential.as_deref())
    .bind(millis(now))
    .bind(millis(new.expires_at))
    .execute(connection)
    .await
    .map_err(StorageError::doing("insert a registration"))?;
    Ok(Registration {
        shape: new.shape,
        url: new.url().to_owned(),
        id: new.id,
        space: new.space,
        service: new.service,
        author: new.author,
        older_spelling: new.older_spelling,
        endpoint,
        created_by: new.created_by,
        reader: new.reader,
        credential: new.credential,
        expires_at: to_millisecond(new.expires_at),
    })
}

/// What stands after a renewal. What an authority stands for with its name neither comes to hang on a
/// credential of its own, nor ends sooner because it is renewed with one.
fn renewed(old: Registration, new: &NewRegistration, endpoint: EndpointId) -> Registration {
    let was_readers = old.is_readers();
    let expires_at = to_millisecond(new.expires_at);
    let (reader, credential) = match was_readers {
        true => (new.reader.clone(), new.credential.clone()),
        false => (None, None),
    };
    Registration {
        expires_at: match !was_readers && new.is_readers() {
            true => expires_at.max(old.expires_at),
            false => expires_at,
        },
        older_spelling: new.older_spelling,
        endpoint,
        reader,
        credential,
        ..old
    }
}

fn author(new: &NewRegistration) -> &str {
    new.author.as_ref().map_or("", Did::as_str)
}

/// What is registered for a space stays as it is until the transaction ends.
pub(crate) async fn hold_space(
    connection: &mut Connection,
    space: &str,
) -> Result<(), StorageError> {
    connection.hold(&of_space(space)).await
}

/// The same for who only looks what is registered for these spaces, which are in order.
pub(super) async fn share_spaces(
    connection: &mut Connection,
    spaces: &BTreeSet<&str>,
) -> Result<(), StorageError> {
    let names = spaces.iter().map(|space| of_space(space)).collect();
    connection.share_all(names).await
}

fn of_space(space: &str) -> String {
    format!("registrations of {space}")
}

/// How many there are, of the space, the authority and the caller, stays as it is until the transaction
/// ends. Always in this order, so that no two wait for each other.
async fn hold(connection: &mut Connection, new: &NewRegistration) -> Result<(), StorageError> {
    let (authority, ..) = new.space.split();
    hold_space(connection, new.space.as_str()).await?;
    for what in [
        format!("registrations at {authority}"),
        format!("registrations by {}", new.created_by),
    ] {
        connection.hold(&what).await?;
    }
    Ok(())
}

async fn find(
    connection: &mut Connection,
    new: &NewRegistration,
) -> Result<Option<Registration>, StorageError> {
    let row = sql::query(
        "SELECT * FROM registration
         WHERE space = $1 AND service = $2 AND shape = $3 AND url = $4 AND author = $5
             AND maker = $6",
    )
    .bind(new.space.as_str())
    .bind(&new.service)
    .bind(new.shape.as_str())
    .bind(new.url())
    .bind(author(new))
    .bind(new.maker())
    .fetch_optional(connection)
    .await
    .map_err(StorageError::doing("find a registration"))?;
    Ok(row.as_ref().map(read).transpose()?)
}

/// The endpoint of whoever else has registered the same service for the same author, other than the one
/// that is of no use.
async fn shared(
    connection: &mut Connection,
    new: &NewRegistration,
    besides: Option<EndpointId>,
) -> Result<Option<EndpointId>, StorageError> {
    let besides = besides.map(|id| *id.as_bytes()).unwrap_or_default();
    let row = sql::query(
        "SELECT endpoint FROM registration
         WHERE space = $1 AND service = $2 AND shape = 'protocol' AND author = $3
             AND endpoint <> $4
         ORDER BY id DESC LIMIT 1",
    )
    .bind(new.space.as_str())
    .bind(&new.service)
    .bind(author(new))
    .bind(&besides[..])
    .fetch_optional(connection)
    .await
    .map_err(StorageError::doing("find a service's endpoint"))?;
    let Some(row) = row else { return Ok(None) };
    let reading = Reading::new("registration", &new.service, &row);
    Ok(Some(reading.parse("endpoint", EndpointId::from_slice)?))
}

/// The names of all spaces of this one's authority lie from the first to before the second.
pub(crate) fn spaces_of(space: &SpaceRef) -> (String, String) {
    let (authority, ..) = space.split();
    // What follows the authority in a name is a slash, and `0` the next character.
    (format!("at://{authority}/"), format!("at://{authority}0"))
}

/// How many registrations there are between two names of spaces, or of a caller, and how many of those
/// are of readers.
const OF_SPACES: &str = "SELECT count(*), count(CASE WHEN reader IS NULL AND credential IS NULL
         THEN NULL ELSE 1 END)
     FROM registration WHERE space >= $1 AND space < $2 AND expires_at > $3";
const OF_CALLER: &str = "SELECT count(*), count(CASE WHEN reader IS NULL AND credential IS NULL
         THEN NULL ELSE 1 END)
     FROM registration WHERE created_by >= $1 AND created_by < $2 AND expires_at > $3";

async fn full(
    connection: &mut Connection,
    new: &NewRegistration,
    caps: &Caps,
    now: Timestamp,
) -> Result<Option<Registered>, StorageError> {
    // A text is the only one between itself and itself with the least of characters.
    let only = |text: &str| (text.to_owned(), format!("{text}\u{1}"));
    let counts = [
        (
            OF_SPACES,
            only(new.space.as_str()),
            caps.per_space,
            Registered::SpaceFull,
        ),
        (
            OF_SPACES,
            spaces_of(&new.space),
            caps.per_authority,
            Registered::AuthorityFull,
        ),
        (
            OF_CALLER,
            only(new.created_by.as_str()),
            caps.per_caller,
            Registered::CallerFull,
        ),
    ];
    for (count, (from, to), most, full) in counts {
        let counted = sql::query(count)
            .bind(from)
            .bind(to)
            .bind(millis(now))
            .fetch_one(&mut *connection)
            .await
            .and_then(|row| Ok((row.get(0)?, row.get(1)?)));
        let (all, of_readers): (i64, i64) =
            counted.map_err(StorageError::doing("count registrations"))?;
        if all >= i64::from(most) || new.is_readers() && of_readers >= i64::from(most / 2) {
            return Ok(Some(full));
        }
    }
    Ok(None)
}

async fn renew(connection: &mut Connection, renewed: &Registration) -> Result<(), StorageError> {
    sql::query(
        "UPDATE registration SET expires_at = $1, endpoint = $2, reader = $3, credential = $4,
             older_spelling = $5 WHERE id = $6",
    )
    .bind(millis(renewed.expires_at))
    .bind(&renewed.endpoint.as_bytes()[..])
    .bind(renewed.reader.as_ref().map(Did::as_str))
    .bind(renewed.credential.as_deref())
    .bind(renewed.older_spelling)
    .bind(&renewed.id.as_bytes()[..])
    .execute(connection)
    .await
    .map_err(StorageError::doing("renew a registration"))?;
    Ok(())
}
