//! `com.atproto.space.registerNotify` by readers of a space, with a credential of its authority.

use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use jiff::SignedDuration;
use loggia_auth::dpop::{NewProof, Target};
use loggia_auth::space_credential::{KeyBinding, NewCredential, mint};
use loggia_auth::{Jwk, SigningKey, dpop, http_signature};
use loggia_delivery::{Clock, SystemClock};
use loggia_server::chance;
use loggia_server::space_credentials::SpaceForms;
use loggia_storage::{Location, MasterKey, Revoked, Storage};
use loggia_syntax::SpaceRef;
use reqwest::RequestBuilder;
use serde_json::{Value, json};

use crate::support::notices::{REGISTER, WRITE, forum, old_forum, post, register, registration};
use crate::support::{Account, Answer, Receiver, TestServer};

const ENDPOINT: &str = "https://feed.example.com/webhooks/space-writes";

/// Somebody with a key, who gets credentials for the forum of an account.
struct Reader<'a> {
    key: SigningKey,
    authority: &'a Account<'a>,
    /// The `jti` of the credentials.
    id: [u8; 16],
}

impl<'a> Reader<'a> {
    fn of(authority: &'a Account<'a>) -> Self {
        Self {
            key: SigningKey::generate_p256().expect("the system has randomness"),
            authority,
            id: chance::bytes(),
        }
    }

    fn credential(&self, binding: &KeyBinding) -> String {
        let new = NewCredential {
            space: &SpaceRef::new(forum(self.authority)).expect("a space"),
            binding,
            fragment: "#atproto",
            now: SystemClock.now(),
            lifetime: binding.usual_lifetime(),
            id: self.id,
        };
        mint(&self.authority.key, &new).expect("a credential")
    }

    /// Signs a request for this audience, as October has it.
    fn sign(&self, request: RequestBuilder, audience: &str) -> RequestBuilder {
        let binding = KeyBinding::HttpSignature(self.key.public().clone());
        let authorization = format!("Atproto-Space {}", self.credential(&binding));
        let fields = http_signature::sign(&self.key, &authorization, Some(audience));
        let fields = fields.expect("a signature");
        request
            .header("authorization", authorization)
            .header("atproto-space-audience", audience)
            .header("signature-input", fields.input)
            .header("signature", fields.signature)
    }

    /// Adds a proof to a call of this server, as August has it.
    fn prove(&self, request: RequestBuilder, server: &TestServer) -> RequestBuilder {
        let thumbprint = Jwk::new(*self.key.public().multikey()).thumbprint();
        let credential = self.credential(&KeyBinding::Dpop(thumbprint));
        let url = format!("http://localhost:{}/xrpc/{REGISTER}", server.port());
        let proof = NewProof {
            method: "POST",
            target: &Target::parse(&url).expect("a URL"),
            token: Some(&credential),
            nonce: None,
            now: SystemClock.now(),
            id: chance::bytes(),
        };
        let proof = dpop::mint(&self.key, &proof).expect("a proof");
        request
            .header("authorization", format!("DPoP {credential}"))
            .header("dpop", proof)
    }

    /// Registers, meaning the authority.
    async fn register(&self, server: &TestServer, input: &Value) -> Answer {
        let call = server.call(REGISTER, &[], Some(input));
        let audience = self.authority.did.as_str();
        server.send(self.sign(call, audience)).await
    }
}

#[tokio::test]
async fn a_reader_registers_and_is_told() {
    let server = TestServer::start().await;
    let alice = server.account("alice");
    let reader = Reader::of(&alice);
    let mut receiver = Receiver::start();
    let input = registration(&forum(&alice), &receiver.url);
    let registered = reader.register(&server, &input).await.output();
    let secret = registered["secret"].as_str().expect("a secret").to_owned();

    let told = alice.procedure(WRITE, &post(&forum(&alice), &alice)).await;
    told.is(200, json!({ "success": true }));
    let body = receiver.next().await.verified(&secret);
    assert_eq!(body["spaceUri"], json!(forum(&alice)));

    // Again, in the older spelling: renewed, and the secret stays where it is.
    let again = registration(&old_forum(&alice), &receiver.url);
    let renewed = reader.register(&server, &again).await.output();
    assert_eq!(renewed["id"], registered["id"]);
    assert_eq!(renewed["secret"], Value::Null);
}

#[tokio::test]
async fn a_credential_is_for_one_space_and_a_request_for_one_audience() {
    let server = TestServer::start().await;
    let (alice, bob) = (server.account("alice"), server.account("bob"));
    let reader = Reader::of(&alice);
    let other = format!("at://{}/space/com.example.forum/other", alice.did);
    for space in [&other, &forum(&bob)] {
        let answer = reader
            .register(&server, &registration(space, ENDPOINT))
            .await;
        let message = "Credential is not scoped to this space";
        answer.fails(400, "InvalidCredential", message);
    }
    let input = registration(&forum(&alice), ENDPOINT);
    for audience in [bob.did.as_str(), &server.did] {
        let call = server.call(REGISTER, &[], Some(&input));
        let answer = server.send(reader.sign(call, audience)).await;
        let message = "the request is for another audience (Atproto-Space-Audience)";
        answer.fails(401, "BadSpaceAudience", message);
        assert_eq!(
            answer.header("www-authenticate"),
            "Atproto-Space error=\"BadSpaceAudience\""
        );
    }
    // Whoever overhears a credential lacks the key that signs.
    let thief = Reader::of(&alice);
    let call = reader.sign(server.call(REGISTER, &[], Some(&input)), alice.did.as_str());
    let credential = call.build().expect("a request").headers()["authorization"].clone();
    let call = thief.sign(server.call(REGISTER, &[], Some(&input)), alice.did.as_str());
    let mut request = call.build().expect("a request");
    request.headers_mut().insert("authorization", credential);
    let sent = crate::support::http().execute(request).await;
    let answer = Answer::read(sent.expect("the server answers")).await;
    assert_eq!(
        (answer.status, &answer.body["error"]),
        (401, &json!("BadSpaceSignature"))
    );
}

#[tokio::test]
async fn a_revoked_credential_registers_nothing_and_what_it_registered_ends() {
    let server = TestServer::start().await;
    let alice = server.account("alice");
    let reader = Reader::of(&alice);
    let (mut readers, mut authoritys) = (Receiver::start(), Receiver::start());
    let input = registration(&forum(&alice), &readers.url);
    reader.register(&server, &input).await.output();
    let secret = register(&alice, &authoritys.url).await;

    revoke(&server, &reader).await;
    let answer = reader.register(&server, &input).await;
    let message = "the space credential has been revoked: get a new one";
    answer.fails(401, "CredentialRevoked", message);
    let told = alice.procedure(WRITE, &post(&forum(&alice), &alice)).await;
    told.is(200, json!({ "success": true }));
    authoritys.next().await.verified(&secret);
    readers.has_no_more();

    // Another credential of the same reader is another one.
    let anew = Reader {
        id: chance::bytes(),
        ..reader
    };
    anew.register(&server, &input).await.output();
}

/// Takes the credentials of a reader back, as somebody beside the server.
async fn revoke(server: &TestServer, reader: &Reader<'_>) {
    let text = std::fs::read_to_string(server.data().join("master.key")).expect("a key file");
    let key = BASE64_STANDARD.decode(text.trim()).expect("base64");
    let key = MasterKey::new(key.try_into().expect("32 bytes"));
    let storage = Storage::join(&Location::file(server.data().join("loggia.db")), &key).await;
    let storage = storage.expect("the server's database can be joined");
    let space = SpaceRef::new(forum(reader.authority)).expect("a space");
    let id = BASE64_URL_SAFE_NO_PAD.encode(reader.id);
    let until = SystemClock.now() + SignedDuration::from_hours(2);
    let mut tx = storage.begin().await.expect("begins");
    let revoked = storage
        .revoked_credentials()
        .revoke(&mut tx, &space, &id, (until, SystemClock.now()))
        .await;
    tx.commit().await.expect("commits");
    let Revoked::Kept { endpoints } = revoked.expect("runs") else {
        panic!("there is room")
    };
    assert_eq!(endpoints.len(), 1);
    storage.close().await;
}

#[tokio::test]
async fn only_the_forms_that_are_set_are_taken() {
    use SpaceForms::{August, Both, October, Off};
    for (forms, october, august) in [
        (October, true, false),
        (August, false, true),
        (Both, true, true),
        (Off, false, false),
    ] {
        let server = TestServer::start_with(|config| config.space_credentials = forms).await;
        let alice = server.account("alice");
        let reader = Reader::of(&alice);
        let input = registration(&forum(&alice), ENDPOINT);
        let call = || server.call(REGISTER, &[], Some(&input));
        let message = match forms {
            Off => "this service takes no space credentials",
            _ => "Unexpected authorization type",
        };
        for (request, is_taken) in [
            (reader.sign(call(), alice.did.as_str()), october),
            (reader.prove(call(), &server), august),
        ] {
            let answer = server.send(request).await;
            match is_taken {
                true => assert_eq!(answer.status, 200, "{forms}: {answer:#?}"),
                false => answer.fails(400, "InvalidToken", message),
            }
        }
    }
}

#[tokio::test]
async fn readers_leave_room_for_the_authority() {
    let server = TestServer::start_with(|config| config.registrations_per_space = 2).await;
    let alice = server.account("alice");
    let (one, two) = (Reader::of(&alice), Reader::of(&alice));
    let input = |number: u32| registration(&forum(&alice), &format!("{ENDPOINT}/{number}"));
    one.register(&server, &input(1)).await.output();
    let full = "the readers of this space cannot have more registrations: let some expire first";
    for reader in [&one, &two] {
        let answer = reader.register(&server, &input(2)).await;
        answer.fails(400, "TooManyRegistrations", full);
    }
    alice.procedure(REGISTER, &input(2)).await.output();
}
