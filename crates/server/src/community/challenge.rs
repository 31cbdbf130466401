//! Proving that a URL is its owner's: a signed TEST goes there with something that nobody can guess, and
//! has to come back.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;
use loggia_api::dev::loggia::community::defs::{
    Challenge, ChallengeContext, ChallengeData, ChallengeType,
};
use loggia_delivery::{
    Answer, DeliveryId, Dressing, Due, Endpoint, Fault, Lease, NodeId, Notification,
    NotificationId, Transport as _,
};
use loggia_syntax::Nsid;
use serde::Deserialize;

use crate::chance;
use crate::outgoing::Outgoing;

/// The kind of the notification that it would be.
const CHALLENGED: &str = "dev.loggia.community.challenged";

/// Why a URL is not saved: what its owner is told.
#[derive(Debug, thiserror::Error)]
pub enum Unanswered {
    /// No answer came.
    #[error("the receiver could not be asked: {0}")]
    Fault(Fault),
    /// Another status than 200.
    #[error("the receiver answered with status {0} in the place of 200")]
    Status(u16),
    /// Something else than the object.
    #[error("the receiver answered with something else than JSON of type TEST with a status")]
    NoTest,
    /// It says that it failed.
    #[error("the receiver answered with another status than SUCCEEDED in its JSON")]
    Failed,
    /// It sends back something else.
    #[error("the receiver did not send the challenge back")]
    OtherChallenge,
}

/// As much of the answer as matters.
#[derive(Deserialize)]
struct Told {
    r#type: String,
    status: String,
    #[serde(default)]
    data: Option<ToldData>,
}

#[derive(Deserialize)]
struct ToldData {
    challenge: Option<String>,
}

/// Asks the receiver of an endpoint that is to be.
///
/// # Errors
/// What it did in the place of answering as it has to.
pub(super) async fn ask(
    outgoing: &Outgoing,
    endpoint: &Endpoint,
    timeout: Duration,
    now: Timestamp,
) -> Result<(), Unanswered> {
    let challenge: String = chance::bytes::<20>()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let due = due(endpoint, &challenge, now);
    let dressing = Dressing {
        token: None,
        now,
        timeout,
    };
    let request = endpoint.profile.wire().request(&due, &dressing);
    let answer = outgoing.send(request).await.map_err(Unanswered::Fault)?;
    judge(&answer, &challenge)
}

fn judge(answer: &Answer, challenge: &str) -> Result<(), Unanswered> {
    if answer.status != 200 {
        return Err(Unanswered::Status(answer.status));
    }
    let told: Told = serde_json::from_slice(&answer.body).map_err(|_| Unanswered::NoTest)?;
    if told.r#type != "TEST" {
        return Err(Unanswered::NoTest);
    }
    if told.status != "SUCCEEDED" {
        return Err(Unanswered::Failed);
    }
    let back = told.data.and_then(|data| data.challenge);
    match back.as_deref() == Some(challenge) {
        true => Ok(()),
        false => Err(Unanswered::OtherChallenge),
    }
}

/// The challenge as the delivery that it is to its receiver. It is in no queue: nobody holds it.
fn due(endpoint: &Endpoint, challenge: &str, now: Timestamp) -> Due {
    let body = Challenge {
        network_id: endpoint.owner.clone(),
        context: ChallengeContext::Network,
        current_settings: Vec::new(),
        r#type: ChallengeType::Test,
        data: ChallengeData {
            challenge: challenge.to_owned(),
            extra: Default::default(),
        },
        extra: Default::default(),
    };
    let id = NotificationId::new(now, chance::bytes());
    Due {
        id: DeliveryId {
            notification: id,
            endpoint: endpoint.id,
        },
        notification: Arc::new(Notification {
            id,
            kind: Nsid::from_static(CHALLENGED),
            subject: endpoint.target.as_str().to_owned(),
            body: Bytes::from(
                serde_json::to_vec(&body).expect("texts and lists can be written as JSON"),
            ),
            created_at: now,
            deadline: now,
        }),
        endpoint: Arc::new(endpoint.clone()),
        deadline: now,
        attempts: 0,
        earlier: 0,
        key: None,
        since: now,
        lease: Lease {
            node: NodeId::new("nobody"),
            until: now,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(status: u16, body: &str) -> String {
        let answer = Answer {
            status,
            retry_after: None,
            body: Bytes::copy_from_slice(body.as_bytes()),
        };
        match judge(&answer, "abc") {
            Ok(()) => "saved".to_owned(),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn only_the_challenge_itself_will_do() {
        let good = r#"{"type":"TEST","status":"SUCCEEDED","data":{"challenge":"abc"}}"#;
        assert_eq!(judged(200, good), "saved");
        for (status, body, says) in [
            (201, good, "status 201"),
            (204, "", "status 204"),
            (302, good, "status 302"),
            (200, "", "something else than JSON"),
            (200, "SUCCEEDED", "something else than JSON"),
            (200, "[]", "something else than JSON"),
            (200, &good.replace("TEST", "SUBSCRIPTION"), "type TEST"),
            (200, &good.replace("SUCCEEDED", "FAILED"), "SUCCEEDED"),
            (200, &good.replace("SUCCEEDED", "succeeded"), "SUCCEEDED"),
            (200, &good.replace("abc", "abd"), "challenge back"),
            (
                200,
                r#"{"type":"TEST","status":"SUCCEEDED"}"#,
                "challenge back",
            ),
            (
                200,
                r#"{"type":"TEST","status":"SUCCEEDED","data":{}}"#,
                "challenge back",
            ),
        ] {
            let told = judged(status, body);
            assert!(told.contains(says), "{status} {body}: {told}");
        }
    }
}
