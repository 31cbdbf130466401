//! People who log in, are logged in, and log out: OAuth on one side, the store on the other.

mod attempt;
mod session;

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use loggia_auth::SigningKey;
use loggia_storage::Storage;
use loggia_xrpc_server::CallerKey;
use tokio::sync::Mutex;

pub use attempt::{LoggedInNow, Returned};
pub use session::{MOST_SESSIONS, SESSION_LIFETIME};

use super::accounts::Accounts;
use super::cookie::Cookies;
use super::oauth::{Client, Exchange};
use super::{LoginError, Site};
use crate::at_once::AtOnce;

/// Conversations with other servers at once, of each kind; more are told to come back.
const MOST_TALKS: usize = 64;
/// How many of them may be of one caller, whose server may never answer. 4: a household behind one
/// address, or an account with several browsers.
const MOST_TALKS_OF_ONE: usize = 4;
/// How long one step of a login may take altogether; each request in it has its own deadline.
const TALK_TIMEOUT: Duration = Duration::from_secs(25);
/// Locks for refreshing. Sessions share them; two that do wait for each other and no more.
const LOCKS: usize = 64;

/// Everybody who logs in here. Cheap to clone.
#[derive(Clone)]
pub struct People {
    pub(super) inner: Arc<Inner>,
}

/// What they are made of.
pub(super) struct Inner {
    pub(super) storage: Storage,
    pub(super) accounts: Accounts,
    pub(super) client: Client,
    pub(super) exchange: Exchange,
    pub(super) cookies: Cookies,
    pub(super) site: Site,
    pub(super) refreshing: [Mutex<()>; LOCKS],
    talks: Talks,
}

/// Conversations with other servers, by what they are for, so that those who only begin cannot keep
/// back those who are about to be logged in.
struct Talks {
    beginnings: AtOnce,
    callbacks: AtOnce,
    /// By account and not by address: whoever logs in ends older sessions of the same account.
    revocations: AtOnce,
}

impl Talks {
    fn new() -> Self {
        let [beginnings, callbacks, revocations] =
            [(); 3].map(|()| AtOnce::new(MOST_TALKS_OF_ONE, MOST_TALKS));
        Self {
            beginnings,
            callbacks,
            revocations,
        }
    }
}

impl People {
    /// Puts the parts together. `key` is that of a published client, which a development server is
    /// not.
    pub fn new(
        storage: Storage,
        accounts: Accounts,
        exchange: Exchange,
        cookies: Cookies,
        site: Site,
        key: Option<SigningKey>,
    ) -> Self {
        let client = match key {
            Some(key) => Client::published(&site.origin, key),
            None => Client::loopback(&site.origin),
        };
        Self {
            inner: Arc::new(Inner {
                storage,
                accounts,
                client,
                exchange,
                cookies,
                site,
                refreshing: std::array::from_fn(|_| Mutex::default()),
                talks: Talks::new(),
            }),
        }
    }

    /// Who we are to authorization servers.
    pub fn client(&self) -> &Client {
        &self.inner.client
    }

    /// Where the pages are.
    pub fn site(&self) -> &Site {
        &self.inner.site
    }

    /// Makes and reads the cookies.
    pub fn cookies(&self) -> &Cookies {
        &self.inner.cookies
    }

    /// One of the few conversations with other servers, within its time.
    async fn talk<T>(
        talks: &AtOnce,
        caller: Option<CallerKey>,
        talking: impl Future<Output = Result<T, LoginError>>,
    ) -> Result<T, LoginError> {
        let _place = talks.enter(caller).ok_or(LoginError::Busy)?;
        let talked = tokio::time::timeout(TALK_TIMEOUT, talking).await;
        talked.unwrap_or(Err(LoginError::Busy))
    }
}
