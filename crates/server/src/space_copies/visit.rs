//! Visiting the host of a space: staying registered there, and reading who has written.

use std::collections::HashMap;

use jiff::Timestamp;
use loggia_api::com::atproto::space::list_repos::{self, ListRepos, Repo};
use loggia_api::com::atproto::space::register_notify::{self, RegisterNotify};
use loggia_api::com::atproto::space::unregister_notify::{self, UnregisterNotify};
use loggia_delivery::{Clock as _, SystemClock};
use loggia_storage::{CopiedSpace, Errand, StorageError, Write};
use loggia_syntax::{Did, SpaceRef, Tid};
use loggia_xrpc::NoBody;
use loggia_xrpc_client::CallError;

use super::asking::AskError;
use super::turn::Turn;
use super::worker::{Syncer, Undone};
use super::{limits, pull};
use crate::errands::chain;

/// What an errand says beside its subject: nothing.
pub(super) const NOTHING: &str = "{}";

impl Syncer {
    /// Registers anew, which lasts for a day, and reads what the list has after what was read before.
    pub(super) async fn visit(&self, errand: &Errand) -> Result<(), Undone> {
        let space = SpaceRef::new(&*errand.subject).map_err(|_| Undone::Subject)?;
        let copies = self.copies.storage.space_copies();
        let Some(copied) = copies.find_space(&space).await? else {
            return self.finish(errand).await;
        };
        if self.is_here(&space).await? {
            return self.visit_here(errand, &copied).await;
        }
        let turn = self.asking.turn(self.asking.space_host(&space).await?)?;
        let ends = self.register(&turn, &space).await?;
        self.list(&turn, copied).await?;
        let mut tx = self.copies.storage.begin().await?;
        let now = SystemClock.now();
        self.try_again(&mut tx, &space, now).await?;
        self.copies.storage.errands().done(&mut tx, errand).await?;
        copies.listed(&mut tx, &space, None, true).await?;
        let next = self.next_visit(ends, now);
        copies.visit_next(&mut tx, &space, next).await?;
        tx.commit().await?;
        self.copies.bell.ring();
        Ok(())
    }

    /// Wants again what was set aside, after its pause: its author may not write for long.
    async fn try_again(
        &self,
        tx: &mut Write,
        space: &SpaceRef,
        now: Timestamp,
    ) -> Result<(), StorageError> {
        let copies = self.copies.storage.space_copies();
        let retries = copies.take_retries(tx, space, now, limits::RETRIES).await?;
        let wanted: Vec<_> = retries
            .into_iter()
            .map(|retry| (retry.author, retry.wanted.unwrap_or_else(pull::anything)))
            .collect();
        self.copies.want_pulls(tx, space, &wanted, now).await
    }

    /// In time to stay registered, and seldom enough to be no burden.
    fn next_visit(&self, ends: Option<Timestamp>, now: Timestamp) -> Timestamp {
        let lasts = ends.map_or(self.between_visits, |ends| ends.duration_since(now));
        let early = (lasts / 2).max(limits::BETWEEN_VISITS);
        now + early.min(self.between_visits)
    }

    /// The end of the registration. A host that refuses it is listed all the same: then news come late.
    async fn register(&self, turn: &Turn, space: &SpaceRef) -> Result<Option<Timestamp>, Undone> {
        let input = || register_notify::Input {
            space: space.clone(),
            service: self.service.clone(),
            extra: Default::default(),
        };
        let authority = space.authority();
        let (meant, limit) = ((space, &authority), limits::PAGE_BYTES);
        let asking = &self.asking;
        let asked = asking.ask::<RegisterNotify>(turn, meant, &(), input, limit);
        match asked.await {
            Ok(output) => {
                let ends = Timestamp::from_microsecond(output.expires_at.unix_micros());
                Ok(ends.ok())
            }
            Err(AskError::Call(CallError::Refused { source, .. })) if source.status != 401 => {
                let (space, error) = (space.as_str(), chain(&source));
                tracing::warn!(
                    space,
                    error,
                    "the host of a space does not register this server"
                );
                Ok(None)
            }
            Err(error) => Err(error.into()),
        }
    }

    async fn list(&self, turn: &Turn, mut copied: CopiedSpace) -> Result<(), Undone> {
        let mut params = list_repos::Params {
            space: copied.space.clone(),
            limit: limits::PAGE,
            cursor: copied.listed.as_ref().map(Tid::to_string),
        };
        let authority = copied.space.authority();
        let mut known = None;
        for _ in 0..limits::LIST_PAGES {
            let meant = (&copied.space, &authority);
            let limit = limits::PAGE_BYTES;
            let asked = self
                .asking
                .ask::<ListRepos>(turn, meant, &params, || NoBody, limit);
            let page = asked.await?;
            let Some(last) = page.repos.last() else {
                return Ok(());
            };
            let last = last.space_rev.clone();
            if !is_in_order(copied.listed.as_ref(), &page.repos) {
                return Err(Undone::Unordered);
            }
            if known.is_none() {
                known = Some(self.known(&copied.space).await?);
            }
            let known = known.as_ref().expect("was set just now");
            self.take(&copied, &page.repos, known, &last).await?;
            copied.listed = Some(last);
            let Some(cursor) = page.cursor else {
                return Ok(());
            };
            params.cursor = Some(cursor);
        }
        Err(Undone::Endless)
    }

    /// The revisions of the copies that there are.
    async fn known(&self, space: &SpaceRef) -> Result<HashMap<Did, Tid>, Undone> {
        let revs = self.copies.storage.space_copies().revs(space).await?;
        Ok(revs.into_iter().collect())
    }

    /// Wants what is not known yet, and keeps up to where the list was read.
    async fn take(
        &self,
        copied: &CopiedSpace,
        repos: &[Repo],
        known: &HashMap<Did, Tid>,
        last: &Tid,
    ) -> Result<(), Undone> {
        let (storage, now) = (&self.copies.storage, SystemClock.now());
        let (mut new, mut wanted) = (Vec::new(), Vec::new());
        for repo in repos {
            let is_known = known
                .get(&repo.did)
                .is_some_and(|rev| *rev >= repo.repo_rev);
            if !is_known && !self.copies.accounts.hosts(&repo.did).await? {
                wanted.push((repo.did.clone(), pull::wanted(&repo.repo_rev)));
                new.push(repo.did.clone());
            }
        }
        let copies = storage.space_copies();
        let mut tx = storage.begin().await?;
        if !copies.begin(&mut tx, copied, &new).await? {
            return Err(Undone::Crowded);
        }
        self.copies
            .want_pulls(&mut tx, &copied.space, &wanted, now)
            .await?;
        copies
            .listed(&mut tx, &copied.space, Some(last), false)
            .await?;
        tx.commit().await?;
        self.copies.bell.ring();
        Ok(())
    }

    /// Ends the registration for a space that nobody here asks for any more.
    pub(super) async fn leave(&self, errand: &Errand) -> Result<(), Undone> {
        let space = SpaceRef::new(&*errand.subject).map_err(|_| Undone::Subject)?;
        if self
            .copies
            .storage
            .space_copies()
            .find_space(&space)
            .await?
            .is_some()
        {
            // Somebody asks for it again.
            return self.finish(errand).await;
        }
        if self.is_here(&space).await? {
            return self.finish(errand).await;
        }
        let turn = self.asking.turn(self.asking.space_host(&space).await?)?;
        let input = || unregister_notify::Input {
            space: space.clone(),
            service: self.service.clone(),
            extra: Default::default(),
        };
        let authority = space.authority();
        let meant = (&space, &authority);
        let limit = limits::PAGE_BYTES;
        let asked = self
            .asking
            .ask::<UnregisterNotify>(&turn, meant, &(), input, limit);
        asked.await?;
        self.copies.purse.forget(&space);
        self.finish(errand).await
    }
}

/// Whether a page goes up, from after what was listed before.
fn is_in_order(listed: Option<&Tid>, repos: &[Repo]) -> bool {
    let first = repos.first().map(|repo| &repo.space_rev);
    listed.is_none_or(|listed| first.is_none_or(|first| first > listed))
        && repos.is_sorted_by(|one, next| one.space_rev < next.space_rev)
}
