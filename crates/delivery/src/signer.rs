//! Tokens that an attempt needs and this crate cannot mint.

use std::error::Error;
use std::fmt;
use std::future::Future;
use std::pin::Pin;

use jiff::Timestamp;
use zeroize::Zeroizing;

use crate::Due;

/// What [`Signer::service_auth`] answers.
pub type Minting<'a> = Pin<Box<dyn Future<Output = Result<ServiceAuth, Unsigned>> + Send + 'a>>;

/// Mints what proves to a service who calls it. Implemented where the keys are.
pub trait Signer: Send + Sync + 'static {
    /// A token for one attempt at `now` to call the method that the notification's kind names, at the
    /// service that the endpoint is. It is minted within the time that the attempt may take.
    fn service_auth<'a>(&'a self, due: &'a Due, now: Timestamp) -> Minting<'a>;

    /// Another token for the same attempt, after the receiver has refused the first one with this
    /// status; none if there is nothing else to try, as there is not unless this says so.
    fn another<'a>(&'a self, due: &'a Due, status: u16, now: Timestamp) -> Option<Minting<'a>> {
        let _ = (due, status, now);
        None
    }
}

/// A service auth token, as it goes after `Bearer `.
pub struct ServiceAuth(pub Zeroizing<String>);

impl fmt::Debug for ServiceAuth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ServiceAuth(…)")
    }
}

/// No token could be minted. The attempt has failed then, and is made again later.
#[derive(Debug, thiserror::Error)]
#[error("no service auth for a delivery")]
pub struct Unsigned(#[source] pub Box<dyn Error + Send + Sync>);

/// For engines without profiles that need a token: mints none.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoSigner;

/// What [`NoSigner`] has to say.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("this engine has nobody to sign for it")]
struct Nobody;

impl Signer for NoSigner {
    fn service_auth<'a>(&'a self, _: &'a Due, _: Timestamp) -> Minting<'a> {
        Box::pin(std::future::ready(Err(Unsigned(Box::new(Nobody)))))
    }
}
