//! The server under test, in this process and on a port of its own.

use std::path::PathBuf;

use jiff::Timestamp;
use loggia_auth::SigningKey;
use loggia_auth::service_auth::{Mint, mint};
use loggia_delivery::{Clock, SystemClock};
use loggia_server::config::Config;
use loggia_server::dev::DevAccounts;
use loggia_server::login::People;
use loggia_server::operator::Operator;
use loggia_server::{ServeError, Server, chance};
use loggia_syntax::{Did, Nsid};
use reqwest::RequestBuilder;
use reqwest::header::HOST;
use serde_json::Value;
use tempfile::TempDir;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::{Answer, http};

/// A running server.
pub struct TestServer {
    /// Its DID: the audience of tokens.
    pub did: String,
    /// Who is logged in with a browser.
    pub people: People,
    base: String,
    folder: TempDir,
    accounts: DevAccounts,
    client: reqwest::Client,
    stop: oneshot::Sender<()>,
    running: JoinHandle<Result<(), ServeError>>,
}

/// An account that calls the server with fresh service auth each time.
pub struct Account<'a> {
    pub did: Did,
    pub key: SigningKey,
    server: &'a TestServer,
}

impl TestServer {
    /// A development server with a data folder of its own.
    pub async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    /// A development server with other settings.
    pub async fn start_with(change: impl FnOnce(&mut Config)) -> Self {
        Self::start_in(tempfile::tempdir().expect("a temporary folder"), change).await
    }

    /// A server in the data folder of one that was stopped.
    pub async fn start_in(folder: TempDir, change: impl FnOnce(&mut Config)) -> Self {
        let mut config = Config::defaults();
        config.bind.set_port(0);
        config.data = folder.path().to_owned();
        change(&mut config);
        let server = Server::start(config, None)
            .await
            .expect("the server starts");
        let port = server.local_address().port();
        let did = server.origin().did.to_string();
        let people = server.people().clone();
        let (stop, stopped) = oneshot::channel::<()>();
        let shutdown = async {
            // A dropped sender is a test that ended: a stop as well.
            stopped.await.unwrap_or_default();
        };
        Self {
            did,
            people,
            base: format!("http://127.0.0.1:{port}"),
            accounts: DevAccounts::new(folder.path(), port),
            folder,
            client: http(),
            stop,
            running: tokio::spawn(server.run(shutdown)),
        }
    }

    /// Stops the server as SIGTERM would and gives its data folder back.
    pub async fn stop(self) -> TempDir {
        self.stop.send(()).expect("the server waits to be told");
        let ended = self.running.await.expect("the server does not panic");
        ended.expect("the server stops well");
        self.folder
    }

    /// Access to its data beside it, as on the command line.
    pub async fn operator(&self) -> Operator {
        let mut config = Config::defaults();
        config.data = self.data();
        let operator = Operator::open(&config, None).await;
        operator.expect("the data can be used beside the server")
    }

    /// The data folder.
    pub fn data(&self) -> PathBuf {
        self.folder.path().to_owned()
    }

    /// A development account; made if it is not there.
    pub fn account(&self, name: &str) -> Account<'_> {
        let account = self
            .accounts
            .create(name, chance::bytes)
            .expect("an account");
        Account {
            did: account.did,
            key: account.key,
            server: self,
        }
    }

    /// Gives a development account another key.
    pub fn change_key(&self, name: &str) -> Account<'_> {
        let port = self.base.rsplit(':').next().expect("a port");
        let path = self.folder.path().join(format!("dev/{name}-{port}.json"));
        std::fs::remove_file(path).expect("the account is there");
        self.account(name)
    }

    /// `GET /path`, without credentials.
    pub async fn get(&self, path: &str) -> Answer {
        self.send(self.client.get(format!("{}{path}", self.base)))
            .await
    }

    /// Waits until deliveries are made.
    pub async fn delivers(&self) {
        let running = async || {
            let health = self.get("/xrpc/_health").await;
            health.body["delivery"]["running"] == true
        };
        while !running().await {
            tokio::task::yield_now().await;
        }
    }

    /// `GET /path` under another `Host`.
    pub async fn get_as(&self, host: &str, path: &str) -> Answer {
        self.send(
            self.client
                .get(format!("{}{path}", self.base))
                .header(HOST, host),
        )
        .await
    }

    /// `POST /path`, to be given a body and sent.
    pub fn post(&self, path: &str) -> RequestBuilder {
        self.request(reqwest::Method::POST, path)
    }

    /// Any request, to be sent.
    pub fn request(&self, verb: reqwest::Method, path: &str) -> RequestBuilder {
        self.client.request(verb, format!("{}{path}", self.base))
    }

    /// A query or procedure, to be given credentials and sent.
    pub fn call(
        &self,
        nsid: &str,
        params: &[(&str, &str)],
        input: Option<&Value>,
    ) -> RequestBuilder {
        let url = format!("{}/xrpc/{nsid}", self.base);
        match input {
            Some(input) => self.client.post(url).query(params).json(input),
            None => self.client.get(url).query(params),
        }
    }

    /// Calls a procedure with a ready token, or without.
    pub async fn procedure(&self, nsid: &str, token: Option<&str>, input: &Value) -> Answer {
        let request = self.call(nsid, &[], Some(input));
        match token {
            Some(token) => self.send(request.bearer_auth(token)).await,
            None => self.send(request).await,
        }
    }

    /// Sends a request and reads the answer.
    pub async fn send(&self, request: RequestBuilder) -> Answer {
        Answer::read(request.send().await.expect("the server answers")).await
    }

    /// The port that the server listens on.
    pub fn port(&self) -> u16 {
        self.base
            .rsplit(':')
            .next()
            .and_then(|port| port.parse().ok())
            .expect("a port")
    }
}

impl Account<'_> {
    /// A token for one call of this method of the server.
    pub fn token(&self, nsid: &str) -> String {
        self.token_for(&self.server.did, nsid, SystemClock.now())
    }

    /// A token as it would have been minted at another time, or for somebody else.
    pub fn token_for(&self, audience: &str, nsid: &str, now: Timestamp) -> String {
        let method = Nsid::new(nsid).expect("an NSID");
        let token = Mint {
            issuer: &self.did,
            audience,
            method: &method,
            now,
            lifetime: 60,
            id: chance::bytes(),
        };
        mint(&self.key, &token).expect("a token")
    }

    /// Calls a query.
    pub async fn query(&self, nsid: &str, params: &[(&str, &str)]) -> Answer {
        let request = self.server.call(nsid, params, None);
        self.server
            .send(request.bearer_auth(self.token(nsid)))
            .await
    }

    /// Calls a procedure.
    pub async fn procedure(&self, nsid: &str, input: &Value) -> Answer {
        self.server
            .procedure(nsid, Some(&self.token(nsid)), input)
            .await
    }
}
