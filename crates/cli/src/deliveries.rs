//! `loggia deliveries`.

mod args;
mod shown;

use std::collections::BTreeSet;
use std::time::Duration;

pub use args::DeliveriesCommand;
use args::{CancelArgs, ListArgs, State};
use loggia_delivery::{Clock as _, EndpointId, SystemClock};
use loggia_server::operator::{
    AttemptPlace, DeliveryFilter, EndedState, Operator, Redelivery, read_since,
};
use miette::{IntoDiagnostic, Result, ensure, miette};

use crate::args::SettingsArgs;
use crate::keys::with_operator;
use crate::output::counted;
use crate::{Outcome, output};

/// Between two looks of `tail`.
const PAUSE: Duration = Duration::from_millis(500);
/// How far `tail` looks back each time, in milliseconds: attempts are written a moment after they end.
const OVERLAP: i64 = 5_000;
/// Attempts that `tail` remembers; with more within the overlap it looks back less far.
const MOST_SEEN: usize = 20_000;
/// The most that one page of `list` holds.
const PAGE: u32 = 100;

pub fn run(settings: &SettingsArgs, command: &DeliveriesCommand) -> Result<Outcome> {
    with_operator(settings, async |operator| {
        match command {
            DeliveriesCommand::List(args) => list(operator, args).await?,
            DeliveriesCommand::Show { delivery, json } => {
                let detail = operator.delivery(*delivery).await.into_diagnostic()?;
                output::line(match json {
                    true => shown::detail_json(&detail).to_string(),
                    false => shown::detail(&detail),
                })?;
            }
            DeliveriesCommand::Replay { delivery } => {
                operator.replay(*delivery).await.into_diagnostic()?;
                output::line(format_args!("{delivery} is on its way again"))?;
            }
            DeliveriesCommand::ReplayAll {
                endpoint,
                since,
                state,
            } => replay_all(operator, *endpoint, since, state).await?,
            DeliveriesCommand::Progress { id } => {
                let found = operator.redelivery(*id).await.into_diagnostic()?;
                let redelivery = found.ok_or_else(|| miette!("there is no replay {id}"))?;
                output::line(shown::redelivery(&redelivery))?;
            }
            DeliveriesCommand::Cancel(args) => cancel(operator, args).await?,
            DeliveriesCommand::Tail {
                endpoint,
                since,
                json,
            } => tail(operator, *endpoint, since.as_deref(), *json).await?,
            DeliveriesCommand::Stats {
                endpoint,
                since,
                json,
            } => {
                let since = read_since(since).into_diagnostic()?;
                let stats = operator.stats(*endpoint, since).await.into_diagnostic()?;
                output::line(match json {
                    true => shown::stats_json(&stats).to_string(),
                    false => shown::stats(&stats),
                })?;
            }
        }
        Ok(Outcome::Fine)
    })
}

async fn list(operator: &Operator, args: &ListArgs) -> Result<()> {
    let since = args.since.as_deref().map(read_since);
    let filter = DeliveryFilter {
        endpoint: args.endpoint,
        state: args.state.map(|state| state.name().to_owned()),
        kind: None,
        since: since.transpose().into_diagnostic()?,
    };
    let mut left = args.limit;
    let mut cursor: Option<String> = None;
    loop {
        let page = operator.deliveries(&filter, cursor.as_deref(), left.min(PAGE));
        let page = page.await.into_diagnostic()?;
        for delivery in &page.deliveries {
            output::line(match args.json {
                true => shown::delivery_json(delivery).to_string(),
                false => shown::delivery(delivery),
            })?;
            left -= 1;
        }
        cursor = page.cursor;
        if left == 0 || cursor.is_none() {
            return Ok(());
        }
    }
}

async fn replay_all(
    operator: &Operator,
    endpoint: EndpointId,
    since: &str,
    states: &[State],
) -> Result<()> {
    let ended = states.iter().map(|state| state.ended());
    let mut states: Vec<EndedState> = ended
        .collect::<Option<_>>()
        .ok_or_else(|| miette!("--state: only what has ended can be replayed"))?;
    states.sort_unstable();
    states.dedup();
    let since = read_since(since).into_diagnostic()?;
    let started: Redelivery = operator
        .replay_all(endpoint, since, states)
        .await
        .into_diagnostic()?;
    output::line(started.id)?;
    output::say(format_args!(
        "A running server replays {} now; `loggia deliveries progress {}` shows how far it has come.",
        counted(started.matched, "delivery", "deliveries"),
        started.id
    ));
    Ok(())
}

async fn cancel(operator: &Operator, args: &CancelArgs) -> Result<()> {
    match (args.delivery, args.endpoint) {
        (Some(id), _) => {
            let cancelled = operator.cancel(id).await.into_diagnostic()?;
            ensure!(cancelled, "delivery {id} has ended already");
            output::line(format_args!("{id} is cancelled"))
        }
        (None, Some(endpoint)) => {
            let cancelled = operator.cancel_all(endpoint).await.into_diagnostic()?;
            let cancelled = counted(cancelled, "delivery", "deliveries");
            output::line(format_args!("cancelled {cancelled}"))
        }
        (None, None) => Err(miette!("a delivery or --endpoint is needed")),
    }
}

/// Looks again and again, a little back each time, until the process is interrupted.
async fn tail(
    operator: &Operator,
    endpoint: Option<EndpointId>,
    since: Option<&str>,
    json: bool,
) -> Result<()> {
    let since = since.map(read_since).transpose().into_diagnostic()?;
    let since = since.unwrap_or_else(|| SystemClock.now());
    let mut floor = AttemptPlace::before(since.as_millisecond());
    let mut seen: BTreeSet<AttemptPlace> = BTreeSet::new();
    loop {
        let mut at = floor;
        loop {
            let found = operator.attempts_after(endpoint, at).await;
            let found = found.into_diagnostic()?;
            let Some(last) = found.last() else { break };
            at = last.place();
            for attempt in &found {
                if seen.insert(attempt.place()) {
                    output::line(match json {
                        true => shown::attempt_json(attempt).to_string(),
                        false => shown::attempt(attempt),
                    })?;
                }
            }
            while seen.len() > MOST_SEEN {
                floor = seen.pop_first().unwrap_or(floor);
            }
        }
        let back = SystemClock.now().as_millisecond().saturating_sub(OVERLAP);
        floor = floor.max(AttemptPlace::before(back));
        seen = seen.split_off(&floor);
        tokio::time::sleep(PAUSE).await;
    }
}
