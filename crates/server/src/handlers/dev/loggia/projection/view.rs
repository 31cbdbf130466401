//! Projections between the wire and the store.

use loggia_api::dev::loggia::projection::defs;
use loggia_storage::{Notice, ProjectionStatus};
use loggia_syntax::{Did, Nsid, SyntaxError, Uri};
use loggia_xrpc::{Failure, Rejection};

use crate::projections::definition::Selection;
use crate::projections::desk::{DeskError, Shown};
use crate::projections::{envelope, names};
use crate::view::datetime;

/// A projection as its owner sees it.
pub fn projection(shown: Shown) -> Result<defs::Projection, SyntaxError> {
    let Shown {
        projection,
        definition,
        endpoint,
        history_from,
    } = shown;
    let (status, parked) = match projection.status {
        ProjectionStatus::Active => (defs::ProjectionStatus::Active, None),
        ProjectionStatus::Parked(parked) => {
            let parked = defs::Parked {
                event: parked.event.map(names::event),
                error: parked.error,
                at: datetime(parked.at),
                extra: Default::default(),
            };
            (defs::ProjectionStatus::Parked, Some(parked))
        }
    };
    let url = endpoint.map(|owned| Uri::new(owned.endpoint.target.as_str()));
    Ok(defs::Projection {
        id: names::projection(projection.id),
        name: definition.name,
        selection: selection(definition.selection)?,
        reducer: definition.reducer,
        key: definition.key,
        state_type: definition.state_type.map(Nsid::new).transpose()?,
        webhook: url.transpose()?,
        isolated: projection.isolated,
        status,
        parked,
        cursor: projection.cursor,
        sequence: projection.sequence,
        history_from: history_from.map(datetime),
        created_at: datetime(projection.created_at),
        updated_at: datetime(projection.updated_at),
        extra: Default::default(),
    })
}

fn selection(selection: Selection) -> Result<defs::Selection, SyntaxError> {
    let records = selection.records.map(|records| {
        Ok::<_, SyntaxError>(defs::Records {
            collection: Nsid::new(records.collection)?,
            did: records.did.map(Did::new).transpose()?,
            extra: Default::default(),
        })
    });
    let space = selection.space.map(|space| {
        Ok::<_, SyntaxError>(defs::Space {
            space: space.space,
            collection: space.collection.map(Nsid::new).transpose()?,
            extra: Default::default(),
        })
    });
    let some = |list: Vec<String>| Some(list).filter(|list| !list.is_empty());
    Ok(defs::Selection {
        types: some(selection.types),
        aggregate_types: some(selection.aggregate_types),
        records: records.transpose()?,
        space: space.transpose()?,
        extra: Default::default(),
    })
}

/// Why notifications cannot be read, other than that there is no such projection.
pub fn unreadable<E>(error: DeskError) -> Failure<E> {
    match error {
        DeskError::NotAReader => Rejection::forbidden(error.to_string()).into(),
        error => error.into(),
    }
}

/// A notification of the log.
pub fn notification(notice: &Notice) -> Result<defs::Notification, serde_json::Error> {
    let envelope = envelope::read(&notice.body)?;
    Ok(defs::Notification {
        sequence: envelope.sequence,
        projection_id: envelope.projection_id.to_owned(),
        aggregate_id: envelope.aggregate_id.into_owned(),
        aggregate_type: envelope.aggregate_type.into_owned(),
        version: envelope.version,
        state: envelope.state.get().to_owned(),
        triggered_by: envelope.triggered_by.to_owned(),
        timestamp: datetime(envelope.timestamp),
        extra: Default::default(),
    })
}
