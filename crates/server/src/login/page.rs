//! The pages: plain HTML that needs no script, readable on a phone and by a screen reader.

use std::sync::LazyLock;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

use super::Site;
use super::error::Told;

const STYLE: &str = include_str!("page.css");

/// The hash by which the policy knows our style and no other.
static STYLE_HASH: LazyLock<String> = LazyLock::new(|| STANDARD.encode(Sha256::digest(STYLE)));

/// The form where a login begins.
pub struct LoginForm<'a> {
    /// What was typed before.
    pub typed: &'a str,
    /// Where to go afterwards.
    pub return_to: &'a str,
    /// What to say above it.
    pub notice: Notice<'a>,
}

/// What a form says above its fields.
pub enum Notice<'a> {
    /// Nothing.
    None,
    /// Something good.
    Done(&'a str),
    /// Why it did not work, and what to do.
    Failed(&'a Told),
}

/// The login form.
pub fn login(site: &Site, status: StatusCode, form: &LoginForm<'_>) -> Response {
    let notice = match form.notice {
        Notice::None => String::new(),
        Notice::Done(text) => format!("<p class=\"done\" role=\"status\">{}</p>", escaped(text)),
        Notice::Failed(told) => failure(told),
    };
    let body = format!(
        "<h1>Log in</h1>{notice}\
         <form method=\"post\" action=\"/login\">\
         <label for=\"identifier\">Your handle or DID</label>\
         <input id=\"identifier\" name=\"identifier\" type=\"text\" value=\"{typed}\" required \
         maxlength=\"2048\" autocomplete=\"username\" autocapitalize=\"none\" autocorrect=\"off\" \
         spellcheck=\"false\" autofocus aria-describedby=\"hint\" placeholder=\"alice.example.com\">\
         <p id=\"hint\">You will be sent to the server that hosts your account. Your password is \
         for that server alone; it is never typed here.</p>\
         <input type=\"hidden\" name=\"return_to\" value=\"{return_to}\">\
         <button type=\"submit\">Continue</button></form>",
        typed = escaped(form.typed),
        return_to = escaped(form.return_to),
    );
    page(site, status, "Log in", &body)
}

/// Who is logged in, and the way out.
pub fn account(site: &Site, did: &str, handle: Option<&str>) -> Response {
    let name = handle.map_or_else(
        || escaped(did),
        |handle| {
            format!(
                "@{}</strong> <span>{}</span><strong>",
                escaped(handle),
                escaped(did)
            )
        },
    );
    let body = format!(
        "<h1>Your account</h1><p>You are logged in as <strong>{name}</strong></p>\
         <form method=\"post\" action=\"/logout\"><button type=\"submit\">Log out</button></form>"
    );
    page(site, StatusCode::OK, "Your account", &body)
}

/// Why something did not work, and the way back.
pub fn failed(site: &Site, told: &Told) -> Response {
    let body = format!(
        "<h1>That did not work</h1>{}<p><a href=\"/login\">To the login</a></p>",
        failure(told)
    );
    page(site, told.status, "That did not work", &body)
}

fn failure(told: &Told) -> String {
    format!(
        "<div class=\"failed\" role=\"alert\"><p><strong>{}</strong></p><p>{}</p></div>",
        escaped(&told.what),
        escaped(&told.advice)
    )
}

fn page(site: &Site, status: StatusCode, title: &str, body: &str) -> Response {
    let html = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>{title} · Loggia</title>\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <style>{STYLE}</style></head><body><main>{body}</main></body></html>"
    );
    let kind = [(header::CONTENT_TYPE, "text/html; charset=utf-8")];
    guarded(site, (status, kind, html).into_response())
}

/// Sends a browser elsewhere with GET.
pub fn see_other(site: &Site, location: &str) -> Response {
    match HeaderValue::try_from(location) {
        Ok(location) => {
            let moved = (StatusCode::SEE_OTHER, [(header::LOCATION, location)]);
            guarded(site, moved.into_response())
        }
        Err(_) => guarded(site, StatusCode::INTERNAL_SERVER_ERROR.into_response()),
    }
}

/// What every answer of these routes carries: nothing is loaded, framed, kept or told to others.
pub fn guarded(site: &Site, mut response: Response) -> Response {
    // The form's answer leads to the person's own server, which browsers hold to `form-action` too.
    let forms = if site.secure {
        "'self' https:"
    } else {
        "'self' https: http:"
    };
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{}'; form-action {forms}; base-uri 'none'; \
         frame-ancestors 'none'",
        *STYLE_HASH
    );
    let policy = HeaderValue::try_from(policy).expect("base64 is header text");
    let fixed = [
        (header::CACHE_CONTROL, "no-store"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
    ];
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    for (name, value) in fixed {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if site.secure {
        let year = HeaderValue::from_static("max-age=31536000");
        headers.insert(header::STRICT_TRANSPORT_SECURITY, year);
    }
    response
}

fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            c => safe.push(c),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_wrote_is_text() {
        let text = r#"<script>alert("1" + '2')</script>&amp;"#;
        let safe = escaped(text);
        assert!(!safe.contains(['<', '>', '"', '\'']), "{safe}");
        assert!(safe.ends_with("&amp;amp;"), "{safe}");
    }

    #[test]
    fn every_answer_is_guarded() {
        let site = Site {
            origin: "https://hub.example".to_owned(),
            secure: true,
        };
        let told = Told {
            status: StatusCode::BAD_GATEWAY,
            what: "<b>".to_owned(),
            advice: String::new(),
        };
        let form = LoginForm {
            typed: "\"><script>",
            return_to: "/",
            notice: Notice::Failed(&told),
        };
        for response in [
            login(&site, StatusCode::OK, &form),
            account(&site, "did:web:a.example", None),
            failed(&site, &told),
            see_other(&site, "https://pds.example/"),
            see_other(&site, "a\nb"),
        ] {
            let policy = response.headers()[header::CONTENT_SECURITY_POLICY].to_str();
            let policy = policy.expect("text");
            assert!(
                policy.starts_with("default-src 'none'; style-src 'sha256-"),
                "{policy}"
            );
            assert!(policy.ends_with("frame-ancestors 'none'"), "{policy}");
            assert_eq!(response.headers()[header::REFERRER_POLICY], "no-referrer");
            assert_eq!(response.headers()[header::CACHE_CONTROL], "no-store");
        }
    }
}
