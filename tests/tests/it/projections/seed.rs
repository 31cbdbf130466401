//! The page that these notifications are known from, word by word where it is there: its commands and
//! its way to verify.

use std::path::PathBuf;
use std::process::Command;

use serde_json::{Value, json};

use super::{Client, id};
use crate::support::typescript::Programs;
use crate::support::{Arrival, Receiver, TestServer, by_openssl};

/// A page beside the repository, if it is there; says so if it is not.
fn page() -> Option<String> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/seeds");
    let found = std::fs::read_dir(root).ok().and_then(|mut entries| {
        entries.find_map(|entry| {
            let entry = entry.ok()?;
            let is_it = entry.file_name().to_str()?.starts_with("002");
            is_it
                .then(|| std::fs::read_to_string(entry.path()).ok())
                .flatten()
        })
    });
    if found.is_none() {
        println!("the page is not here: only our own cases were tested");
    }
    found
}

/// Runs a command as a reader of the page would, at our server and with a key of ours.
fn run(command: &str, client: &Client<'_>) -> Value {
    let here = format!("http://127.0.0.1:{}", client.server.port());
    let command = command
        .replace("https://hapnd-api.lightestnight.workers.dev", &here)
        .replace("your_key", &client.key)
        .replace("curl ", "curl -sS --fail-with-body ");
    let done = Command::new("sh").args(["-c", &command]).output();
    let done = done.expect("there is a shell");
    assert!(done.status.success(), "{command}\n{done:?}");
    serde_json::from_slice(&done.stdout).expect("JSON")
}

/// The commands of the page.
fn commands(page: &str) -> Vec<String> {
    let joined = page.replace("\\\n", " ");
    let lines = joined.lines().filter(|line| line.starts_with("curl "));
    lines.map(str::to_owned).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_commands_of_the_page_work() {
    let server = TestServer::start().await;
    let client = Client::new(&server).await;
    let own = client
        .make(
            &json!({ "notifications": { "webhook": {
            "url": "https://your-api.com/hooks/hapnd", "isolateSecret": true } } }),
            None,
        )
        .await;
    let Some(page) = page() else { return };
    let commands = commands(&page);
    assert_eq!(commands.len(), 5, "{commands:#?}");
    for command in commands {
        let command = command.replace("/proj_abc/", &format!("/{}/", id(&own)));
        let answer = run(&command, &client);
        if command.contains("upload") {
            assert_eq!(
                answer["notifications"]["webhook"]["enabled"], true,
                "{answer}"
            );
        } else if command.contains("rotate") {
            assert!(
                answer["secret"]
                    .as_str()
                    .is_some_and(|text| text.starts_with("whsec_"))
            );
        } else {
            assert_eq!(answer, json!({ "notifications": [] }), "{command}");
        }
    }
}

/// Checks requests in the way that is handed in.
const HARNESS: &str = r#"
const [webhookSecret = "", signature = "", body = ""] = process.argv.slice(2);
const check = async (request: Request): Promise<Response> => {
  /*SNIPPET*/
  return new Response("OK", { status: 200 });
};
const of = (text: string, header: string) =>
  new Request("http://localhost/", { method: "POST", body: text, headers: { "X-Hapnd-Signature": header } });
const good = await check(of(body, signature));
const bad = await check(of(body + " ", signature));
console.log(JSON.stringify([good.status, bad.status]));
"#;

/// Our own, in the place of the page's.
const OWN: &str = r#"
const { createHmac, timingSafeEqual } = await import("node:crypto");
const made = createHmac("sha256", webhookSecret).update(await request.text()).digest("hex");
const given = request.headers.get("X-Hapnd-Signature") ?? "";
if (!timingSafeEqual(Buffer.from(given), Buffer.from(`sha256=${made}`))) {
  return new Response("Unauthorized", { status: 401 });
}
"#;

/// A delivery of something with a mark that is not ASCII, and what it is signed with.
async fn delivery(server: &TestServer) -> (Arrival, String) {
    let client = Client::new(server).await;
    let mut receiver = Receiver::start();
    let config = json!({ "notifications": { "webhook": { "url": receiver.url } } });
    let uploaded = client.make(&config, None).await;
    let event = json!({
        "aggregateId": "order_123",
        "eventType": "order_placed",
        "data": { "total": 125.00, "items": ["Widget", "Gadget ✓"] },
    });
    assert_eq!(client.post("/events", &event).await.status, 201);
    let secret = uploaded["notifications"]["webhook"]["secret"].as_str();
    (receiver.next().await, secret.expect("a secret").to_owned())
}

/// The page's other way to verify is in C#, for .NET 5 and later, of which no package of the systems that
/// the tests install from has a compiler. It takes the same steps: HMAC-SHA256 with the UTF-8 of the whole
/// secret over the body, as lower hex. `openssl` takes them here, and a known vector in the tests of the
/// crate `delivery` (`wire`).
#[tokio::test(flavor = "multi_thread")]
async fn the_page_s_way_to_verify_holds_under_node() {
    let server = TestServer::start().await;
    let (arrival, secret) = delivery(&server).await;
    let by_openssl = by_openssl(&secret, &arrival.body);
    assert_eq!(arrival.header("x-hapnd-signature"), by_openssl);
    let body = String::from_utf8(arrival.body.to_vec()).expect("text");
    let mut snippets = vec![("own", OWN.to_owned())];
    if let Some(page) = page() {
        let (_, rest) = page.split_once("TypeScript:\n").expect("a snippet");
        let (snippet, _) = rest.split_once("\nHapnd generates").expect("its end");
        snippets.push(("page", snippet.to_owned()));
    }
    let sources: Vec<_> = snippets
        .iter()
        .map(|(name, snippet)| (*name, HARNESS.replace("/*SNIPPET*/", snippet)))
        .collect();
    let sources: Vec<_> = sources
        .iter()
        .map(|(name, text)| (*name, &**text))
        .collect();
    let programs = Programs::compile(&sources);
    for (name, _) in sources {
        let signature = arrival.header("x-hapnd-signature");
        let mut command = programs.command(name);
        let done = command.args([secret.as_str(), signature, &body]).output();
        let done = done.expect("node is installed");
        let said = String::from_utf8_lossy(&done.stdout);
        assert_eq!(said.trim(), "[200,401]", "{name}: {done:?}");
    }
}
