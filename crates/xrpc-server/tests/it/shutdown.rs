//! An orderly end.

use std::sync::Arc;
use std::time::Duration;

use loggia_xrpc::Reply;
use loggia_xrpc_server::{ServeSettings, Service};
use tokio::sync::Notify;

use crate::support::lexicons::Touch;
use crate::support::{Server, soon};

#[tokio::test]
async fn calls_in_flight_end_and_no_others_begin() {
    let (entered, leave) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (enters, leaves) = (Arc::clone(&entered), Arc::clone(&leave));
    let touch = move || {
        let (enters, leaves) = (Arc::clone(&enters), Arc::clone(&leaves));
        async move {
            enters.notify_one();
            leaves.notified().await;
            Reply::<Touch>::Ok(loggia_xrpc::NoBody)
        }
    };
    let mut server = Server::start(Service::new().method::<Touch, _, _>(touch).into_router()).await;
    let address = server.address;
    let call = tokio::spawn(server.post("dev.test.touch").send());
    soon(entered.notified()).await;
    server.stop();
    // The listener is gone as soon as the shutdown is noticed.
    soon(async {
        while tokio::net::TcpStream::connect(address).await.is_ok() {
            tokio::task::yield_now().await;
        }
    })
    .await;
    leave.notify_one();
    let answer = soon(call).await.expect("no panic").expect("an answer");
    assert_eq!(answer.status(), 200);
    soon(server.stopped()).await;
}

#[tokio::test]
async fn a_call_that_never_ends_does_not_hold_up_the_end() {
    let entered = Arc::new(Notify::new());
    let enters = Arc::clone(&entered);
    let touch = move || {
        let enters = Arc::clone(&enters);
        async move {
            enters.notify_one();
            std::future::pending::<Reply<Touch>>().await
        }
    };
    let settings = ServeSettings {
        drain: Duration::from_millis(20),
        ..ServeSettings::default()
    };
    let router = Service::new().method::<Touch, _, _>(touch).into_router();
    let server = Server::start_with(router, settings).await;
    let call = tokio::spawn(server.post("dev.test.touch").send());
    soon(entered.notified()).await;
    soon(server.stopped()).await;
    call.abort();
}
