//! Names that change their mind between being checked and being used.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use loggia_xrpc_client::{
    AddressGuard, ClientSettings, Found, GuardedClient, Lookup, Names, Network, Url,
};
use tokio::net::TcpListener;

/// May be reached here, as a public address may elsewhere.
const OUTSIDE: Ipv4Addr = Ipv4Addr::LOCALHOST;
/// May not.
const INSIDE: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);

/// Gives these answers one after the other, the last one for ever.
struct Answers {
    answers: Vec<Vec<IpAddr>>,
    asked: Arc<AtomicUsize>,
}

impl Lookup for Answers {
    fn lookup<'a>(&'a self, _: &'a str) -> Found<'a> {
        let asked = self.asked.fetch_add(1, Ordering::Relaxed);
        let answer = self.answers[asked.min(self.answers.len() - 1)].clone();
        Box::pin(async { Ok(answer) })
    }
}

/// Counts who connects, and hangs up.
async fn count(listener: TcpListener, connected: Arc<AtomicUsize>) {
    while let Ok((stream, _)) = listener.accept().await {
        connected.fetch_add(1, Ordering::Relaxed);
        drop(stream);
    }
}

struct World {
    client: GuardedClient,
    url: Url,
    asked: Arc<AtomicUsize>,
    outside: Arc<AtomicUsize>,
    inside: Arc<AtomicUsize>,
}

impl World {
    /// Two servers on one port, one outside and one inside, and a name that says these.
    async fn where_the_name_says(answers: Vec<Vec<IpAddr>>) -> Self {
        let listener = TcpListener::bind((OUTSIDE, 0)).await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let trap = TcpListener::bind((INSIDE, port)).await.expect("that port");
        let (outside, inside, asked) = (Arc::default(), Arc::default(), Arc::default());
        tokio::spawn(count(listener, Arc::clone(&outside)));
        tokio::spawn(count(trap, Arc::clone(&inside)));
        let allowed = Network::new(OUTSIDE.into(), 32).expect("a network");
        let names = Answers {
            answers,
            asked: Arc::clone(&asked),
        };
        let settings = ClientSettings {
            guard: AddressGuard::new().allow_network(allowed),
            names: Names::by(names),
            ..ClientSettings::default()
        };
        Self {
            client: GuardedClient::new(settings).expect("a client"),
            url: Url::parse(&format!("https://rebinding.example:{port}/")).expect("a URL"),
            asked,
            outside,
            inside,
        }
    }

    async fn get(&self) -> &'static str {
        let error = self.client.get(&self.url, 1).await;
        error.expect_err("nobody answers").kind()
    }

    /// How often the name was asked for, and who was connected to.
    fn seen(&self) -> [usize; 3] {
        [&self.asked, &self.outside, &self.inside].map(|count| count.load(Ordering::Relaxed))
    }
}

#[tokio::test]
async fn the_connection_goes_to_the_address_that_was_checked() {
    let answers = vec![vec![OUTSIDE.into()], vec![INSIDE.into()]];
    let world = World::where_the_name_says(answers).await;
    // Whoever asked a second time before connecting would be inside now.
    assert_ne!(world.get().await, "blocked_address");
    assert_eq!(world.seen(), [1, 1, 0]);
    for asked in 2..5 {
        assert_eq!(world.get().await, "blocked_address");
        assert_eq!(world.seen(), [asked, 1, 0]);
    }
}

#[tokio::test]
async fn one_address_inside_is_one_too_many() {
    for answer in [[OUTSIDE, INSIDE], [INSIDE, OUTSIDE]] {
        let answer = answer.map(IpAddr::from).to_vec();
        let world = World::where_the_name_says(vec![answer]).await;
        assert_eq!(world.get().await, "blocked_address");
        assert_eq!(world.seen(), [1, 0, 0]);
    }
}

#[tokio::test]
async fn a_name_without_addresses_is_a_failed_lookup() {
    let world = World::where_the_name_says(vec![Vec::new()]).await;
    assert_eq!(world.get().await, "dns");
    assert_eq!(world.seen(), [1, 0, 0]);
}

/// Development opens loopback to what is called so, not to whoever's name leads there.
#[tokio::test]
async fn a_name_of_somebody_else_for_this_machine_is_refused() {
    let answers = vec![vec![OUTSIDE.into()]];
    let world = World::where_the_name_says(answers).await;
    let settings = ClientSettings {
        guard: AddressGuard::new().allow_loopback(true),
        ..world.client.settings().clone()
    };
    let client = GuardedClient::new(settings).expect("a client");
    let error = client.get(&world.url, 1).await.expect_err("refused");
    assert_eq!(error.kind(), "blocked_address", "{error:?}");
    assert_eq!(world.seen(), [1, 0, 0]);
}
