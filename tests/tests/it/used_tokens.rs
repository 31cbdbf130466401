//! A store of used tokens without room: nobody is let in whose token might be used twice.

use loggia_server::token_exchange::METHOD;
use serde_json::json;

use crate::support::TestServer;
use crate::support::exchange::App;
use crate::webhooks::LIST;

#[tokio::test]
async fn a_full_store_refuses_new_tokens_and_forgets_no_old_one() {
    let server = TestServer::start_with(|config| config.used_tokens_kept = 2).await;
    let alice = server.account("alice");
    let token = alice.token(LIST);
    let request = || server.call(LIST, &[], None).bearer_auth(&token);
    let nothing = json!({ "webhooks": [] });
    server.send(request()).await.is(200, nothing.clone());
    alice.query(LIST, &[]).await.is(200, nothing);

    let full = "the token cannot be checked now";
    for _ in 0..2 {
        let answer = alice.query(LIST, &[]).await;
        answer.fails(503, "NotEnoughResources", full);
    }
    let again = server.send(request()).await;
    again.fails(
        401,
        "JwtReplayed",
        "the token was used before (jti): get a new one for each call",
    );

    let mut app = App::new();
    app.get_nonce(&server).await;
    let exchanged = app.exchange(&server, &alice.token(METHOD), &[]).await;
    let busy = json!({ "error": "temporarily_unavailable", "error_description": "try again soon" });
    exchanged.is(503, busy);
    assert_eq!(exchanged.header("retry-after"), "1");
}
