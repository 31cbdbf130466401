//! Which scopes are to be had.

use loggia_auth::scope::{RpcScope, Scope};

use super::refusal::Refused;
use crate::own_tokens::BASE_SCOPE;

/// The longest text of scopes, in bytes: it becomes part of a token.
const LONGEST: usize = 2048;

/// The families of scopes that mean something at this server. `repo`, `account`, `identity` and
/// `blob` are between an account and its PDS.
const FAMILIES: [&str; 2] = ["rpc", "space"];

/// What a token gets that is asked for with these scopes: these, and the one that every token has. One
/// that is asked for without any may call every method of this server.
pub(super) fn granted(asked: Option<&str>, every_method: &RpcScope) -> Result<String, Refused> {
    let Some(asked) = asked.filter(|asked| !asked.trim().is_empty()) else {
        return Ok(format!("{BASE_SCOPE} {every_method}"));
    };
    if asked.len() > LONGEST {
        let description = format!("the scopes are longer than {LONGEST} bytes");
        return Err(Refused::scope(description));
    }
    let mut granted = vec![BASE_SCOPE];
    for scope in asked.split(' ').filter(|scope| !scope.is_empty()) {
        let family = scope.split([':', '?']).next().unwrap_or_default();
        let known = FAMILIES.contains(&family) && scope.parse::<Scope>().is_ok();
        if !is_token(scope) || !(known || scope == BASE_SCOPE) {
            return Err(Refused::scope(
                "the scopes that are to be had here are atproto, and those of the families rpc and \
                 space",
            ));
        }
        if !granted.contains(&scope) {
            granted.push(scope);
        }
    }
    Ok(granted.join(" "))
}

/// `scope-token` of RFC 6749 §3.3.
fn is_token(scope: &str) -> bool {
    scope
        .bytes()
        .all(|b| matches!(b, 0x21 | 0x23..=0x5b | 0x5d..=0x7e))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn every_method() -> RpcScope {
        RpcScope::every_method_of("did:web:hub.example#loggia").expect("a service")
    }

    #[test]
    fn what_is_asked_for_is_granted_once() {
        let grant = |asked| granted(asked, &every_method()).expect("granted");
        let everything = "atproto rpc:*?aud=did:web:hub.example%23loggia";
        assert_eq!(grant(None), everything);
        assert_eq!(grant(Some("")), everything);
        assert_eq!(grant(Some("atproto")), "atproto");
        let space = "space:com.example.forum?authority=*&action=read";
        let asked = format!("{space} atproto {space} rpc:com.example.call?aud=*");
        assert_eq!(
            grant(Some(&asked)),
            format!("atproto {space} rpc:com.example.call?aud=*")
        );
    }

    #[test]
    fn what_is_not_to_be_had_is_refused() {
        let long = "space:a ".repeat(257);
        for asked in [
            "repo:*",
            "transition:generic",
            "space",
            "rpc",
            "spaces:a",
            "\"",
            "rpc:é",
            &long,
        ] {
            assert!(granted(Some(asked), &every_method()).is_err(), "{asked}");
        }
    }
}
