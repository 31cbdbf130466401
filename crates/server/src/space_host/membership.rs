//! Who is on the list of a space changes here and nowhere else, whichever method it is that changes it:
//! credentials end, what waits for an answer is settled, and the owner's receivers are told.

use jiff::Timestamp;
use loggia_storage::{
    HostedSpace, Member, MemberPut, Membership, ProposalKind, SpacePolicy, Write,
};
use loggia_syntax::Did;
use loggia_xrpc::{Failure, Rejection};

use super::{SpaceHost, limits};
use crate::community::{Happened, News};

impl SpaceHost {
    /// Puts somebody on the list of a space that is held, or changes what they may do. Who may no longer
    /// read keeps no credential.
    ///
    /// # Errors
    /// The list is full, or the store failed; then the transaction cannot be committed.
    pub(crate) async fn enlist<E>(
        &self,
        tx: &mut Write,
        (space, by): (&HostedSpace, &Did),
        member: Member,
        now: Timestamp,
    ) -> Result<News, Failure<E>> {
        let mut news = News::default();
        let spaces = self.storage.spaces();
        let put = spaces.put_member(tx, &space.uri, &member, limits::MEMBERS, now);
        match put.await? {
            MemberPut::Added => {}
            MemberPut::Changed(before) => {
                if before.read && !member.read && space.read_policy == SpacePolicy::MemberList {
                    news.end(self.revoke(tx, &space.uri, Some(&member.did), now).await?);
                }
                return Ok(news);
            }
            MemberPut::Full => {
                let message = format!("a space has at most {} members", limits::MEMBERS);
                return Err(Rejection::invalid_request(message).into());
            }
        }
        let (told, joined) = ((space, by), (space, &member, by));
        if let Some(settled) = self.settle_by_joining(tx, joined, now).await?
            && settled.new.kind == ProposalKind::JoinRequest
        {
            let happened = [Happened::JoinAccepted(&settled)];
            news.add((&self.storage, tx), told, &happened, now).await?;
        }
        let membership = Membership { member, since: now };
        let happened = [Happened::MemberAdded(&membership)];
        news.add((&self.storage, tx), told, &happened, now).await?;
        Ok(news)
    }

    /// Strikes somebody off the list of a space that is held; none if they are not on it. Where the space
    /// goes by its list, their credentials end.
    ///
    /// # Errors
    /// The store failed; then the transaction cannot be committed.
    pub(crate) async fn dismiss<E>(
        &self,
        tx: &mut Write,
        (space, by): (&HostedSpace, &Did),
        did: &Did,
        now: Timestamp,
    ) -> Result<Option<News>, Failure<E>> {
        let spaces = self.storage.spaces();
        let Some(membership) = spaces.membership_in(tx, &space.uri, did).await? else {
            return Ok(None);
        };
        spaces.remove_member(tx, &space.uri, did).await?;
        let mut news = News::default();
        if space.read_policy == SpacePolicy::MemberList && space.uri.authority() != *did {
            news.end(self.revoke(tx, &space.uri, Some(did), now).await?);
        }
        let happened = [Happened::MemberRemoved(&membership)];
        news.add((&self.storage, tx), (space, by), &happened, now)
            .await?;
        Ok(Some(news))
    }
}
