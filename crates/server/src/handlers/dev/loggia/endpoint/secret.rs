//! What an endpoint's requests are to be signed with.

use loggia_delivery::{InvalidSecret, Profile, Secret};

use crate::chance;

/// Why an endpoint cannot have a secret.
#[derive(Debug, thiserror::Error)]
pub enum Unusable {
    /// Its text.
    #[error("`secret`: {0}")]
    Text(InvalidSecret),
    /// A key pair is made by the server only, so that its private half was never anywhere else.
    #[error("`secret`: a key pair is made by the server: leave it out")]
    KeyPair,
    /// The receivers of the profile verify with a shared secret of their own.
    #[error("`signature`: receivers of the profile {0} verify with a shared secret only")]
    Profile(&'static str),
}

/// The secret that was given, or a new one.
pub fn secret(profile: Profile, key_pair: bool, given: Option<&str>) -> Result<Secret, Unusable> {
    let secret = match (given, key_pair) {
        (Some(_), true) => return Err(Unusable::KeyPair),
        (Some(text), false) => read(profile, text)?,
        (None, true) => Secret::generate_ed25519(chance::bytes()),
        (None, false) => Secret::generate(chance::bytes()),
    };
    match profile.takes(&secret) {
        true => Ok(secret),
        false => Err(Unusable::Profile(profile.as_str())),
    }
}

/// What is shown of a new secret: the shared secret itself, or the public half of a key pair.
pub fn shown(secret: &Secret) -> (Option<String>, Option<String>) {
    match secret.public_key() {
        Some(public) => (None, Some(public.to_text())),
        None => (Some(secret.to_text().to_string()), None),
    }
}

/// Other systems take any text for a secret; ours has one form.
fn read(profile: Profile, text: &str) -> Result<Secret, Unusable> {
    let secret = match Secret::from_text(text) {
        Ok(secret) => secret,
        Err(error) if profile == Profile::Standard => return Err(Unusable::Text(error)),
        Err(_) => Secret::plain(text).map_err(Unusable::Text)?,
    };
    match secret.public_key() {
        Some(_) => Err(Unusable::KeyPair),
        None => Ok(secret),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_profile_takes_the_secrets_that_its_receivers_can_use() {
        let ours = Secret::generate([7; 32]).to_text();
        let pair = Secret::generate_ed25519([7; 32]).to_text();
        let fits = |profile, key_pair, given| secret(profile, key_pair, given).is_ok();
        for profile in [
            Profile::Wisp,
            Profile::Wisp2,
            Profile::Hapnd,
            Profile::Bettermode,
        ] {
            assert!(fits(profile, false, None) && fits(profile, false, Some("hush")));
            assert!(fits(profile, false, Some(&ours)));
            assert!(!fits(profile, true, None), "{profile:?}");
            assert!(!fits(profile, false, Some(&pair)), "{profile:?}");
        }
        assert!(fits(Profile::Standard, true, None) && fits(Profile::Standard, false, Some(&ours)));
        assert!(!fits(Profile::Standard, false, Some("hush")));
        assert!(!fits(Profile::Standard, false, Some(&pair)));
        assert!(!fits(Profile::Standard, true, Some(&ours)));
        assert!(!fits(Profile::Stream, false, Some("")));
    }
}
