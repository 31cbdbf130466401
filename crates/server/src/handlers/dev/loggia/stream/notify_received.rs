//! `dev.loggia.stream.notifyReceived`

use axum::extract::State;
use loggia_api::dev::loggia::stream::notify_received::{Error, Input, NotifyReceived, Output};
use loggia_delivery::{Clock, SystemClock};
use loggia_xrpc::{Reply, declared};

use crate::caller::Caller;
use crate::streamplace::Streamplace;

/// What is answered is on disk.
pub async fn handle(
    State(streamplace): State<Streamplace>,
    Caller(caller): Caller,
    input: Input,
) -> Reply<NotifyReceived> {
    let streamer = input.streamer.unwrap_or_else(|| caller.clone());
    if !streamplace.may_tell_of(&caller, &streamer) {
        return Err(declared(Error::NotAllowed).status(403).into());
    }
    let told = streamplace.received(
        (streamer, caller),
        &input.segment,
        input.title,
        SystemClock.now(),
    );
    Ok(Output {
        wanted: told.await?,
        extra: Default::default(),
    })
}
