//! What a request is aimed at.

use http::{Method as Verb, StatusCode};
use loggia_xrpc::Rejection;
use loggia_xrpc::syntax::Nsid;

use crate::dispatch::{App, Entry, takes, verbs};
use crate::meter::{Meter, Metrics};
use crate::{status, stop};

const PREFIX: &str = "/xrpc/";
const HEALTH: &str = "_health";
const METRICS: &str = "/metrics";

/// What a request is aimed at.
pub(crate) enum Target<'a, S> {
    /// A method, with a verb that it takes.
    Method(&'a Entry<S>),
    /// `OPTIONS` of something that takes these verbs.
    Preflight(&'static str),
    /// `/xrpc/_health`
    Health,
    /// `/metrics`
    Metrics(&'a Metrics),
    /// Nothing that could answer.
    Refused(Rejection),
}

impl<'a, S> Target<'a, S> {
    /// Tells what a verb and a path are aimed at.
    pub fn of(app: &'a App<S>, verb: &Verb, path: &str) -> Self {
        if let Some(entry) = path
            .strip_prefix(PREFIX)
            .and_then(|nsid| app.methods.get(nsid))
        {
            return match verb {
                verb if takes(entry.info.kind, verb) => Self::Method(entry),
                &Verb::OPTIONS => Self::Preflight(verbs(entry.info.kind)),
                verb => Self::Refused(wrong_verb(verb, verbs(entry.info.kind))),
            };
        }
        let Some(name) = path.strip_prefix(PREFIX) else {
            return match &app.settings.metrics {
                Some(metrics) if app.settings.public_metrics && path == METRICS => {
                    Self::read(verb, Self::Metrics(metrics))
                }
                _ => Self::Refused(nowhere()),
            };
        };
        if name == HEALTH && app.settings.public_health {
            return Self::read(verb, Self::Health);
        }
        Self::Refused(if Nsid::check(name).is_ok() {
            unknown(name)
        } else {
            Rejection::invalid_request(stop::shorten(
                format!("{name:?} after /xrpc/ is not an NSID"),
                400,
            ))
        })
    }

    fn read(verb: &Verb, target: Self) -> Self {
        match *verb {
            Verb::GET | Verb::HEAD => target,
            Verb::OPTIONS => Self::Preflight("GET, HEAD"),
            _ => Self::Refused(wrong_verb(verb, "GET, HEAD")),
        }
    }

    /// The method's name, for the span.
    pub fn nsid(&self) -> &'static str {
        match self {
            Self::Method(entry) => entry.info.nsid,
            Self::Preflight(_) | Self::Health | Self::Metrics(_) | Self::Refused(_) => "",
        }
    }

    /// Who counts this request.
    pub fn meter(&self, app: &'a App<S>) -> Option<&'a Meter> {
        match self {
            Self::Method(entry) => entry.meter.as_ref(),
            Self::Preflight(_) | Self::Health | Self::Metrics(_) | Self::Refused(_) => {
                app.other.as_ref()
            }
        }
    }
}

fn nowhere() -> Rejection {
    let code = StatusCode::NOT_FOUND;
    Rejection::new(
        code.as_u16(),
        status::name_of(code),
        "there is nothing here; methods are at /xrpc/",
    )
}

fn unknown(nsid: &str) -> Rejection {
    Rejection::new(
        501,
        status::METHOD_NOT_IMPLEMENTED,
        format!("{nsid} is not served here"),
    )
}

fn wrong_verb(verb: &Verb, verbs: &'static str) -> Rejection {
    let message = stop::shorten(format!("{verb} is not the verb of this; use {verbs}"), 200);
    Rejection::new(
        405,
        status::name_of(StatusCode::METHOD_NOT_ALLOWED),
        message,
    )
    .header("allow", verbs)
}
