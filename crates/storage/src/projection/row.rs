//! Projections as rows.

use jiff::Timestamp;
use loggia_delivery::EndpointId;
use loggia_syntax::Did;

use super::{Parked, Projection, ProjectionId, ProjectionStatus};
use crate::BadRow;
use crate::column::Reading;
use crate::event::EventId;
use crate::sql::Row;

/// A projection; one that cannot be read as it would be if it was parked for that, so that its owner
/// sees what is wrong. Nothing if not even that can be said, which is logged.
pub(crate) fn read_or_damaged(row: &Row) -> Option<Projection> {
    read(row).or_else(|bad| damaged(row, &bad)).map_or_else(
        |bad| {
            let error = &bad as &dyn std::error::Error;
            tracing::error!(error, "a projection cannot be read at all");
            None
        },
        Some,
    )
}

pub(crate) fn read(row: &Row) -> Result<Projection, BadRow> {
    let (id, owner) = named(row)?;
    let reading = Reading::new("projection", id, row);
    Ok(Projection {
        id,
        owner,
        definition: reading.get("definition")?,
        endpoint: endpoint(&reading)?,
        isolated: reading.get("isolated")?,
        status: status(&reading)?,
        revision: reading.get("revision")?,
        generation: reading.get("generation")?,
        cursor: reading.get("cursor")?,
        sequence: reading.get("sequence")?,
        created_at: reading.time("created_at")?,
        updated_at: reading.time("updated_at")?,
    })
}

/// What is left of a row: nothing is made of it but a view.
fn damaged(row: &Row, bad: &BadRow) -> Result<Projection, BadRow> {
    let (id, owner) = named(row)?;
    let reading = Reading::new("projection", id, row);
    let time = |column| reading.time(column).unwrap_or(Timestamp::UNIX_EPOCH);
    let number = |column| reading.get(column).unwrap_or(0);
    let parked = Parked {
        event: None,
        error: bad.to_string(),
        at: reading
            .time("parked_at")
            .unwrap_or_else(|_| time("updated_at")),
    };
    Ok(Projection {
        definition: reading.get("definition").unwrap_or_default(),
        endpoint: endpoint(&reading).unwrap_or(None),
        isolated: reading.get("isolated").unwrap_or(false),
        status: ProjectionStatus::Parked(parked),
        revision: number("revision"),
        generation: number("generation"),
        cursor: number("cursor"),
        sequence: number("sequence"),
        created_at: time("created_at"),
        updated_at: time("updated_at"),
        id,
        owner,
    })
}

fn named(row: &Row) -> Result<(ProjectionId, Did), BadRow> {
    let unnamed = Reading::new("projection", "(unreadable)", row);
    let id = unnamed.parse("id", ProjectionId::from_slice)?;
    let reading = Reading::new("projection", id, row);
    Ok((id, reading.parse("owner", |text: &str| Did::new(text))?))
}

fn endpoint(reading: &Reading<'_>) -> Result<Option<EndpointId>, BadRow> {
    reading.parse("endpoint", |id: Option<&[u8]>| {
        id.map(EndpointId::from_slice).transpose()
    })
}

fn status(reading: &Reading<'_>) -> Result<ProjectionStatus, BadRow> {
    match reading.get::<&str>("status")? {
        "active" => Ok(ProjectionStatus::Active),
        "parked" => Ok(ProjectionStatus::Parked(Parked {
            event: reading.parse("parked_event", |id: Option<&[u8]>| {
                id.map(EventId::from_slice).transpose()
            })?,
            error: reading.get("parked_error")?,
            at: reading.time("parked_at")?,
        })),
        _ => Err(reading.bad("status", None)),
    }
}
