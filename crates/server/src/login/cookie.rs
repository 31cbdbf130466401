//! The two cookies: one binds a login to the browser that began it, one stands for a session.
//!
//! A cookie is a random id and its signature. The store knows only the id's hash, so that neither a
//! stolen database nor a guess makes a cookie; the signature spares it the questions about guesses.

use std::fmt;

use axum::http::{HeaderMap, HeaderValue, header};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::Site;
use crate::derived::{Purpose, derive};

/// How many cookies of one name are looked at: some browsers send one for each path or domain.
const MOST: usize = 4;

/// What a cookie is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Binds a login that is under way to its browser. Lives as long as such a login.
    Attempt,
    /// Stands for a session.
    Session,
}

impl Kind {
    fn plain_name(self) -> &'static str {
        match self {
            Self::Attempt => "loggia_login",
            Self::Session => "loggia_session",
        }
    }

    /// Seconds that the browser keeps it: a session as long as any lasts. It ends earlier if nobody comes
    /// by, which the store decides.
    fn max_age(self) -> u32 {
        match self {
            Self::Attempt => 10 * 60,
            Self::Session => 180 * 24 * 60 * 60,
        }
    }
}

/// The random part of a cookie.
#[derive(Clone, PartialEq, Eq)]
pub struct CookieId(Zeroizing<[u8; 32]>);

impl CookieId {
    /// The id made of these random bytes.
    pub fn new(random: [u8; 32]) -> Self {
        Self(Zeroizing::new(random))
    }

    /// By what the store knows it.
    pub fn hash(&self) -> [u8; 32] {
        Sha256::digest(&self.0[..]).into()
    }
}

impl fmt::Debug for CookieId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CookieId(…)")
    }
}

/// Makes cookies and recognizes its own.
#[derive(Clone)]
pub struct Cookies {
    key: Zeroizing<[u8; 32]>,
    secure: bool,
}

impl Cookies {
    /// Signs with a key that is derived from the master key.
    pub fn new(master_key: &[u8; 32], site: &Site) -> Self {
        Self {
            key: derive(master_key, Purpose::Cookies),
            secure: site.secure,
        }
    }

    /// The name of a cookie. With the prefix, browsers take it only over https and for this host.
    pub fn name(&self, kind: Kind) -> String {
        let prefix = if self.secure { "__Host-" } else { "" };
        format!("{prefix}{}", kind.plain_name())
    }

    /// `Set-Cookie` that gives a browser this cookie.
    pub fn give(&self, kind: Kind, id: &CookieId) -> HeaderValue {
        let signature = self.mac(kind, id).finalize().into_bytes();
        let (id, signature) = (
            URL_SAFE_NO_PAD.encode(&id.0[..]),
            URL_SAFE_NO_PAD.encode(signature),
        );
        self.header(kind, &format!("{id}.{signature}"), kind.max_age())
    }

    /// `Set-Cookie` that takes it away.
    pub fn take_away(&self, kind: Kind) -> HeaderValue {
        self.header(kind, "", 0)
    }

    fn header(&self, kind: Kind, value: &str, max_age: u32) -> HeaderValue {
        let name = self.name(kind);
        let secure = if self.secure { "; Secure" } else { "" };
        let text =
            format!("{name}={value}; Path=/; Max-Age={max_age}; HttpOnly; SameSite=Lax{secure}");
        let mut header = HeaderValue::try_from(text).expect("base64url is header text");
        header.set_sensitive(true);
        header
    }

    /// The cookie of this kind that the browser sent, if we made it.
    pub fn read(&self, kind: Kind, headers: &HeaderMap) -> Option<CookieId> {
        let name = self.name(kind);
        let lines = headers.get_all(header::COOKIE).iter();
        let pairs = lines
            .filter_map(|line| line.to_str().ok())
            .flat_map(|line| line.split(';'));
        pairs
            .filter_map(|pair| pair.trim().split_once('='))
            .filter(|(found, _)| *found == name)
            .take(MOST)
            .find_map(|(_, value)| self.verify(kind, value))
    }

    fn verify(&self, kind: Kind, value: &str) -> Option<CookieId> {
        let (id, signature) = value.split_once('.')?;
        let id = CookieId::new(URL_SAFE_NO_PAD.decode(id).ok()?.try_into().ok()?);
        let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
        self.mac(kind, &id).verify_slice(&signature).ok()?;
        Some(id)
    }

    fn mac(&self, kind: Kind, id: &CookieId) -> Hmac<Sha256> {
        mac(&self.key, &[kind.plain_name().as_bytes(), &id.0[..]])
    }
}

fn mac(key: &[u8; 32], parts: &[&[u8]]) -> Hmac<Sha256> {
    let mut mac = <Hmac<Sha256> as KeyInit>::new_from_slice(key).expect("any key fits");
    for part in parts {
        mac.update(part);
        mac.update(b"\0");
    }
    mac
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cookies(master_key: u8, secure: bool) -> Cookies {
        let site = Site {
            origin: String::new(),
            secure,
        };
        Cookies::new(&[master_key; 32], &site)
    }

    fn sent(text: &str) -> HeaderMap {
        let value = HeaderValue::from_str(text).expect("header text");
        HeaderMap::from_iter([(header::COOKIE, value)])
    }

    /// What a browser sends back of a `Set-Cookie`.
    fn pair(header: &HeaderValue) -> String {
        let text = header.to_str().expect("text");
        text.split(';').next().expect("a pair").to_owned()
    }

    #[test]
    fn a_cookie_is_kept_from_scripts_and_other_sites() {
        let id = CookieId::new([1; 32]);
        let given = cookies(1, true).give(Kind::Session, &id);
        let text = given.to_str().expect("text");
        assert!(text.starts_with("__Host-loggia_session="), "{text}");
        let rest = "; Path=/; Max-Age=15552000; HttpOnly; SameSite=Lax; Secure";
        assert!(text.ends_with(rest), "{text}");
        let given = cookies(1, false).give(Kind::Attempt, &id);
        let text = given.to_str().expect("text");
        assert!(text.starts_with("loggia_login="), "{text}");
        assert!(
            text.ends_with("; Max-Age=600; HttpOnly; SameSite=Lax"),
            "{text}"
        );
    }

    #[test]
    fn only_our_own_are_read_and_only_for_what_they_are() {
        let (ours, others) = (cookies(1, true), cookies(2, true));
        let id = CookieId::new([1; 32]);
        let pair = pair(&ours.give(Kind::Session, &id));
        let read = |cookies: &Cookies, text: &str| cookies.read(Kind::Session, &sent(text));
        assert_eq!(read(&ours, &pair), Some(id.clone()));
        assert_eq!(read(&ours, &format!("a=b; {pair}; c")), Some(id.clone()));
        assert_eq!(
            read(&ours, &format!("__Host-loggia_session=x.y; {pair}")),
            Some(id)
        );
        assert_eq!(read(&others, &pair), None, "another key");
        assert_eq!(read(&ours, &pair.replace("_session", "_login")), None);
        assert_eq!(ours.read(Kind::Attempt, &sent(&pair)), None);
        let renamed = pair.replace("_session", "_login");
        assert_eq!(
            ours.read(Kind::Attempt, &sent(&renamed)),
            None,
            "another kind"
        );
        for text in [
            "",
            "__Host-loggia_session",
            "__Host-loggia_session=",
            "=",
            ".",
        ] {
            assert_eq!(read(&ours, text), None, "{text}");
        }
    }

    #[test]
    fn any_changed_character_spoils_it() {
        let ours = cookies(1, false);
        let pair = pair(&ours.give(Kind::Session, &CookieId::new([7; 32])));
        let start = "loggia_session=".len();
        for at in start..pair.len() {
            let mut changed = pair.clone().into_bytes();
            changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(changed).expect("ASCII");
            assert_eq!(ours.read(Kind::Session, &sent(&changed)), None, "{at}");
        }
    }
}
