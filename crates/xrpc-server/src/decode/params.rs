//! URL parameters.

use http::request::Parts;
use loggia_xrpc::syntax::check::Report;
use loggia_xrpc::{Params, Query, Rejection};

use super::{MOST_VIOLATIONS, MOST_WORDS};
use crate::settings::Settings;
use crate::{status, stop};

/// Reads and checks the parameters.
pub(crate) fn params<P: Params>(parts: &Parts, settings: &Settings) -> Result<P, Rejection> {
    let text = parts.uri.query().unwrap_or_default();
    if text.len() > settings.query_limit {
        let message = format!(
            "the query string is longer than {} bytes",
            settings.query_limit
        );
        return Err(Rejection::new(
            414,
            status::name_of(http::StatusCode::URI_TOO_LONG),
            message,
        ));
    }
    let params = Query::parse(text)
        .and_then(|query| P::read(&query))
        .map_err(|error| {
            Rejection::invalid_request(stop::shorten(error.to_string(), MOST_WORDS))
        })?;
    if settings.validate_input {
        let mut report = Report::new();
        params.check(&mut report);
        if let Err(violations) = report.finish() {
            let all = stop::join(&violations, MOST_VIOLATIONS);
            return Err(Rejection::invalid_request(stop::shorten(
                format!("params do not hold: {all}"),
                MOST_WORDS,
            )));
        }
    }
    Ok(params)
}
