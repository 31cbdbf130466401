//! Registrations that end before their time.

use std::collections::BTreeMap;

use jiff::Timestamp;
use loggia_delivery::EndpointId;
use loggia_syntax::{Did, SpaceRef};

use super::Registrations;
use super::heir::Place;
use super::register::hold_space;
use crate::column::millis;
use crate::sql::{self, Connection};
use crate::{StorageError, Write};

/// What is to end.
#[derive(Clone, Copy, Debug)]
pub struct Unregistering<'a> {
    /// The space.
    pub space: &'a SpaceRef,
    /// The service, as it was registered.
    pub service: &'a str,
    /// Who ends it.
    pub by: UnregisteringBy<'a>,
}

/// Who ends a registration, and so whose may end.
#[derive(Clone, Copy, Debug)]
pub enum UnregisteringBy<'a> {
    /// The authority of the space, or the service itself: whoever registered it.
    Whoever,
    /// A reader: what they registered.
    Reader(&'a Did),
    /// A reader of whom nobody knows who they are: what was registered with their credential.
    SomeReader(&'a str),
}

/// The statement that ends the registrations of a space for which this holds too.
macro_rules! ending {
    ($which:literal) => {
        concat!(
            "DELETE FROM registration WHERE space = $1 AND ",
            $which,
            " RETURNING endpoint, shape, url, author"
        )
    };
}

impl Registrations {
    /// Ends the registrations of a service, for each author and in each shape; the endpoints that are
    /// told nothing any more. After the commit, tell the engine's handle of them.
    pub async fn unregister(
        &self,
        tx: &mut Write,
        ending: &Unregistering<'_>,
        now: Timestamp,
    ) -> Result<Vec<EndpointId>, StorageError> {
        let which = match ending.by {
            UnregisteringBy::Whoever => ending!("service = $2 AND $3 = ''"),
            UnregisteringBy::Reader(_) => ending!("service = $2 AND reader = $3"),
            UnregisteringBy::SomeReader(_) => {
                ending!("service = $2 AND reader IS NULL AND credential = $3")
            }
        };
        let whose = match ending.by {
            UnregisteringBy::Reader(did) => did.as_str(),
            UnregisteringBy::SomeReader(credential) => credential,
            UnregisteringBy::Whoever => "",
        };
        let values = [ending.space.as_str(), ending.service, whose];
        self.end(tx, which, values, now).await
    }

    /// Ends what a reader has registered for a space, or what all of them have; the endpoints that are
    /// told nothing any more.
    pub async fn end_of_reader(
        &self,
        tx: &mut Write,
        space: &SpaceRef,
        reader: Option<&Did>,
        now: Timestamp,
    ) -> Result<Vec<EndpointId>, StorageError> {
        let which = match reader {
            Some(_) => ending!("reader = $2 AND $3 = ''"),
            None => {
                ending!("$2 = '' AND $3 = '' AND (reader IS NOT NULL OR credential IS NOT NULL)")
            }
        };
        let values = [space.as_str(), reader.map_or("", Did::as_str), ""];
        self.end(tx, which, values, now).await
    }

    /// Ends what was registered with a credential.
    pub(crate) async fn end_of_credential(
        &self,
        tx: &mut Write,
        space: &SpaceRef,
        credential: &str,
        now: Timestamp,
    ) -> Result<Vec<EndpointId>, StorageError> {
        let which = ending!("credential = $2 AND $3 = ''");
        let values = [space.as_str(), credential, ""];
        self.end(tx, which, values, now).await
    }

    /// Ends registrations, and what is still to be delivered for them, unless somebody else has
    /// registered the same service or URL.
    async fn end(
        &self,
        tx: &mut Write,
        statement: &'static str,
        values: [&str; 3],
        now: Timestamp,
    ) -> Result<Vec<EndpointId>, StorageError> {
        // So that of two who end the last ones each sees what the other did.
        hold_space(tx.sql(), values[0]).await?;
        let mut query = sql::query(statement);
        for value in values {
            query = query.bind(value);
        }
        let rows = query
            .fetch_all(tx.sql())
            .await
            .map_err(StorageError::doing("end registrations"))?;
        let mut left = BTreeMap::new();
        for row in &rows {
            let place = Place::of(values[0], row)?;
            left.insert(place.endpoint, place);
        }
        let mut ended = Vec::with_capacity(left.len());
        for (endpoint, place) in left {
            if !is_shared(tx.sql(), endpoint, now).await? {
                place.hand_on(tx.sql(), now).await?;
                self.storage.endpoints().retire(tx, endpoint, now).await?;
                ended.push(endpoint);
            }
        }
        Ok(ended)
    }
}

/// Whether a registration that has not expired is told at this endpoint.
async fn is_shared(
    connection: &mut Connection,
    endpoint: EndpointId,
    now: Timestamp,
) -> Result<bool, StorageError> {
    sql::query_scalar(
        "SELECT EXISTS (SELECT 1 FROM registration WHERE endpoint = $1 AND expires_at > $2)",
    )
    .bind(&endpoint.as_bytes()[..])
    .bind(millis(now))
    .fetch_one(connection)
    .await
    .map_err(StorageError::doing(
        "look for who else registered a service",
    ))
}
