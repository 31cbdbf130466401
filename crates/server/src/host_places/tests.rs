//! Places for hosts of all kinds.

use super::*;

fn host(url: &str) -> Url {
    url.parse().expect("a URL")
}

const KIND: Kind = Kind {
    name: "read",
    at_once: 8,
};

fn wait(places: &Places, url: &str) -> Option<(u64, u32)> {
    let refused = places.enter(&host(url), KIND).err();
    refused.map(|refused| (refused.wait.as_secs(), refused.silences))
}

#[tokio::test(start_paused = true)]
async fn one_host_leaves_places_to_others() {
    let places = Places::default();
    let held = [1, 2].map(|port| places.enter(&host(&format!("https://a.test:{port}")), KIND));
    assert!(held.iter().all(Result::is_ok));
    assert_eq!(wait(&places, "https://a.test/"), Some((1, 0)));
    assert_eq!(wait(&places, "https://b.test/"), None);
    drop(held);
    assert_eq!(wait(&places, "https://a.test/"), None);
    assert!(places.lock().hosts.is_empty(), "nothing is left over");
}

#[tokio::test(start_paused = true)]
async fn a_silent_host_is_left_alone_ever_longer_until_it_answers() {
    let (places, url) = (Places::default(), "https://a.test/");
    let ask = |answered| {
        let mut place = places.enter(&host(url), KIND).expect("a place");
        place.answered(answered);
    };
    for (silences, pause) in (1..).zip([20, 40, 80, 160, 320, 600, 600]) {
        ask(false);
        assert_eq!(wait(&places, url), Some((pause, silences)));
        tokio::time::advance(Duration::from_secs(pause)).await;
    }
    let probe = places.enter(&host(url), KIND).expect("a place");
    assert_eq!(wait(&places, url), Some((1, 7)), "one is enough");
    drop(probe);
    ask(true);
    assert!(places.lock().hosts.is_empty());
}

#[tokio::test(start_paused = true)]
async fn silent_hosts_are_forgotten_before_they_are_too_many() {
    let places = Places::default();
    let asked = places
        .enter(&host("https://asked.test"), KIND)
        .expect("a place");
    for number in 0..2 * MOST_SILENT {
        let url = host(&format!("https://host{number}.test"));
        places.enter(&url, KIND).expect("a place").answered(false);
    }
    assert!(places.lock().hosts.len() <= MOST_SILENT);
    assert!(places.lock().hosts.contains_key("asked.test"));
    drop(asked);
}

#[tokio::test(start_paused = true)]
async fn however_many_hosts_are_silent_those_that_answer_have_places() {
    let places = Places::default();
    let ask = |url: &str, answered| {
        let mut place = places.enter(&host(url), KIND).expect("a place");
        place.answered(answered);
    };
    ask("https://good.test/", true);
    let fresh: Vec<_> = (0..9)
        .map(|number| places.enter(&host(&format!("https://new{number}.test/")), KIND))
        .collect();
    assert_eq!(fresh.iter().filter(|place| place.is_ok()).count(), 4);
    assert_eq!(wait(&places, "https://new9.test/"), Some((5, 0)));
    for _ in 0..2 {
        let place = places.enter(&host("https://good.test/"), KIND);
        assert_eq!(place.expect("a place").patience(), PATIENCE);
    }
    // Another kind of question has places of its own.
    let other = Kind {
        name: "scan",
        ..KIND
    };
    let place = places.enter(&host("https://new9.test/"), other);
    assert_eq!(place.expect("a place").patience(), FIRST_PATIENCE);
    drop(fresh);
    for number in 0..9 {
        ask(&format!("https://new{number}.test/"), false);
    }
    tokio::time::advance(PAUSE[0]).await;
    let silent: Vec<_> = (0..9)
        .map(|number| places.enter(&host(&format!("https://new{number}.test/")), KIND))
        .collect();
    assert_eq!(silent.iter().filter(|place| place.is_ok()).count(), 2);
    assert!(places.enter(&host("https://new9.test/"), KIND).is_ok());
}

/// A wildcard below one domain, whose hosts answer until they are many, and then do not.
#[tokio::test(start_paused = true)]
async fn one_domain_takes_neither_the_places_nor_the_memory_of_others() {
    let places = Places::default();
    let ask = |url: &str, answered| {
        let mut place = places.enter(&host(url), KIND).expect("a place");
        place.answered(answered);
    };
    ask("https://good.test/", true);
    for number in 0..2 * MOST_ANSWERING {
        ask(&format!("https://host{number}.evil.test/"), true);
    }
    assert_eq!(places.lock().answering.len(), 2);
    let held: Vec<_> = (0..9)
        .filter_map(|number| {
            let url = host(&format!("https://host{number}.evil.test/"));
            places.enter(&url, KIND).ok()
        })
        .collect();
    assert_eq!(held.len(), 2, "a fourth of the eight");
    assert_eq!(wait(&places, "https://hosts.evil.test/"), Some((5, 0)));
    assert_eq!(wait(&places, "https://good.test/"), None);
    drop(held);
    assert!(places.lock().of_domains.is_empty(), "nothing is left over");
    // One that was silent is no recommendation for the others.
    ask("https://host1.evil.test/", false);
    assert_eq!(places.lock().answering.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn with_too_many_domains_the_one_that_answered_first_is_forgotten() {
    let places = Places::default();
    let ask = |url: &str| {
        let mut place = places.enter(&host(url), KIND).expect("a place");
        place.answered(true);
    };
    ask("https://good.test/");
    for number in 0..MOST_ANSWERING {
        tokio::time::advance(Duration::from_millis(1)).await;
        ask(&format!("https://domain{number}.test/"));
        ask("https://good.test/");
    }
    let all = places.lock();
    assert_eq!(all.answering.len(), MOST_ANSWERING);
    let known = |url: &str| all.answering.contains_key(&Domain::of(&host(url)));
    assert!(known("https://good.test/") && !known("https://domain0.test/"));
}

#[test]
fn an_account_says_where_its_document_is_however_it_spells_the_port() {
    for text in ["did:web:host.example%3A8443", "did:web:host.example%3a8443"] {
        let did = loggia_syntax::Did::new(text).expect("a DID");
        let found = own_host(&did).expect("a host of its own");
        assert_eq!(found, host("https://host.example:8443/"), "{text}");
    }
}
