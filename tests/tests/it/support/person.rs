//! What a person's browser does, without one: requests with its headers, and cookies kept by hand.

use std::collections::BTreeMap;

use reqwest::redirect::Policy;
use reqwest::{Client, RequestBuilder};
use serde_json::Value;
use url::Url;

use super::{Answer, TestServer, http};

/// A person at a server's site.
pub struct Person {
    /// What their browser keeps.
    pub cookies: BTreeMap<String, String>,
    site: String,
    client: Client,
}

impl Person {
    /// Somebody who has never been there.
    pub fn at(server: &TestServer) -> Self {
        // The first client chooses the cryptography.
        drop(http());
        let client = Client::builder().redirect(Policy::none()).build();
        Self {
            cookies: BTreeMap::new(),
            site: format!("http://127.0.0.1:{}", server.port()),
            client: client.expect("a client"),
        }
    }

    /// Opens a page, following nothing.
    pub async fn open(&mut self, path: &str) -> Answer {
        let request = self.client.get(format!("{}{path}", self.site));
        self.send(request.header("accept", "text/html")).await
    }

    /// What a program would get with the same cookies.
    pub async fn account(&mut self) -> Answer {
        let request = self.client.get(format!("{}/account", self.site));
        self.send(request.header("accept", "application/json"))
            .await
    }

    /// Sends a form from a page of the site.
    pub async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Answer {
        self.post_from(&[("sec-fetch-site", "same-origin")], path, fields)
            .await
    }

    /// What a script of the site's own pages gets: any method, JSON in and out.
    pub async fn script(&mut self, verb: &str, path: &str, body: Option<&Value>) -> Answer {
        let verb = verb.parse().expect("a method");
        let request = self.client.request(verb, format!("{}{path}", self.site));
        let request = request.header("sec-fetch-site", "same-origin");
        self.send(match body {
            Some(body) => request.json(body),
            None => request,
        })
        .await
    }

    /// Sends a form from wherever these headers say.
    pub async fn post_from(
        &mut self,
        from: &[(&str, &str)],
        path: &str,
        fields: &[(&str, &str)],
    ) -> Answer {
        let mut body = url::form_urlencoded::Serializer::new(String::new());
        body.extend_pairs(fields);
        let mut request = self.client.post(format!("{}{path}", self.site));
        for (name, value) in from {
            request = request.header(*name, *value);
        }
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        self.send(request.body(body.finish())).await
    }

    /// Gives the form a handle or DID; the `state` of the login that began, if one did.
    pub async fn begin(&mut self, typed: &str, provider: &super::Provider) -> (Answer, String) {
        let answer = self.post("/login", &[("identifier", typed)]).await;
        let pushed = provider.forms("par");
        let state = pushed.last().map(|form| form["state"].clone());
        (answer, state.unwrap_or_default())
    }

    /// Comes back from the PDS.
    pub async fn come_back(&mut self, query: &[(&str, &str)]) -> Answer {
        let mut url = Url::parse(&format!("{}/oauth/callback", self.site)).expect("a URL");
        url.query_pairs_mut().extend_pairs(query);
        self.send(self.client.get(url).header("sec-fetch-site", "cross-site"))
            .await
    }

    /// The whole way in.
    pub async fn log_in(&mut self, provider: &super::Provider) -> Answer {
        let (begun, state) = self.begin(&provider.did, provider).await;
        assert_eq!(begun.status, 303, "{begun:#?}");
        let iss = &provider.origin;
        let back = self
            .come_back(&[("state", &state), ("iss", iss), ("code", "secret-code")])
            .await;
        assert_eq!(
            (back.status, back.header("location")),
            (303, "/account"),
            "{back:#?}"
        );
        back
    }

    async fn send(&mut self, request: RequestBuilder) -> Answer {
        let cookies: Vec<_> = self
            .cookies
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let request = match cookies.is_empty() {
            true => request,
            false => request.header("cookie", cookies.join("; ")),
        };
        let answer = Answer::read(request.send().await.expect("the server answers")).await;
        for cookie in answer.headers.get_all("set-cookie") {
            let text = cookie.to_str().expect("text");
            let (name, rest) = text.split_once('=').expect("a pair");
            let value = rest.split(';').next().expect("a value");
            match text.contains("Max-Age=0") {
                true => self.cookies.remove(name),
                false => self.cookies.insert(name.to_owned(), value.to_owned()),
            };
        }
        answer
    }
}
