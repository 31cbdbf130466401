//! An access token on its way to a verifier, hashed and taken apart once.

use serde::Deserialize;

use super::AccessError as Error;
use super::claims::Claims;
use crate::hashed::HashedToken;
use crate::jws::{Compact, JwsError, LONGEST};

/// A token that somebody has shown. Nothing in it is proved.
#[derive(Debug)]
pub struct PresentedToken<'a> {
    hashed: HashedToken<'a>,
    /// None if it is no JWS.
    jws: Option<Jws<'a>>,
}

#[derive(Debug)]
struct Jws<'a> {
    parsed: Compact<'a>,
    /// None if they are not those of an access token; its verifier says what is wrong with them.
    claims: Option<Claims>,
}

impl<'a> PresentedToken<'a> {
    /// Takes a token apart, if it can be: one that is no JWS is no error.
    pub fn parse(token: &'a str) -> Result<Self, Error> {
        Self::whole(HashedToken::new(token))?.take_apart()
    }

    /// A token of the right form, not taken apart: it may be one that was seen before.
    pub(super) fn whole(hashed: HashedToken<'a>) -> Result<Self, Error> {
        check_form(hashed.text())?;
        Ok(Self { hashed, jws: None })
    }

    pub(super) fn take_apart(mut self) -> Result<Self, Error> {
        let text = self.hashed.text();
        if text.split('.').count() == 3 {
            let parsed = Compact::parse(text).map_err(|error| Error::Malformed(Some(error)))?;
            let claims = parsed.claims().ok();
            self.jws = Some(Jws { parsed, claims });
        }
        Ok(self)
    }

    /// The token as it came.
    pub fn as_str(&self) -> &'a str {
        self.hashed.text()
    }

    /// The issuer that it names, which proves nothing; none if it is no JWS at all.
    pub(super) fn unverified_issuer(&self) -> Result<Option<String>, Error> {
        #[derive(Deserialize)]
        struct Issuer {
            iss: String,
        }
        match &self.jws {
            None => Ok(None),
            Some(Jws {
                claims: Some(claims),
                ..
            }) => Ok(Some(claims.iss.clone())),
            Some(Jws { parsed, .. }) => {
                let claims: Issuer = parsed.claims().map_err(Error::Claims)?;
                Ok(Some(claims.iss))
            }
        }
    }

    pub(super) fn hashed(&self) -> &HashedToken<'a> {
        &self.hashed
    }

    /// The token for a verifier that knows only JWS, its type checked, and its claims.
    pub(super) fn into_jws(self) -> Result<(Compact<'a>, Claims), Error> {
        let Some(Jws { parsed, claims }) = self.jws else {
            return Err(Error::Malformed(Some(JwsError::Segments)));
        };
        Claims::check_type(&parsed)?;
        match claims {
            Some(claims) => Ok((parsed, claims)),
            None => {
                let claims = parsed.claims().map_err(Error::Claims)?;
                Ok((parsed, claims))
            }
        }
    }
}

/// What a `DPoP` header may carry (RFC 9110, token68).
fn check_form(token: &str) -> Result<(), Error> {
    if token.is_empty() || token.len() > LONGEST || !token.bytes().all(is_token68) {
        return Err(Error::Malformed(None));
    }
    Ok(())
}

fn is_token68(byte: u8) -> bool {
    /// Worked out beforehand: a token has hundreds of bytes.
    const TAKEN: [bool; 256] = {
        let mut taken = [false; 256];
        let mut byte = 0;
        while byte < taken.len() {
            taken[byte] = (byte as u8).is_ascii_alphanumeric()
                || matches!(byte as u8, b'-' | b'.' | b'_' | b'~' | b'+' | b'/' | b'=');
            byte += 1;
        }
        taken
    };
    TAKEN[usize::from(byte)]
}
