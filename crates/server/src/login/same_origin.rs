//! Whether a request that changes something was made by a page of this site.
//!
//! Browsers say where a request comes from in headers that no page can forge. A request without any
//! of them is refused: it may come from a browser too old to say, or be made by a program, which can
//! say it.

use axum::http::{HeaderMap, HeaderName, Method, header};

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Whether the request may do what it asks for: it changes nothing, or comes from `origin`.
pub fn allows(method: &Method, headers: &HeaderMap, origin: &str) -> bool {
    if matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS) {
        return true;
    }
    let only = |name| {
        let mut values = headers.get_all(name).iter();
        let first = values.next();
        first.filter(|_| values.next().is_none())
    };
    // `Origin` may be `null` on our own pages, which have no referrer: the browser's verdict first.
    if headers.contains_key(SEC_FETCH_SITE) {
        return only(SEC_FETCH_SITE).is_some_and(|site| site == "same-origin");
    }
    only(header::ORIGIN).is_some_and(|from| from == origin)
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    const HERE: &str = "https://hub.example";

    fn allowed(method: Method, headers: &[(&'static str, &'static str)]) -> bool {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, HeaderValue::from_static(value));
        }
        allows(&method, &map, HERE)
    }

    #[test]
    fn pages_of_this_site_may() {
        assert!(allowed(Method::POST, &[("sec-fetch-site", "same-origin")]));
        let null = [("sec-fetch-site", "same-origin"), ("origin", "null")];
        assert!(allowed(Method::POST, &null));
        assert!(allowed(Method::POST, &[("origin", HERE)]));
        assert!(allowed(Method::GET, &[("sec-fetch-site", "cross-site")]));
    }

    #[test]
    fn nobody_else_may() {
        for headers in [
            &[][..],
            &[("sec-fetch-site", "cross-site")],
            &[("sec-fetch-site", "same-site"), ("origin", HERE)],
            &[("sec-fetch-site", "none")],
            &[
                ("sec-fetch-site", "same-origin"),
                ("sec-fetch-site", "cross-site"),
            ],
            &[("origin", "null")],
            &[("origin", "http://hub.example")],
            &[("origin", "https://hub.example.evil.example")],
            &[("origin", HERE), ("origin", "https://evil.example")],
        ] {
            assert!(!allowed(Method::POST, headers), "{headers:?}");
            assert!(!allowed(Method::DELETE, headers), "{headers:?}");
        }
    }
}
