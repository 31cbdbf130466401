//! Whether one more projection may read what happens elsewhere.

use loggia_storage::{ProjectionId, ReaderCaps, ReaderRoom, Write};
use loggia_syntax::{Did, SpaceRef};

use super::{DeskError, ProjectionDesk};
use crate::projections::sources;

/// Most projections of one space's records, of all owners together: each write there is an event for
/// every one of them.
const MOST_OF_A_SPACE: u32 = 100;

impl ProjectionDesk {
    /// Refuses what would read from a source that has as many readers as it may have.
    pub(super) async fn check_room(
        &self,
        tx: &mut Write,
        which: (ProjectionId, &Did),
        space: Option<&SpaceRef>,
    ) -> Result<(), DeskError> {
        let (source, caps) = match space {
            None => (sources::RECORDS.to_owned(), self.caps),
            Some(space) => {
                let of_source = MOST_OF_A_SPACE;
                let caps = ReaderCaps {
                    of_source,
                    ..self.caps
                };
                (sources::origin_of_space(space, None), caps)
            }
        };
        let projections = self.storage.projections();
        match projections.room_to_read(tx, which, &source, caps).await? {
            ReaderRoom::Free => Ok(()),
            ReaderRoom::OwnerFull => Err(DeskError::TooManyReaders(caps.of_owner)),
            ReaderRoom::SourceFull => Err(DeskError::SourceFull(caps.of_source)),
        }
    }
}
