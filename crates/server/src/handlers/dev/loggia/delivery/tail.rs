//! `dev.loggia.delivery.tail`

use axum::extract::State;
use futures_util::{Stream, stream};
use jiff::SignedDuration;
use loggia_api::dev::loggia::delivery::tail::{
    Attempted, Error, Info, InfoName, Message, Params, Tail,
};
use loggia_delivery::{Attempt, Clock, EndpointId, SystemClock};
use loggia_storage::LoggedAttempt;
use loggia_xrpc::{Failure, Rejection, Subscription, declared};

use super::view;
use crate::api_clients::ApiClient;
use crate::caller::Caller;
use crate::delivery_desk::DeliveryDesk;
use crate::projections::ProjectionDesk;
use crate::tail::{Follower, OVERLAP};

/// Attempts are kept this long: a cursor from before may have missed some.
const KEPT: SignedDuration = SignedDuration::from_hours(7 * 24);

type Item = Result<Message, Failure<<Tail as Subscription>::Error>>;

/// Everything from the cursor on, then what happens from now on. Ends with the key that it was opened
/// with.
pub async fn handle(
    State(desk): State<DeliveryDesk>,
    State(projections): State<ProjectionDesk>,
    client: Option<ApiClient>,
    Caller(owner): Caller,
    params: Params,
) -> Result<impl Stream<Item = Item> + Send + 'static, Failure<Error>> {
    let endpoint = match &params.endpoint {
        None => None,
        Some(text) => {
            let not_found = || declared(Error::NotFound).status(404);
            let id: EndpointId = text.parse().map_err(|_| not_found())?;
            if !desk.storage.deliveries().concern(&owner, id).await? {
                return Err(not_found().into());
            }
            Some(id)
        }
    };
    let now = SystemClock.now();
    let (from, outdated) = match params.cursor {
        None => (now.as_millisecond(), false),
        Some(cursor) if cursor > now.as_millisecond().saturating_add(OVERLAP) => {
            return Err(declared(Error::FutureCursor).into());
        }
        Some(cursor) => (
            cursor.saturating_sub(OVERLAP),
            cursor < (now - KEPT).as_millisecond(),
        ),
    };
    let following = desk.outcomes.follow(&owner).ok_or_else(|| {
        let message = "the account is followed by as many as may: close one of its streams";
        Rejection::new(429, "TooManyRequests", message)
    })?;
    let follower = Follower::new(desk.storage.clone(), owner, endpoint, from, following);
    let first = outdated.then(|| Ok(Message::Info(info())));
    let told = futures_util::StreamExt::chain(stream::iter(first), stream::unfold(follower, next));
    let client = client.map(|client| client.id());
    Ok(projections.holders.until_revoked(client, told))
}

async fn next(mut follower: Follower) -> Option<(Item, Follower)> {
    let next = follower.next().await;
    let item = match next {
        Ok(logged) => attempted(&logged)
            .map(Message::Attempted)
            .map_err(Failure::from),
        Err(error) => Err(error.into()),
    };
    Some((item, follower))
}

fn attempted(logged: &LoggedAttempt) -> Result<Attempted, std::num::TryFromIntError> {
    let attempt: &Attempt = &logged.attempt;
    Ok(Attempted {
        seq: logged.ended,
        notification: logged.delivery.notification.to_string(),
        endpoint: logged.delivery.endpoint.to_string(),
        kind: logged.kind.clone(),
        subject: logged.subject.clone(),
        state: logged.state.as_str().into(),
        attempt: view::attempt(attempt)?,
        extra: Default::default(),
    })
}

fn info() -> Info {
    Info {
        name: InfoName::OutdatedCursor,
        message: Some("attempts are kept for seven days: some may be missing".to_owned()),
        extra: Default::default(),
    }
}
