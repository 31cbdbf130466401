//! Requests to join spaces, and invites.

use jiff::SignedDuration;
use loggia_storage::{
    Member, MemberPut, NewProposal, Proposal, ProposalCaps, ProposalId, ProposalKind,
    ProposalStatus, ProposalsOf, Proposed, Storage,
};
use loggia_syntax::SpaceRef;

use crate::fixture::{Place, START, did, on_both, seconds};

on_both!(
    a_request_waits_and_is_answered_once,
    one_thing_waits_for_an_account_and_a_space,
    requests_have_limits,
    two_answers_at_once_give_one_membership,
    lists_are_newest_first_and_have_an_end,
    a_space_takes_its_proposals_with_it,
    what_is_over_is_forgotten,
    a_request_that_nobody_answers_makes_room,
);

const CAPS: ProposalCaps = ProposalCaps {
    per_space: 4,
    per_account: 3,
    a_day: 2,
};

fn space(skey: &str) -> SpaceRef {
    let text = format!("at://{}/space/com.example.forum/{skey}", did("alice"));
    SpaceRef::new(text).expect("a space")
}

fn request(who: &str, skey: &str) -> NewProposal {
    NewProposal {
        kind: ProposalKind::JoinRequest,
        space: space(skey),
        did: did(who),
        read: true,
        write: true,
        message: Some("hello".to_owned()),
    }
}

async fn propose(storage: &Storage, new: NewProposal, number: u8, at: i64) -> Proposed {
    let mut tx = storage.begin().await.expect("begins");
    storage
        .spaces()
        .hold(&mut tx, &new.space)
        .await
        .expect("holds");
    let id = ProposalId::new(seconds(at), [number; 10]);
    let proposals = storage.proposals();
    let proposed = proposals
        .propose(&mut tx, id, new, &CAPS, seconds(at))
        .await;
    tx.commit().await.expect("commits");
    proposed.expect("runs")
}

async fn made(storage: &Storage, new: NewProposal, number: u8, at: i64) -> Proposal {
    match propose(storage, new, number, at).await {
        Proposed::Done(proposal) => *proposal,
        other => panic!("not made: {other:?}"),
    }
}

async fn settle(
    storage: &Storage,
    waits: &Proposal,
    status: ProposalStatus,
    at: i64,
) -> Option<Proposal> {
    let mut tx = storage.begin().await.expect("begins");
    let by = did("alice");
    let settled = storage
        .proposals()
        .settle(&mut tx, waits.clone(), (status, Some(&by)), seconds(at))
        .await;
    tx.commit().await.expect("commits");
    settled.expect("runs")
}

async fn a_request_waits_and_is_answered_once(place: Place) {
    let storage = place.open().await;
    let waits = made(&storage, request("bob", "a"), 1, 0).await;
    let found = storage.proposals().find(waits.id).await.expect("runs");
    assert_eq!(found.as_ref(), Some(&waits));
    let mut tx = storage.begin().await.expect("begins");
    let within = storage.proposals().find_in(&mut tx, waits.id).await;
    assert_eq!(within.expect("runs").as_ref(), Some(&waits));
    drop(tx);
    let answered = settle(&storage, &waits, ProposalStatus::Declined, 5).await;
    let answered = answered.expect("it waited");
    assert_eq!(answered.status, ProposalStatus::Declined);
    assert_eq!(answered.answered_by, Some(did("alice")));
    let found = storage.proposals().find(waits.id).await.expect("runs");
    assert_eq!(found, Some(answered));
    for again in [
        ProposalStatus::Accepted,
        ProposalStatus::Declined,
        ProposalStatus::Withdrawn,
    ] {
        assert_eq!(settle(&storage, &waits, again, 6).await, None);
    }
}

async fn one_thing_waits_for_an_account_and_a_space(place: Place) {
    let storage = place.open().await;
    let waits = made(&storage, request("bob", "a"), 1, 0).await;
    let invite = NewProposal {
        kind: ProposalKind::Invite,
        write: false,
        message: None,
        ..request("bob", "a")
    };
    for new in [request("bob", "a"), invite.clone()] {
        let again = propose(&storage, new, 2, 1).await;
        assert_eq!(again, Proposed::Waits(Box::new(waits.clone())));
    }
    made(&storage, request("carol", "a"), 3, 1).await;
    made(&storage, request("bob", "b"), 4, 1).await;
    settle(&storage, &waits, ProposalStatus::Withdrawn, 2).await;
    let waits = made(&storage, invite.clone(), 5, 2).await;
    let other = NewProposal {
        write: true,
        message: Some("do come".to_owned()),
        ..invite
    };
    let mut tx = storage.begin().await.expect("begins");
    let proposals = storage.proposals();
    let reworded = proposals
        .reword(&mut tx, waits.clone(), other, seconds(3))
        .await
        .expect("runs");
    tx.commit().await.expect("commits");
    assert_eq!((reworded.id, reworded.new.write), (waits.id, true));
    let found = proposals.find(waits.id).await.expect("runs");
    assert_eq!(found, Some(reworded));
}

async fn requests_have_limits(place: Place) {
    let storage = place.open().await;
    // The same account and space, over and over within a day.
    for number in [1, 2] {
        let waits = made(&storage, request("bob", "a"), number, 0).await;
        settle(&storage, &waits, ProposalStatus::Withdrawn, 0).await;
    }
    let more = propose(&storage, request("bob", "a"), 3, 60).await;
    assert_eq!(more, Proposed::TooMany);
    made(&storage, request("bob", "a"), 4, 90_000).await;
    // Many spaces at once.
    made(&storage, request("bob", "b"), 5, 90_000).await;
    made(&storage, request("bob", "c"), 6, 90_000).await;
    let more = propose(&storage, request("bob", "d"), 7, 90_000).await;
    assert_eq!(more, Proposed::TooMany);
    // Many accounts to one space; what was taken back counts for a day.
    for (number, who) in [(11, "c"), (12, "d"), (13, "e"), (14, "f")] {
        let waits = made(&storage, request(who, "z"), number, 90_000).await;
        settle(&storage, &waits, ProposalStatus::Withdrawn, 90_000).await;
    }
    let more = propose(&storage, request("g", "z"), 15, 90_001).await;
    assert_eq!(more, Proposed::SpaceFull);
    let invite = NewProposal {
        kind: ProposalKind::Invite,
        ..request("g", "z")
    };
    made(&storage, invite, 16, 90_001).await;
    made(&storage, request("h", "z"), 17, 180_001).await;
}

async fn two_answers_at_once_give_one_membership(place: Place) {
    let storage = place.open().await;
    let waits = made(&storage, request("bob", "a"), 1, 0).await;
    let accept = async || {
        let mut tx = storage.begin().await.expect("begins");
        let spaces = storage.spaces();
        spaces.hold(&mut tx, &waits.new.space).await.expect("holds");
        let found = storage.proposals().find_in(&mut tx, waits.id).await;
        let found = found.expect("runs").expect("is there");
        let answer = (ProposalStatus::Accepted, None);
        let proposals = storage.proposals();
        let settled = proposals.settle(&mut tx, found, answer, START);
        if settled.await.expect("runs").is_none() {
            return 0;
        }
        let member = Member {
            did: did("bob"),
            read: true,
            write: true,
        };
        let put = spaces.put_member(&mut tx, &waits.new.space, &member, 9, START);
        assert_eq!(put.await.expect("runs"), MemberPut::Added);
        tx.commit().await.expect("commits");
        1
    };
    let answers = tokio::join!(accept(), accept(), accept());
    assert_eq!(answers.0 + answers.1 + answers.2, 1);
    let mut tx = storage.begin().await.expect("begins");
    let spaces = storage.spaces();
    let count = spaces.count_members(&mut tx, &space("a")).await;
    assert_eq!(count.expect("runs"), 1);
    let membership = spaces
        .membership_in(&mut tx, &space("a"), &did("bob"))
        .await;
    let membership = membership.expect("runs").expect("a member");
    assert_eq!(membership.since, START);
    let all = spaces.memberships_in(&mut tx, &space("a"), "", 9).await;
    assert_eq!(all.expect("runs"), [membership]);
}

async fn lists_are_newest_first_and_have_an_end(place: Place) {
    let storage = place.open().await;
    let proposals = storage.proposals();
    let mut all = Vec::new();
    for (number, who) in [(1, "b"), (2, "c"), (3, "d")] {
        all.push(made(&storage, request(who, "a"), number, number.into()).await);
    }
    made(&storage, request("b", "b"), 4, 4).await;
    settle(&storage, &all[1], ProposalStatus::Declined, 9).await;
    let here = space("a");
    let of = (ProposalKind::JoinRequest, ProposalsOf::Space(&here));
    let ids = |found: Vec<Proposal>| found.iter().map(|one| one.id).collect::<Vec<_>>();
    let page = proposals.list(of, None, None, 2).await.expect("runs");
    assert_eq!(ids(page), [all[2].id, all[1].id]);
    let rest = proposals.list(of, None, Some(all[1].id), 2).await;
    assert_eq!(ids(rest.expect("runs")), [all[0].id]);
    let pending = Some(ProposalStatus::Pending);
    let page = proposals.list(of, pending, None, 9).await.expect("runs");
    assert_eq!(ids(page), [all[2].id, all[0].id]);
    let who = did("b");
    let own = (ProposalKind::JoinRequest, ProposalsOf::Account(&who));
    assert_eq!(
        proposals
            .list(own, None, None, 9)
            .await
            .expect("runs")
            .len(),
        2
    );
    let invites = (ProposalKind::Invite, ProposalsOf::Account(&who));
    let none = proposals.list(invites, None, None, 9).await;
    assert_eq!(none.expect("runs"), []);
}

async fn a_space_takes_its_proposals_with_it(place: Place) {
    let storage = place.open().await;
    let gone = made(&storage, request("bob", "a"), 1, 0).await;
    let stays = made(&storage, request("bob", "b"), 2, 0).await;
    let mut tx = storage.begin().await.expect("begins");
    let deleted = storage.proposals().delete_space(&mut tx, &space("a")).await;
    assert_eq!(deleted.expect("runs"), 1);
    tx.commit().await.expect("commits");
    let find = async |id| storage.proposals().find(id).await.expect("runs");
    assert_eq!(find(gone.id).await, None);
    assert!(find(stays.id).await.is_some());
}

async fn what_is_over_is_forgotten(place: Place) {
    let storage = place.open().await;
    let over = made(&storage, request("bob", "a"), 1, 0).await;
    made(&storage, request("carol", "a"), 2, 0).await;
    settle(&storage, &over, ProposalStatus::Declined, 10).await;
    let proposals = storage.proposals();
    let later = START + SignedDuration::from_secs(10);
    assert_eq!(proposals.sweep(later, 9).await.expect("sweeps"), 0);
    assert_eq!(proposals.sweep(seconds(11), 9).await.expect("sweeps"), 1);
    assert_eq!(proposals.find(over.id).await.expect("runs"), None);
}

async fn a_request_that_nobody_answers_makes_room(place: Place) {
    let storage = place.open().await;
    let old = made(&storage, request("bob", "a"), 1, 0).await;
    let new = made(&storage, request("carol", "a"), 2, 10).await;
    let invite = NewProposal {
        kind: ProposalKind::Invite,
        ..request("dave", "a")
    };
    let invite = made(&storage, invite, 3, 0).await;
    let proposals = storage.proposals();
    assert_eq!(proposals.expire(seconds(0), 9).await.expect("runs"), 0);
    assert_eq!(proposals.expire(seconds(5), 9).await.expect("runs"), 1);
    let status = async |one: &Proposal| {
        let found = proposals.find(one.id).await.expect("runs");
        found.expect("is there").status
    };
    assert_eq!(status(&old).await, ProposalStatus::Withdrawn);
    assert_eq!(status(&new).await, ProposalStatus::Pending);
    assert_eq!(status(&invite).await, ProposalStatus::Pending);
    made(&storage, request("bob", "a"), 4, 20).await;
}
