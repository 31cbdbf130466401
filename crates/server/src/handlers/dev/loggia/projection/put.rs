//! `dev.loggia.projection.put`

use axum::extract::State;
use loggia_api::dev::loggia::projection::defs;
use loggia_api::dev::loggia::projection::put::{Error, Input, Output, Put};
use loggia_delivery::{Clock, SystemClock};
use loggia_xrpc::{Extra, Failure, Rejection, Reply, declared};

use super::view::projection;
use crate::caller::Caller;
use crate::plain_text;
use crate::projections::ProjectionDesk;
use crate::projections::definition::{Definition, Invalid, Records, Selection, Space};
use crate::projections::desk::{DeskError, Hook};
use crate::projections::names::read_projection;

/// Characters of an unknown name that are said again.
const MOST_NAME: usize = 100;

/// The whole of it each time: what is not said again is gone.
pub async fn handle(
    State(desk): State<ProjectionDesk>,
    Caller(owner): Caller,
    mut input: Input,
) -> Reply<Put> {
    plain_text::check("name", input.name.as_deref())?;
    let not_found = || declared(Error::NotFound).status(404);
    let id = input.id.as_deref();
    let id = id.map(|id| read_projection(id).ok_or_else(not_found));
    let id = id.transpose()?;
    check_names(&input)?;
    let hook = input.webhook.take().map(hook);
    let definition = definition(input)?;
    let put = desk.put(&owner, id, &definition, hook, SystemClock.now());
    let put = put.await.map_err(failure)?;
    Ok(Output {
        projection: projection(put.shown)?,
        secret: put.secret.map(|secret| secret.to_text().to_string()),
        extra: Default::default(),
    })
}

/// Refuses names that an input or its parts do not have: a selection that is misspelt would select
/// everything, and a webhook that is, tell nobody.
fn check_names(input: &Input) -> Result<(), Rejection> {
    check("the input", &input.extra)?;
    if let Some(webhook) = &input.webhook {
        check("`webhook`", &webhook.extra)?;
        for header in webhook.headers.iter().flatten() {
            check("a header", &header.extra)?;
        }
    }
    let Some(selection) = &input.selection else {
        return Ok(());
    };
    check("`selection`", &selection.extra)?;
    let records = selection.records.as_ref().map(|records| &records.extra);
    let space = selection.space.as_ref().map(|space| &space.extra);
    let mut sources = [records, space].into_iter().flatten();
    sources.try_for_each(|extra| check("`selection`", extra))
}

fn check(part: &str, extra: &Extra) -> Result<(), Rejection> {
    match extra.keys().find(|name| *name != "$type") {
        Some(name) => {
            let name = name.chars().take(MOST_NAME).collect::<String>();
            Err(Rejection::invalid_request(format!(
                "{part} has no `{name}`"
            )))
        }
        None => Ok(()),
    }
}

fn definition(input: Input) -> Result<Definition, Failure<Error>> {
    let schemas = input.schemas.unwrap_or_default();
    let schemas = schemas.iter().map(serde_json::to_value);
    Ok(Definition {
        name: input.name,
        selection: input.selection.map(selection).unwrap_or_default(),
        reducer: input.reducer,
        key: input.key,
        state_type: input.state_type.map(|nsid| nsid.to_string()),
        schemas: schemas.collect::<Result<_, _>>()?,
    })
}

fn selection(selection: defs::Selection) -> Selection {
    Selection {
        types: selection.types.unwrap_or_default(),
        aggregate_types: selection.aggregate_types.unwrap_or_default(),
        records: selection.records.map(|records| Records {
            collection: records.collection.to_string(),
            did: records.did.map(|did| did.to_string()),
        }),
        space: selection.space.map(|space| Space {
            space: space.space,
            collection: space.collection.map(|nsid| nsid.to_string()),
        }),
    }
}

fn hook(webhook: defs::Webhook) -> Hook {
    let headers = webhook.headers.unwrap_or_default().into_iter();
    Hook {
        url: webhook.url.as_str().to_owned(),
        isolate: webhook.isolate_secret.unwrap_or(false),
        headers: headers.map(|header| (header.name, header.value)).collect(),
    }
}

fn failure(error: DeskError) -> Failure<Error> {
    let said = |name| declared(name).message(error.to_string()).into();
    match &error {
        DeskError::NotFound => declared(Error::NotFound).status(404).into(),
        DeskError::TooMany | DeskError::TooManyReaders(_) => said(Error::TooManyProjections),
        DeskError::SourceFull(_) => said(Error::SourceFull),
        DeskError::Invalid(Invalid::Program(..)) => said(Error::InvalidProgram),
        DeskError::Invalid(Invalid::Selection(_)) | DeskError::NotAReader => {
            said(Error::InvalidSelection)
        }
        DeskError::Invalid(Invalid::StateType(_)) => said(Error::InvalidStateType),
        DeskError::Url(_) => said(Error::InvalidUrl),
        DeskError::Headers(_) => said(Error::InvalidHeader),
        DeskError::NotIsolated
        | DeskError::Storage(_)
        | DeskError::NotRun(_)
        | DeskError::Json(_) => error.into(),
    }
}
