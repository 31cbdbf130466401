//! Where people meet this server with a browser.

use std::net::SocketAddr;

use axum::http::{HeaderMap, header};

use crate::origin::Origin;

/// The origin of the pages, and what follows from it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Site {
    /// Scheme, host and port, as a browser writes `Origin`.
    pub origin: String,
    /// Whether it is reached over https: its cookies then never travel otherwise.
    pub secure: bool,
}

impl Site {
    /// The site of a published server is its origin. In development it is loopback's address and not
    /// `localhost`: OAuth sends people back to addresses only, and cookies do not cross over.
    pub fn new(origin: &Origin, address: SocketAddr, development: bool) -> Self {
        if !development {
            return Self {
                origin: origin.url.clone(),
                secure: true,
            };
        }
        let host = if address.is_ipv6() {
            "[::1]"
        } else {
            "127.0.0.1"
        };
        Self {
            origin: format!("http://{host}:{}", address.port()),
            secure: false,
        }
    }

    /// Where to send a browser that came to a development server under another name, given the path
    /// and query that it asked for.
    pub fn elsewhere(&self, headers: &HeaderMap, path_and_query: &str) -> Option<String> {
        let host = headers.get(header::HOST)?.to_str().ok()?;
        let right = self.origin.split_once("://").map(|(_, host)| host)?;
        let here = host.eq_ignore_ascii_case(right);
        (!self.secure && !here).then(|| format!("{}{path_and_query}", self.origin))
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;
    use url::Url;

    use super::*;

    #[test]
    fn development_is_at_an_address() {
        let address = SocketAddr::from(([127, 0, 0, 1], 2510));
        let site = Site::new(&Origin::development(2510), address, true);
        assert_eq!(site.origin, "http://127.0.0.1:2510");
        let from = |host: &'static str| {
            let headers = HeaderMap::from_iter([(header::HOST, HeaderValue::from_static(host))]);
            site.elsewhere(&headers, "/login?a=b")
        };
        let there = Some("http://127.0.0.1:2510/login?a=b".to_owned());
        assert_eq!(from("localhost:2510"), there);
        assert_eq!(from("127.0.0.1:2510"), None);
    }

    #[test]
    fn a_published_site_is_its_origin_under_any_name() {
        let url = Url::parse("https://hub.example").expect("a URL");
        let address = SocketAddr::from(([0, 0, 0, 0], 80));
        let site = Site::new(&Origin::public(&url), address, false);
        assert_eq!(
            (site.origin.as_str(), site.secure),
            ("https://hub.example", true)
        );
        let headers = HeaderMap::from_iter([(header::HOST, HeaderValue::from_static("x"))]);
        assert_eq!(site.elsewhere(&headers, "/login"), None);
    }
}
