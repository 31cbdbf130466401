//! Closing spaces: that one is gone holds from the first transaction on, in which those who are registered
//! hear of it. What belonged to it, of which there may be very much, goes in parts, and goes on after a
//! restart; until then no space of its name can be opened.

use std::future::Future;
use std::str::FromStr;
use std::time::Duration;

use jiff::Timestamp;
use loggia_delivery::{Clock as _, SystemClock};
use loggia_storage::{Errand, HostedSpace, Spaces, StorageError, UnknownRule, Write};
use loggia_syntax::{Did, SpaceRef};
use serde::{Deserialize, Serialize};

use super::SpaceHost;
use crate::community::{self, Happened, News, NewsError};
use crate::space_copies::SpaceCopies;
use crate::space_hub::{self, Void};
use crate::space_notices::{NotifyError, Told};
use crate::{chance, errands};

/// Between two looks.
const LOOK: Duration = Duration::from_secs(1);
/// Spaces that are looked at in one go.
const BATCH: u32 = 16;
/// Credentials that one transaction takes back.
const CREDENTIALS: u32 = 100;
/// Rows of a kind that one transaction removes.
const ROWS: u32 = 2_000;

/// What an errand that finishes the closing of a space has to know of it.
#[derive(Debug, Deserialize, Serialize)]
struct Closing {
    read_policy: String,
    write_policy: String,
    app_access: String,
    /// Milliseconds since 1970.
    created_at: i64,
    /// See [`Closing::created_at`].
    updated_at: i64,
    /// Who closed it.
    by: Did,
    /// How many calls there have been that its credentials are void.
    calls: usize,
}

/// Closes spaces.
struct Closer<'a>(&'a SpaceCopies);

/// A space that is closed in a transaction that is not committed yet.
#[must_use = "commit, then deliver"]
pub(crate) struct Closed<'a> {
    told: Told<'a>,
    news: News,
}

/// Why a space is not closed, or not further.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotClosed {
    #[error("the database failed")]
    Storage(#[from] StorageError),
    #[error(transparent)]
    News(#[from] NewsError),
    #[error(transparent)]
    Notify(#[from] NotifyError),
    #[error("what is left of the space cannot be read")]
    Payload(#[from] serde_json::Error),
    #[error("a rule that the space had cannot be read")]
    Rule(#[from] UnknownRule),
    #[error("the space's name cannot be read")]
    Name,
}

/// Removes what is left of closed spaces until `shutdown` ends. Several nodes may: a part is done by whoever
/// takes its errand.
pub(crate) async fn finish_closing(copies: SpaceCopies, shutdown: impl Future<Output = ()>) {
    let closer = Closer(&copies);
    tokio::select! {
        () = shutdown => {}
        () = closer.finish_all() => {}
    }
}

impl Closing {
    fn of(space: &HostedSpace, by: &Did) -> Self {
        Self {
            read_policy: space.read_policy.to_string(),
            write_policy: space.write_policy.to_string(),
            app_access: space.app_access.to_string(),
            created_at: space.created_at.as_millisecond(),
            updated_at: space.updated_at.as_millisecond(),
            by: by.clone(),
            calls: 0,
        }
    }

    /// The space as it was.
    fn space(&self, uri: SpaceRef) -> Result<HostedSpace, NotClosed> {
        let time = |millis| Timestamp::from_millisecond(millis).unwrap_or(Timestamp::UNIX_EPOCH);
        Ok(HostedSpace {
            uri,
            read_policy: FromStr::from_str(&self.read_policy)?,
            write_policy: FromStr::from_str(&self.write_policy)?,
            app_access: FromStr::from_str(&self.app_access)?,
            created_at: time(self.created_at),
            updated_at: time(self.updated_at),
        })
    }
}

impl Closed<'_> {
    /// Starts telling of it, after the commit.
    pub(crate) async fn deliver(self, host: &SpaceHost) {
        self.told.deliver();
        self.news.deliver(&host.notices.engine).await;
    }
}

impl SpaceHost {
    /// Closes a space that is held: see [`Closer::close`].
    pub(crate) async fn close(
        &self,
        tx: &mut Write,
        told: (&HostedSpace, &Did),
        now: Timestamp,
    ) -> Result<Closed<'_>, NotClosed> {
        Closer(&self.copies).close(tx, told, now).await
    }
}

impl<'a> Closer<'a> {
    /// Closes a space that is held: with its members and what waits for an answer, its credentials, its
    /// sequence and what its owner has in it. All of it at once if that is little.
    async fn close(
        &self,
        tx: &mut Write,
        (space, by): (&HostedSpace, &Did),
        now: Timestamp,
    ) -> Result<Closed<'a>, NotClosed> {
        self.0
            .storage
            .spaces()
            .hold_contents(tx, &space.uri)
            .await?;
        // Readers hear of the end before what they have registered ends.
        let told = space_hub::deleted(&self.0.notices, tx, &space.uri, now).await?;
        let (mut news, mut closing) = (News::default(), Closing::of(space, by));
        let most = community::limits::AT_ONCE;
        let spaces = self.0.storage.spaces();
        let members = spaces.memberships_in(tx, &space.uri, "", most).await?;
        let mut happened: Vec<_> = members.iter().map(Happened::MemberRemoved).collect();
        // It says how many members there were: they are still there.
        happened.push(Happened::SpaceDeleted);
        news.add((&self.0.storage, tx), (space, by), &happened, now)
            .await?;
        let proposals = self.0.storage.proposals();
        proposals.delete_space(tx, &space.uri).await?;
        spaces.strike(tx, &space.uri, &members).await?;
        spaces.close(tx, &space.uri, now).await?;
        self.0.purse.forget(&space.uri);
        let is_done = members.len() < most as usize
            && self
                .clear(tx, &space.uri, (&mut closing, &mut news), now)
                .await?;
        if !is_done {
            self.go_on(tx, &space.uri, &closing, now).await?;
        }
        Ok(Closed { told, news })
    }

    /// The next part of what is left of a space.
    async fn part(
        &self,
        tx: &mut Write,
        (uri, closing): (&SpaceRef, &mut Closing),
        now: Timestamp,
    ) -> Result<(News, bool), NotClosed> {
        let (mut news, most) = (News::default(), community::limits::AT_ONCE);
        let space = closing.space(uri.clone())?;
        let spaces = self.0.storage.spaces();
        spaces.hold_contents(tx, uri).await?;
        let members = spaces.memberships_in(tx, uri, "", most).await?;
        let happened: Vec<_> = members.iter().map(Happened::MemberRemoved).collect();
        news.add((&self.0.storage, tx), (&space, &closing.by), &happened, now)
            .await?;
        spaces.strike(tx, uri, &members).await?;
        let is_done =
            members.len() < most as usize && self.clear(tx, uri, (closing, &mut news), now).await?;
        Ok((news, is_done))
    }

    /// Takes credentials back, and removes what nobody is told of; whether nothing is left.
    async fn clear(
        &self,
        tx: &mut Write,
        uri: &SpaceRef,
        (closing, news): (&mut Closing, &mut News),
        now: Timestamp,
    ) -> Result<bool, NotClosed> {
        let spaces = self.0.storage.spaces();
        let taken = spaces.revoke_credentials(tx, uri, None, (CREDENTIALS, now));
        let taken = taken.await?;
        let void = Void {
            space: uri,
            credentials: &taken.credentials,
            // They have just heard of the end.
            services: &[],
        };
        closing.calls += space_hub::revoked(&self.0.storage, tx, void, closing.calls, now).await?;
        news.end(taken.endpoints);
        let count: usize = taken.credentials.values().map(Vec::len).sum();
        Ok(count < CREDENTIALS as usize && spaces.clear(tx, uri, ROWS).await?)
    }

    async fn go_on(
        &self,
        tx: &mut Write,
        uri: &SpaceRef,
        closing: &Closing,
        now: Timestamp,
    ) -> Result<(), NotClosed> {
        let payload = serde_json::to_string(closing)?;
        let errands = self.0.storage.errands();
        let put = errands.put(tx, Spaces::CLOSING, uri.as_str(), &payload, now);
        Ok(put.await?)
    }

    async fn finish_all(&self) {
        loop {
            let errands = self.0.storage.errands();
            let due = errands.due(Spaces::CLOSING, SystemClock.now(), BATCH).await;
            let due = due.unwrap_or_else(|error| {
                log(&error, "spaces that are being closed cannot be looked for");
                Vec::new()
            });
            if due.is_empty() {
                tokio::time::sleep(LOOK).await;
            }
            for errand in due {
                if let Err(error) = self.finish_part(&errand).await {
                    self.postpone(&errand, &error).await;
                }
            }
        }
    }

    /// The errand is taken first: whoever does so of several nodes does the part.
    async fn finish_part(&self, errand: &Errand) -> Result<(), NotClosed> {
        let uri = SpaceRef::new(&*errand.subject).map_err(|_| NotClosed::Name)?;
        let mut closing: Closing = serde_json::from_str(&errand.payload)?;
        let now = SystemClock.now();
        let mut tx = self.0.storage.begin().await?;
        let spaces = self.0.storage.spaces();
        spaces.hold(&mut tx, &uri).await?;
        if !self.0.storage.errands().done(&mut tx, errand).await? {
            return Ok(());
        }
        let (news, is_done) = self.part(&mut tx, (&uri, &mut closing), now).await?;
        if !is_done {
            self.go_on(&mut tx, &uri, &closing, now).await?;
        }
        tx.commit().await?;
        news.deliver(&self.0.notices.engine).await;
        Ok(())
    }

    async fn postpone(&self, errand: &Errand, error: &NotClosed) {
        let (space, why) = (&errand.subject, errands::chain(error));
        tracing::error!(space, error = why, "a space cannot be closed further yet");
        let until = errands::next(errand.attempts, SystemClock.now(), chance::number());
        let postponed = self.0.storage.errands().postpone(errand, until, &why).await;
        if let Err(error) = postponed {
            log(&error, "the closing of a space cannot be postponed");
            tokio::time::sleep(LOOK).await;
        }
    }
}

fn log(error: &StorageError, message: &'static str) {
    let error = error as &dyn std::error::Error;
    tracing::error!(error, "{message}");
}
