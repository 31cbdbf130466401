//! The reference PDS and PLC server, started for one test and gone with it.

use serde_json::{Value, json};

use super::http;
use super::node_program::NodeProgram;

/// Both servers, on ports of their own.
pub struct ReferenceServers {
    /// Base URL of the PLC directory.
    pub plc: String,
    /// Base URL of the PDS.
    pub pds: String,
    _program: NodeProgram,
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
        let mut program = NodeProgram::start("the reference PDS", "pds", "start.mjs", &[]);
        let ports = program.line();
        let url = |name: &str| ports[name].as_str().expect("a URL").to_owned();
        Self {
            plc: url("plc"),
            pds: url("pds"),
            _program: program,
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

/// A record that was written.
pub struct Written {
    pub uri: String,
    pub cid: String,
}

impl Written {
    fn place(&self) -> Value {
        let mut parts = self.uri.trim_start_matches("at://").split('/');
        let mut part = || parts.next().expect("three parts");
        json!({"repo": part(), "collection": part(), "rkey": part()})
    }
}

impl PdsAccount {
    /// Creates a record, without validation.
    pub async fn create(&self, collection: &str, record: &Value) -> Written {
        let input = json!({
            "repo": self.did, "collection": collection, "record": record, "validate": false,
        });
        self.write("com.atproto.repo.createRecord", input).await
    }

    /// Writes other contents in the place of a record's.
    pub async fn put(&self, old: &Written, record: &Value) -> Written {
        let mut input = old.place();
        input["record"] = record.clone();
        input["validate"] = json!(false);
        self.write("com.atproto.repo.putRecord", input).await
    }

    /// Deletes a record.
    pub async fn delete(&self, old: &Written) {
        self.call("com.atproto.repo.deleteRecord", old.place())
            .await;
    }

    async fn write(&self, method: &str, input: Value) -> Written {
        let answer = self.call(method, input).await;
        let field = |name: &str| answer[name].as_str().expect("text").to_owned();
        Written {
            uri: field("uri"),
            cid: field("cid"),
        }
    }

    /// Calls a procedure that has no output, and perhaps no input.
    pub async fn tell(&self, method: &str, input: Option<&Value>) {
        let request = http()
            .post(format!("{}/xrpc/{method}", self.pds))
            .bearer_auth(&self.access);
        let request = match input {
            Some(input) => request.json(input),
            None => request,
        };
        let status = request.send().await.expect("an answer").status();
        assert!(status.is_success(), "{method}: {status}");
    }

    /// Calls a procedure of the PDS as the account.
    pub async fn call(&self, method: &str, input: Value) -> Value {
        let request = http()
            .post(format!("{}/xrpc/{method}", self.pds))
            .bearer_auth(&self.access)
            .json(&input);
        let answer = request.send().await.expect("an answer");
        let status = answer.status();
        let answer: Value = answer.json().await.expect("JSON");
        assert!(status.is_success(), "{method}: {answer}");
        answer
    }

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
