//! The reference PDS and PLC server, started for one test and gone with it.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};

use serde_json::{Value, json};

use super::http;

/// Both servers, on ports of their own. They end when their standard input closes, so that a killed
/// test leaves nothing behind.
pub struct ReferenceServers {
    /// Base URL of the PLC directory.
    pub plc: String,
    /// Base URL of the PDS.
    pub pds: String,
    child: Child,
    _stdin: Option<ChildStdin>,
    _data: tempfile::TempDir,
}

/// The password of every account.
pub const PASSWORD: &str = "correct horse battery staple";

/// An account of the PDS.
pub struct PdsAccount {
    pub did: String,
    access: String,
    pds: String,
}

impl ReferenceServers {
    /// Starts both and waits until they answer.
    pub fn start() -> Self {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("pds");
        assert!(
            folder.join("node_modules").is_dir(),
            "the reference PDS is not installed: run `cargo xtask test`, or `npm ci` in tests/pds",
        );
        let data = tempfile::tempdir().expect("a temporary folder");
        let mut child = Command::new("node")
            .arg(folder.join("start.mjs"))
            .arg(data.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("node is installed");
        let stdout = child.stdout.take().expect("piped above");
        let stdin = child.stdin.take();
        let line = BufReader::new(stdout).lines().next();
        let line = line
            .expect("a line once both servers answer")
            .expect("text");
        let ports: Value = serde_json::from_str(&line).expect("one JSON object");
        let url = |name: &str| ports[name].as_str().expect("a URL").to_owned();
        Self {
            plc: url("plc"),
            pds: url("pds"),
            child,
            _stdin: stdin,
            _data: data,
        }
    }

    /// Makes an account.
    pub async fn account(&self, name: &str) -> PdsAccount {
        let body = json!({
            "handle": format!("{name}.test"),
            "email": format!("{name}@example.com"),
            "password": PASSWORD,
        });
        let url = format!("{}/xrpc/com.atproto.server.createAccount", self.pds);
        let answer = http()
            .post(url)
            .json(&body)
            .send()
            .await
            .expect("an answer");
        let answer: Value = answer.json().await.expect("JSON");
        let field = |name: &str| {
            answer[name]
                .as_str()
                .unwrap_or_else(|| panic!("{answer}"))
                .to_owned()
        };
        PdsAccount {
            did: field("did"),
            access: field("accessJwt"),
            pds: self.pds.clone(),
        }
    }
}

impl Drop for ReferenceServers {
    fn drop(&mut self) {
        // Closing the standard input ends it; this only makes sure.
        self.child.kill().expect("the servers can be stopped");
        self.child.wait().expect("the servers end");
    }
}

impl PdsAccount {
    /// Calls a query of another service through the PDS, as apps do (`atproto-proxy`): status and body.
    pub async fn proxied(&self, service: &str, method: &str) -> (u16, Value) {
        let request = http()
            .get(format!("{}/xrpc/{method}", self.pds))
            .header("atproto-proxy", service)
            .bearer_auth(&self.access);
        let answer = request.send().await.expect("an answer");
        let status = answer.status().as_u16();
        (status, answer.json().await.expect("JSON"))
    }

    /// Has the PDS mint a service-auth token, as an app would.
    pub async fn service_auth(&self, audience: &str, method: &str) -> String {
        let url = format!("{}/xrpc/com.atproto.server.getServiceAuth", self.pds);
        let request = http()
            .get(url)
            .query(&[("aud", audience), ("lxm", method)])
            .bearer_auth(&self.access);
        let answer: Value = request
            .send()
            .await
            .expect("an answer")
            .json()
            .await
            .expect("JSON");
        answer["token"]
            .as_str()
            .unwrap_or_else(|| panic!("{answer}"))
            .to_owned()
    }
}
