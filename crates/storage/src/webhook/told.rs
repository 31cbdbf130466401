//! Which webhooks are told of something.

use std::collections::{BTreeSet, HashSet};

use loggia_syntax::Did;

use crate::column::Reading;
use crate::sql::{self, Columns, Kind, Row, Rows};
use crate::webhook::row::{read, select_webhooks};
use crate::{StorageError, Webhook, Webhooks, Write};

const ASKED: Columns = &[("owner", Kind::Text), ("event", Kind::Text)];

impl Webhooks {
    /// Of these pairs of an owner and an event, those for which there is a webhook that is on.
    pub async fn wanted(
        &self,
        tx: &mut Write,
        asked: &BTreeSet<(&str, &str)>,
    ) -> Result<HashSet<(String, String)>, StorageError> {
        let mut rows = Rows::new(ASKED);
        for &(owner, event) in asked {
            rows.push([owner.into(), event.into()]);
        }
        let found = rows
            .fetch_all(
                tx.sql(),
                "SELECT r.owner, r.event FROM r WHERE EXISTS
                     (SELECT 1 FROM webhook w JOIN webhook_event e ON e.webhook = w.id
                      WHERE w.owner = r.owner AND w.active = 1 AND e.event = r.event)",
            )
            .await
            .map_err(StorageError::doing("look for webhooks of events"))?;
        let pair = |row: &Row| {
            let reading = Reading::new("webhook", "(asked for)", row);
            Ok((reading.get("owner")?, reading.get("event")?))
        };
        found.iter().map(pair).collect()
    }

    /// The owner's webhooks that are on and want the event, oldest first. One that cannot be read is
    /// left out and logged: the others are told.
    pub async fn told(
        &self,
        tx: &mut Write,
        owner: &Did,
        event: &str,
    ) -> Result<Vec<Webhook>, StorageError> {
        let backend = tx.sql().backend();
        let rows = sql::query(select_webhooks!(
            backend,
            "WHERE w.owner = $1 AND w.active = 1 AND EXISTS (
                 SELECT 1 FROM webhook_event e WHERE e.webhook = w.id AND e.event = $2)
             ORDER BY w.id"
        ))
        .bind(owner.as_str())
        .bind(event)
        .fetch_all(tx.sql())
        .await
        .map_err(StorageError::doing("list the webhooks of an event"))?;
        Ok(rows.iter().filter_map(readable).collect())
    }
}

fn readable(row: &Row) -> Option<Webhook> {
    read(row)
        .inspect_err(|bad| {
            let error = bad as &dyn std::error::Error;
            tracing::error!(error, "a webhook cannot be read and is not told");
        })
        .ok()
}
