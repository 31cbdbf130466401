//! Used tokens: nobody is let in whose token might be used twice, whatever becomes of the server.

use loggia_server::token_exchange::METHOD;
use serde_json::json;

use crate::support::TestServer;
use crate::support::exchange::App;
use crate::support::process::ServerProcess;
use crate::webhooks::{CREATE, DELETE, LIST};

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

#[tokio::test]
async fn what_was_answered_used_its_token_up_also_after_a_kill() {
    let data = tempfile::tempdir().expect("a temporary folder");
    let mut server = ServerProcess::start(data.path(), &[]).await;
    let alice = server.caller("alice");
    let webhook = json!({ "url": "https://hooks.example/alice", "events": ["follow"] });
    // What writes commits its token with it; who looks for what is not there has nothing else to commit.
    let calls = [
        (CREATE, webhook, 200),
        (DELETE, json!({ "id": "3jzfcijpj2z2a" }), 404),
    ];
    let mut used = Vec::new();
    for (method, input, status) in calls {
        let token = alice.token(method);
        let answer = alice.procedure_with(&token, method, &input).await;
        let answer = answer.expect("it answers");
        assert_eq!(answer.0, status, "{answer:?}");
        server.kill();
        server.spawn_again();
        server.ready().await;
        used.push((token, method, input));
    }
    for (token, method, input) in used {
        let again = alice.procedure_with(&token, method, &input).await;
        let (status, body) = again.expect("it answers");
        assert_eq!((status, &body["error"]), (401, &json!("JwtReplayed")));
    }
}
