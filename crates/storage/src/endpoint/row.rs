//! Between an endpoint and its row.

use std::num::NonZeroU32;

use loggia_delivery::{
    CustomHeaders, Endpoint, EndpointId, EndpointState, Health, Parties, Profile, Secret, Secrets,
    Target,
};
use loggia_syntax::{Did, Nsid};

use crate::BadRow;
use crate::column::{Reading, millis};
use crate::endpoint::OwnedEndpoint;
use crate::seal::Sealer;
use crate::sql::Row;

const CURRENT: &str = "endpoint.secret";
const PREVIOUS: &str = "endpoint.previous_secret";
const HEADERS: &str = "endpoint.headers";

/// What is sealed of an endpoint.
pub(super) struct Sealed {
    pub(super) secret: Option<Vec<u8>>,
    pub(super) previous_secret: Option<Vec<u8>>,
    pub(super) previous_until: Option<i64>,
    pub(super) headers: Option<Vec<u8>>,
}

impl Sealed {
    pub(super) fn of(endpoint: &Endpoint, sealer: &Sealer) -> Self {
        let row = endpoint.id.as_bytes();
        let seal =
            |column, secret: &Secret| sealer.seal(column, row, secret.to_stored().as_bytes());
        // Those of others are sealed with the endpoints that are theirs.
        let Secrets {
            current, previous, ..
        } = &endpoint.secrets;
        let headers = &endpoint.headers;
        Self {
            secret: current.as_ref().map(|secret| seal(CURRENT, secret)),
            previous_secret: previous.as_ref().map(|(secret, _)| seal(PREVIOUS, secret)),
            previous_until: previous.as_ref().map(|&(_, until)| millis(until)),
            headers: (!headers.is_empty()).then(|| sealer.seal(HEADERS, row, &headers.to_stored())),
        }
    }
}

/// A current secret as it is kept.
pub(super) fn seal_secret(id: EndpointId, secret: &Secret, sealer: &Sealer) -> Vec<u8> {
    sealer.seal(CURRENT, id.as_bytes(), secret.to_stored().as_bytes())
}

pub(super) fn id(row: &Row) -> Result<EndpointId, BadRow> {
    Reading::new("endpoint", "(unreadable)", row).parse("id", EndpointId::from_slice)
}

/// Reads an endpoint with what only its owner is interested in.
pub(super) fn read_owned(row: &Row, sealer: &Sealer) -> Result<OwnedEndpoint, BadRow> {
    let id = id(row)?;
    let reading = Reading::new("endpoint", id, row);
    Ok(OwnedEndpoint {
        kinds: read_kinds(&reading)?,
        description: reading.get("description")?,
        managed: reading.get("managed")?,
        updated_at: reading.maybe_time("updated_at")?,
        endpoint: read(row, sealer, id)?,
    })
}

pub(super) fn read_kinds(reading: &Reading<'_>) -> Result<Vec<Nsid>, BadRow> {
    let names: Vec<String> = reading.parse("kinds", |text: &str| {
        serde_json::from_str::<Vec<String>>(text)
    })?;
    let kinds: Result<Vec<_>, _> = names.into_iter().map(Nsid::new).collect();
    kinds.map_err(|error| reading.bad("kinds", Some(error.into())))
}

pub(super) fn write_kinds(kinds: &[Nsid]) -> String {
    let names: Vec<&str> = kinds.iter().map(Nsid::as_str).collect();
    serde_json::Value::from(names).to_string()
}

pub(super) fn read(row: &Row, sealer: &Sealer, id: EndpointId) -> Result<Endpoint, BadRow> {
    let reading = Reading::new("endpoint", id, row);
    Ok(Endpoint {
        id,
        owner: reading.parse("owner", |text: &str| Did::new(text))?,
        target: reading.parse("url", Target::new)?,
        profile: reading.parse("profile", str::parse::<Profile>)?,
        secrets: read_secrets(&reading, sealer, id)?,
        headers: read_headers(&reading, sealer, id)?,
        in_order: reading.get("in_order")?,
        per_second: read_per_second(&reading)?,
        parties: read_parties(&reading)?,
        state: read_state(&reading)?,
        health: read_health(&reading)?,
        created_at: reading.time("created_at")?,
    })
}

pub(super) fn read_health(reading: &Reading<'_>) -> Result<Health, BadRow> {
    Ok(Health {
        consecutive_failures: reading.count("consecutive_failures")?,
        failing_since: reading.maybe_time("failing_since")?,
        last_success: reading.maybe_time("last_success")?,
    })
}

fn read_per_second(reading: &Reading<'_>) -> Result<Option<NonZeroU32>, BadRow> {
    reading.parse("per_second", |count: Option<i64>| {
        let count = count.map(u32::try_from).transpose()?;
        count.map(NonZeroU32::try_from).transpose()
    })
}

fn read_parties(reading: &Reading<'_>) -> Result<Option<Parties>, BadRow> {
    let issuer = reading.parse("issuer", |text: Option<&str>| {
        text.map(Did::new).transpose()
    })?;
    match (issuer, reading.get("audience")?) {
        (Some(issuer), Some(audience)) => Ok(Some(Parties { issuer, audience })),
        (None, None) => Ok(None),
        _ => Err(reading.bad("audience", None)),
    }
}

fn read_headers(
    reading: &Reading<'_>,
    sealer: &Sealer,
    id: EndpointId,
) -> Result<CustomHeaders, BadRow> {
    let Some(sealed) = reading.get::<Option<&[u8]>>("headers")? else {
        return Ok(CustomHeaders::default());
    };
    let opened = sealer
        .open(HEADERS, id.as_bytes(), sealed)
        .map_err(|error| reading.bad("headers", Some(error.into())))?;
    CustomHeaders::from_stored(&opened).map_err(|error| reading.bad("headers", Some(error.into())))
}

fn read_secrets(reading: &Reading<'_>, sealer: &Sealer, id: EndpointId) -> Result<Secrets, BadRow> {
    let open = |column: &'static str, place| -> Result<Option<Secret>, BadRow> {
        let Some(sealed) = reading.get::<Option<&[u8]>>(column)? else {
            return Ok(None);
        };
        let opened = sealer.open(place, id.as_bytes(), sealed);
        let opened = opened.map_err(|error| reading.bad(column, Some(error.into())))?;
        let secret = Secret::from_stored(&opened);
        secret
            .map(Some)
            .map_err(|error| reading.bad(column, Some(error.into())))
    };
    let current = open("secret", CURRENT)?;
    let previous = open("previous_secret", PREVIOUS)?;
    let previous = match (previous, reading.maybe_time("previous_until")?) {
        (Some(secret), Some(until)) => Some((secret, until)),
        (None, None) => None,
        _ => return Err(reading.bad("previous_until", None)),
    };
    Ok(Secrets {
        current,
        previous,
        others: Vec::new(),
    })
}

fn read_state(reading: &Reading<'_>) -> Result<EndpointState, BadRow> {
    let at = reading.maybe_time("disabled_at")?;
    match (reading.get::<Option<&str>>("disabled_reason")?, at) {
        (None, None) => Ok(EndpointState::Active),
        (Some(reason), Some(at)) => {
            let reason = reason.parse();
            let reason = reason.map_err(|error: loggia_delivery::UnknownName| {
                reading.bad("disabled_reason", Some(error.into()))
            })?;
            Ok(EndpointState::Disabled { reason, at })
        }
        _ => Err(reading.bad("disabled_at", None)),
    }
}

pub(super) fn disabled(state: &EndpointState) -> (Option<&'static str>, Option<i64>) {
    match *state {
        EndpointState::Active => (None, None),
        EndpointState::Disabled { reason, at } => (Some(reason.as_str()), Some(millis(at))),
    }
}
