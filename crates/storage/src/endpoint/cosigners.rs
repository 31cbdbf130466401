//! Others who have registered the URL of an endpoint for the same space. It is told once for all of them, so
//! that nobody is called as often as there are readers, and signed with the secrets of all: whoever registered
//! a URL first takes nothing from whose it is.

use std::collections::HashMap;

use jiff::Timestamp;
use loggia_delivery::{EndpointId, Secret};

use super::row;
use crate::StorageError;
use crate::column::{Reading, millis};
use crate::seal::Sealer;
use crate::sql::{self, Columns, Connection, Kind, Row, Rows};

/// The most others whose secrets sign: the authority of the space, and the newest readers. With those of the endpoint itself that makes as many
/// as our own verification looks at.
const MOST: usize = 14;

/// Endpoints that others may have, as a table.
const SHARED: Columns = &[("id", Kind::Blob), ("now", Kind::Integer)];

/// The secrets of others by endpoint, of those of these rows that have any.
pub(super) async fn of(
    connection: &mut Connection,
    sealer: &Sealer,
    endpoints: &[Row],
    now: Timestamp,
) -> Result<HashMap<EndpointId, Vec<Secret>>, StorageError> {
    let mut ids = Vec::new();
    for endpoint in endpoints {
        let id = row::id(endpoint)?;
        if Reading::new("endpoint", id, endpoint).get("cosigned")? {
            ids.push(id);
        }
    }
    let mut shared = Rows::new(SHARED);
    for id in &ids {
        shared.push([id.as_bytes()[..].into(), millis(now).into()]);
    }
    let mut secrets: HashMap<_, Vec<_>> = HashMap::new();
    if shared.is_empty() {
        return Ok(secrets);
    }
    let rows = shared
        .fetch_all(
            connection,
            "SELECT r.id AS told, e.* FROM r JOIN registration own ON own.endpoint = r.id
             JOIN registration g ON g.space = own.space AND g.shape = own.shape AND g.url = own.url
                 AND g.endpoint <> own.endpoint AND g.expires_at > r.now
             JOIN endpoint e ON e.id = g.endpoint
             ORDER BY r.id, g.reader IS NOT NULL OR g.credential IS NOT NULL, g.id DESC",
        )
        .await
        .map_err(StorageError::doing("find who else has registered a URL"))?;
    for found in &rows {
        let told = Reading::new("endpoint", "(shared)", found);
        let told = told.parse("told", EndpointId::from_slice)?;
        let of_it = secrets.entry(told).or_default();
        if of_it.len() < MOST {
            let id = row::id(found)?;
            match row::read(found, sealer, id) {
                Ok(other) => of_it.extend(other.secrets.current),
                Err(bad) => {
                    let error = &bad as &dyn std::error::Error;
                    tracing::warn!(error, endpoint = %id, "a secret cannot be read and does not sign");
                }
            }
        }
    }
    Ok(secrets)
}

/// Notes that all who have registered this URL for this space sign what it is told.
pub(crate) async fn note(
    connection: &mut Connection,
    (space, shape, url): (&str, &str, &str),
) -> Result<(), StorageError> {
    sql::query(
        "UPDATE endpoint SET cosigned = 1 WHERE cosigned = 0 AND id IN
             (SELECT g.endpoint FROM registration g
              WHERE g.space = $1 AND g.shape = $2 AND g.url = $3 AND EXISTS
                  (SELECT 1 FROM registration other
                   WHERE other.space = $1 AND other.shape = $2 AND other.url = $3
                       AND other.endpoint <> g.endpoint))",
    )
    .bind(space)
    .bind(shape)
    .bind(url)
    .execute(connection)
    .await
    .map_err(StorageError::doing("note who shares a URL"))?;
    Ok(())
}
