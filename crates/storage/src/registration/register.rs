//! Registering and renewing, within limits.

use jiff::Timestamp;
use loggia_delivery::Endpoint;
use loggia_syntax::Did;

use super::row::{read, to_millisecond};
use super::{Caps, NewRegistration, Registered, Registration, RegistrationShape, Registrations};
use crate::column::millis;
use crate::sql::{self, Connection};
use crate::{StorageError, Write, endpoint};

impl Registrations {
    /// Registers, or renews what is registered.
    pub async fn register(
        &self,
        tx: &mut Write,
        new: NewRegistration,
        caps: &Caps,
        now: Timestamp,
    ) -> Result<Registered, StorageError> {
        hold(tx.sql(), &new).await?;
        let old = find(tx.sql(), &new).await?;
        let counts_already = old.as_ref().is_some_and(|old| old.expires_at > now);
        if !counts_already && let Some(full) = full(tx.sql(), &new, caps, now).await? {
            return Ok(full);
        }
        match old {
            Some(old) => self.renew(tx, old, new, now).await,
            None => self.insert(tx, new, now).await.map(Registered::New),
        }
    }

    async fn renew(
        &self,
        tx: &mut Write,
        old: Registration,
        new: NewRegistration,
        now: Timestamp,
    ) -> Result<Registered, StorageError> {
        let sealer = &self.storage.inner.sealer;
        let endpoint = match endpoint::find(tx.sql(), sealer, old.endpoint).await {
            Ok(_) => old.endpoint,
            Err(StorageError::BadRow(_)) => new.endpoint.id,
            Err(error) => return Err(error),
        };
        let id = old.endpoint;
        let renewed = renewed(old, &new, endpoint);
        if endpoint == id {
            self.tell_again(tx, &renewed, new.endpoint, now).await?;
            renew(tx.sql(), &renewed).await?;
            return Ok(Registered::Renewed(renewed));
        }
        self.storage.endpoints().insert(tx, &new.endpoint).await?;
        renew(tx.sql(), &renewed).await?;
        Ok(Registered::New(renewed))
    }

    /// Tells the endpoint of a registration again, at the place that its service's document names now.
    async fn tell_again(
        &self,
        tx: &mut Write,
        renewed: &Registration,
        new: Endpoint,
        now: Timestamp,
    ) -> Result<(), StorageError> {
        let endpoints = self.storage.endpoints();
        match renewed.shape {
            RegistrationShape::Webhook => endpoints.enable(tx, renewed.endpoint).await,
            RegistrationShape::Protocol => {
                let endpoint = Endpoint {
                    id: renewed.endpoint,
                    ..new
                };
                let description = renewed.space.as_str();
                endpoints
                    .put_standing(tx, &endpoint, description, now)
                    .await
            }
        }
    }

    async fn insert(
        &self,
        tx: &mut Write,
        new: NewRegistration,
        now: Timestamp,
    ) -> Result<Registration, StorageError> {
        self.storage.endpoints().insert(tx, &new.endpoint).await?;
        sql::query(
            "INSERT INTO registration (id, space, service, url, author, older_spelling, endpoint,
                 created_by, reader, credential, created_at, expires_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
        )
        .bind(&new.id.as_bytes()[..])
        .bind(new.space.as_str())
        .bind(&new.service)
        .bind(new.url())
        .bind(author(&new))
        .bind(new.older_spelling)
        .bind(&new.endpoint.id.as_bytes()[..])
        .bind(new.created_by.as_str())
        .bind(new.reader.as_ref().map(Did::as_str))
        .bind(new.credential.as_deref())
        .bind(millis(now))
        .bind(millis(new.expires_at))
        .execute(tx.sql())
        .await
        .map_err(StorageError::doing("insert a registration"))?;
        Ok(Registration {
            shape: new.shape(),
            url: new.url().to_owned(),
            id: new.id,
            space: new.space,
            service: new.service,
            author: new.author,
            older_spelling: new.older_spelling,
            endpoint: new.endpoint.id,
            created_by: new.created_by,
            reader: new.reader,
            credential: new.credential,
            expires_at: to_millisecond(new.expires_at),
        })
    }
}

/// What stands after a renewal. What an authority stands for with its name neither comes to hang on a
/// reader, nor ends sooner because one renews it.
fn renewed(
    old: Registration,
    new: &NewRegistration,
    endpoint: loggia_delivery::EndpointId,
) -> Registration {
    let was_readers = old.reader.is_some() || old.credential.is_some();
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

/// How many there are, of the space, the authority and the caller, stays as it is until the transaction
/// ends. Always in this order, so that no two wait for each other.
async fn hold(connection: &mut Connection, new: &NewRegistration) -> Result<(), StorageError> {
    let (authority, ..) = new.space.split();
    for what in [
        format!("registrations of {}", new.space),
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
         WHERE space = $1 AND service = $2 AND url = $3 AND author = $4",
    )
    .bind(new.space.as_str())
    .bind(&new.service)
    .bind(new.url())
    .bind(author(new))
    .fetch_optional(connection)
    .await
    .map_err(StorageError::doing("find a registration"))?;
    Ok(row.as_ref().map(read).transpose()?)
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
    let (authority, ..) = new.space.split();
    // What follows the authority in a name is a slash, and `0` the next character.
    let all = (format!("at://{authority}/"), format!("at://{authority}0"));
    let counts = [
        (
            OF_SPACES,
            only(new.space.as_str()),
            caps.per_space,
            Registered::SpaceFull,
        ),
        (
            OF_SPACES,
            all,
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
