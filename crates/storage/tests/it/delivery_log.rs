//! What owners see of deliveries: whole lists in whatever pages, and nobody else's.

use loggia_delivery::{DeliveryId, Fault};
use loggia_storage::{AttemptPlace, DeliveryFilter, ListError, Storage, Whose};
use loggia_syntax::Nsid;

use crate::fixture::{Place, did, on_both};
use crate::letters::{KIND, at, attempted, dead, delivered, enqueue_all, refused};
use crate::work::add_endpoints;

on_both!(
    pages_hold_everything_once_newest_first,
    filters_find_the_few_among_many,
    nobody_sees_what_is_not_theirs,
    attempts_come_in_the_order_in_which_they_ended,
    numbers_of_an_endpoint,
    an_answer_that_refuses_is_kept_as_one,
);

/// Every page, until there are no more.
async fn pages(storage: &Storage, filter: &DeliveryFilter, limit: u32) -> Vec<Vec<DeliveryId>> {
    let owner = did("feed");
    let mut pages = Vec::new();
    let mut cursor: Option<String> = None;
    loop {
        let page = storage
            .deliveries()
            .page(Whose::Of(&owner), filter, cursor.as_deref(), limit)
            .await
            .expect("lists");
        pages.push(page.deliveries.iter().map(|delivery| delivery.id).collect());
        assert!(pages.len() < 1000, "the list does not end");
        match page.cursor {
            Some(next) => cursor = Some(next),
            None => return pages,
        }
    }
}

/// More endpoints than a page looks into, with deliveries in turn and in bursts.
async fn pages_hold_everything_once_newest_first(place: Place) {
    let storage = place.open().await;
    let endpoints = add_endpoints(&storage, 120).await;
    let mut made = Vec::new();
    for (number, endpoint) in (0..).zip(&endpoints) {
        let numbers = [number, number % 10 + 1000].into_iter();
        made.extend(enqueue_all(&storage, endpoint, numbers, KIND).await);
        if number % 40 == 0 {
            made.extend(enqueue_all(&storage, endpoint, 2000..2030, KIND).await);
        }
    }
    made.sort_unstable_by_key(|id| std::cmp::Reverse(*id));
    let all = DeliveryFilter::default();
    for limit in [1000, 50, 7] {
        let pages = pages(&storage, &all, limit).await;
        let found: Vec<_> = pages.iter().flatten().copied().collect();
        assert_eq!(found.len(), made.len(), "{limit}");
        assert_eq!(found, made, "{limit}");
    }
    // What is inserted in between is on no later page, and moves nothing.
    let owner = did("feed");
    let deliveries = storage.deliveries();
    let whose = Whose::Of(&owner);
    let first = deliveries.page(whose, &all, None, 30).await.expect("lists");
    enqueue_all(&storage, &endpoints[7], 5000..5040, KIND).await;
    let cursor = first.cursor.as_deref();
    let next = deliveries.page(whose, &all, cursor, 30).await;
    let next = next.expect("lists").deliveries;
    let next: Vec<_> = next.iter().map(|delivery| delivery.id).collect();
    assert_eq!(next, made[30..30 + next.len()]);
    let unread = deliveries.page(whose, &all, Some("abc"), 30).await;
    assert!(matches!(unread, Err(ListError::InvalidCursor)));
}

async fn filters_find_the_few_among_many(place: Place) {
    let storage = place.open().await;
    let endpoints = add_endpoints(&storage, 2).await;
    enqueue_all(&storage, &endpoints[0], 10..900, KIND).await;
    let rare = "com.example.rare";
    let [first, last] = [dead(&storage, &endpoints[0], 3).await, {
        dead(&storage, &endpoints[1], 901).await
    }];
    let named = enqueue_all(&storage, &endpoints[0], 5..6, rare).await;
    let found = async |filter: DeliveryFilter| pages(&storage, &filter, 50).await.concat();
    let state = |name: &str| DeliveryFilter {
        state: Some(name.to_owned()),
        ..DeliveryFilter::default()
    };
    assert_eq!(found(state("abandoned")).await, [last, first]);
    assert!(found(state("expired")).await.is_empty());
    assert_eq!(found(state("pending")).await.len(), 891);
    let kind = DeliveryFilter {
        kind: Some(Nsid::from_static(rare)),
        ..DeliveryFilter::default()
    };
    assert_eq!(found(kind).await, named);
    let since = DeliveryFilter {
        since: Some(at(890)),
        endpoint: Some(endpoints[0].id),
        ..DeliveryFilter::default()
    };
    assert_eq!(found(since).await.len(), 10);
}

async fn nobody_sees_what_is_not_theirs(place: Place) {
    let storage = place.open().await;
    let endpoints = add_endpoints(&storage, 1).await;
    let id = dead(&storage, &endpoints[0], 1).await;
    let (owner, other) = (did("feed"), did("other"));
    let deliveries = storage.deliveries();
    for filter in [
        DeliveryFilter::default(),
        DeliveryFilter {
            endpoint: Some(endpoints[0].id),
            ..DeliveryFilter::default()
        },
    ] {
        let page = deliveries.page(Whose::Of(&other), &filter, None, 50).await;
        let page = page.expect("lists");
        assert!(page.deliveries.is_empty() && page.cursor.is_none());
        let page = deliveries.page(Whose::Everybodys, &filter, None, 50).await;
        assert_eq!(page.expect("lists").deliveries.len(), 1);
    }
    let foreign = deliveries.detail(Whose::Of(&other), id).await;
    assert!(foreign.expect("looks").is_none());
    let own = deliveries.detail(Whose::Of(&owner), id).await;
    let own = own.expect("looks").expect("is there");
    assert_eq!((own.delivery.id, own.delivery.attempts), (id, 1));
    assert_eq!(&own.notification.body[..], br#"{"x":1}"#);
    assert_eq!(own.attempts.len(), 1);
    let after = AttemptPlace::before(0);
    let found = deliveries.attempts_after(Whose::Of(&other), None, after, 10);
    assert!(found.await.expect("reads").is_empty());
}

async fn attempts_come_in_the_order_in_which_they_ended(place: Place) {
    let storage = place.open().await;
    let endpoints = add_endpoints(&storage, 3).await;
    let mut made = Vec::new();
    // Some end in the same millisecond, and some long after the others.
    for number in [5, 3, 40, 105, 7000, 20_000, 90_000, 90_001] {
        let endpoint = &endpoints[number as usize % 3];
        let id = delivered(&storage, endpoint, number).await;
        made.push((at(number).as_millisecond() + i64::from(number % 100), id));
    }
    made.sort_unstable();
    let owner = did("feed");
    for limit in [1, 3, 100] {
        let mut found = Vec::new();
        let mut after = AttemptPlace::before(0);
        loop {
            let next = storage
                .deliveries()
                .attempts_after(Whose::Of(&owner), None, after, limit)
                .await
                .expect("reads");
            let Some(last) = next.last() else { break };
            after = last.place();
            found.extend(next.iter().map(|attempt| (attempt.ended, attempt.delivery)));
        }
        assert_eq!(found, made, "{limit} at once");
    }
    let one = Some(endpoints[0].id);
    let only = storage.deliveries();
    let only = only.attempts_after(Whose::Of(&owner), one, AttemptPlace::before(0), 100);
    let only = only.await.expect("reads");
    assert!(!only.is_empty());
    assert!(
        only.iter()
            .all(|found| found.delivery.endpoint == endpoints[0].id)
    );
}

async fn numbers_of_an_endpoint(place: Place) {
    let storage = place.open().await;
    let endpoints = add_endpoints(&storage, 2).await;
    let endpoint = &endpoints[0];
    let none = storage.endpoints().stats(endpoint.id, at(0)).await;
    let none = none.expect("counts");
    assert!(none.complete && none.deliveries.is_empty());
    assert_eq!(
        (none.attempts, none.latency, none.last_error),
        (0, None, None)
    );
    for number in 1..=98 {
        delivered(&storage, endpoint, number).await;
    }
    dead(&storage, endpoint, 199).await;
    let failed = crate::work::answered(500);
    attempted(&storage, endpoint, 150, failed).await;
    enqueue_all(&storage, endpoint, 300..302, KIND).await;
    delivered(&storage, &endpoints[1], 1).await;
    let stats = storage.endpoints().stats(endpoint.id, at(0)).await;
    let stats = stats.expect("counts");
    let counts: Vec<_> = stats
        .deliveries
        .iter()
        .map(|(name, count)| (name.as_str(), *count))
        .collect();
    assert_eq!(
        counts,
        [("abandoned", 2), ("delivered", 98), ("pending", 2)]
    );
    assert_eq!(stats.attempts, 100);
    // 1 to 98, 99 and a second 50.
    assert_eq!(stats.latency, Some((50, 98)));
    let error = stats.last_error.expect("one failed");
    assert_eq!((error.at, error.fault), (at(199), Some(Fault::Blocked)));
    let late = storage.endpoints().stats(endpoint.id, at(301)).await;
    let late = late.expect("counts");
    assert_eq!(late.deliveries, [("pending".to_owned(), 1)]);
    assert_eq!(late.attempts, 0);
}

/// Some profiles say no in a 2xx: the log knows it wherever an attempt is read.
async fn an_answer_that_refuses_is_kept_as_one(place: Place) {
    let storage = place.open().await;
    let endpoints = add_endpoints(&storage, 2).await;
    delivered(&storage, &endpoints[0], 1).await;
    let id = refused(&storage, &endpoints[0], 2).await;
    delivered(&storage, &endpoints[1], 3).await;

    let (owner, deliveries) = (did("feed"), storage.deliveries());
    let whose = Whose::Of(&owner);
    let detail = deliveries.detail(whose, id).await.expect("looks");
    let attempts = detail.expect("is there").attempts;
    let read: Vec<_> = attempts
        .iter()
        .map(|attempt| (&attempt.outcome, attempt.refused))
        .collect();
    assert_eq!(read, [(&crate::work::answered(200), true)]);

    let found = deliveries.attempts_after(whose, None, AttemptPlace::before(0), 9);
    let found = found.await.expect("reads");
    let read: Vec<_> = found.iter().map(|one| one.attempt.refused).collect();
    assert_eq!(read, [false, true, false]);

    let error = async |endpoint| {
        let stats = storage.endpoints().stats(endpoint, at(0)).await;
        stats.expect("counts").last_error
    };
    let last = error(endpoints[0].id).await.expect("one was refused");
    assert_eq!((last.at, last.status, last.fault), (at(2), Some(200), None));
    assert_eq!(error(endpoints[1].id).await, None);
}
