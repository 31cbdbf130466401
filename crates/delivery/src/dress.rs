//! The request of an attempt: headers and signatures, as the wire profile says.

use std::borrow::Cow;
use std::time::Duration;

use jiff::Timestamp;

use crate::profile::{Call, Overlap, OwnSignature, StandardHeaders, Wire};
use crate::{Due, Request, Secret, signature};

/// A header's name, in lower case, and its value.
type Header = (Cow<'static, str>, String);

/// What an attempt is made of beside its delivery.
#[derive(Clone, Copy)]
pub struct Dressing<'a> {
    /// Service auth, for profiles that [`Call::Xrpc`].
    pub token: Option<&'a str>,
    /// The time that is signed.
    pub now: Timestamp,
    /// How long the attempt may take.
    pub timeout: Duration,
}

impl Wire {
    /// The request for the next attempt of a delivery.
    ///
    /// The owner's headers come last and have names of their own, so that none stands in for one
    /// that matters.
    pub fn request(&self, due: &Due, dressing: &Dressing<'_>) -> Request {
        let endpoint = &due.endpoint;
        let mut headers = Vec::with_capacity(self.headers.len() + 8);
        let fixed = self.headers.iter();
        headers.extend(fixed.map(|&(name, value)| (Cow::Borrowed(name), value.to_owned())));
        self.name_delivery(due, &mut headers);
        self.sign_own(due, dressing.now, &mut headers);
        self.sign_standard(due, dressing.now, &mut headers);
        if let Some(token) = dressing.token {
            headers.push((Cow::Borrowed("authorization"), format!("Bearer {token}")));
        }
        let custom = endpoint.headers.iter();
        let custom =
            custom.filter(|(name, _)| dressing.token.is_none() || *name != "authorization");
        headers.extend(custom.map(|(name, value)| (Cow::Owned(name.to_owned()), value.to_owned())));
        Request {
            target: match self.call {
                Call::Post => endpoint.target.clone(),
                Call::Xrpc => endpoint.target.xrpc(&due.notification.kind),
            },
            headers,
            body: due.notification.body.clone(),
            timeout: dressing.timeout,
        }
    }

    /// Headers that say which delivery and which attempt this is.
    fn name_delivery(&self, due: &Due, headers: &mut Vec<Header>) {
        if let Some(name) = self.key {
            let key = due.key.clone();
            let key = key.unwrap_or_else(|| due.id.notification.to_string());
            headers.push((Cow::Borrowed(name), key));
        }
        if let Some(name) = self.attempt {
            // A replay is a new round: its receiver expects to count from 1 again.
            let number = due.attempts.saturating_add(1);
            headers.push((Cow::Borrowed(name), number.to_string()));
        }
    }

    /// The signature of the system that the profile speaks for. It has room for one only.
    fn sign_own(&self, due: &Due, now: Timestamp, headers: &mut Vec<Header>) {
        let (Some(own), Some(secret)) = (self.own, self.own_secret(due, now)) else {
            return;
        };
        let key = secret.to_text();
        let body = &due.notification.body;
        match own {
            OwnSignature::Sha256OfBody { header } => {
                let code = signature::hex_of_body(key.as_bytes(), body);
                headers.push((Cow::Borrowed(header), format!("sha256={code}")));
            }
            OwnSignature::HexOfTimeAndBody { header, timestamp } => {
                let millis = now.as_millisecond();
                let code = signature::hex_of_time_and_body(key.as_bytes(), millis, body);
                headers.push((Cow::Borrowed(timestamp), millis.to_string()));
                headers.push((Cow::Borrowed(header), code));
            }
        }
    }

    /// What that is signed with, of the secrets that hold.
    fn own_secret<'a>(&self, due: &'a Due, now: Timestamp) -> Option<&'a Secret> {
        let secrets = due.endpoint.secrets.at(now);
        let secrets: Vec<_> = secrets
            .filter(|secret| secret.hmac_key().is_some())
            .collect();
        let turn = match self.overlap {
            Overlap::Newest => 0,
            // A replay begins with the newest again, like the count of attempts.
            Overlap::InTurn => usize::try_from(due.attempts).unwrap_or(0),
        };
        let turn = turn.checked_rem(secrets.len())?;
        Some(secrets[turn])
    }

    /// The three headers of Standard Webhooks, with the signature of every secret that holds.
    fn sign_standard(&self, due: &Due, now: Timestamp, headers: &mut Vec<Header>) {
        let (id, seconds) = (due.id.notification.to_string(), now.as_second());
        let mut codes = String::new();
        for secret in due.endpoint.secrets.at(now) {
            if !codes.is_empty() {
                codes.push(' ');
            }
            codes.push_str(&signature::sign(
                secret,
                &id,
                seconds,
                &due.notification.body,
            ));
        }
        if codes.is_empty() && self.standard == StandardHeaders::WithSecret {
            return;
        }
        headers.push((Cow::Borrowed(signature::ID), id));
        headers.push((Cow::Borrowed(signature::TIMESTAMP), seconds.to_string()));
        if !codes.is_empty() {
            headers.push((Cow::Borrowed(signature::SIGNATURE), codes));
        }
    }
}
