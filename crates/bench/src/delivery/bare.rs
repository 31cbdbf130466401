//! The guarded client alone: signing and posting, with nothing stored.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use jiff::SignedDuration;
use loggia_delivery::{
    Clock as _, DeliveryId, Dressing, Due, Endpoint, EndpointId, Lease, NodeId, Notification,
    NotificationId, Profile, Secret, Secrets, SystemClock, Target, Transport as _,
};
use loggia_server::chance;
use loggia_server::outgoing::Outgoing;
use loggia_syntax::{Did, Nsid};
use loggia_xrpc_client::{AddressGuard, ClientSettings, GuardedClient};
use tokio::task::JoinSet;

use super::engine::{Done, Order};
use super::{child, clock};

/// Requests under way at once, as many as keep the client busy.
const AT_ONCE: usize = 64;

/// The client of a server in development.
pub fn client() -> GuardedClient {
    let settings = ClientSettings {
        guard: AddressGuard::new().allow_loopback(true),
        ..ClientSettings::default()
    };
    GuardedClient::new(settings).expect("a client")
}

/// Runs as the measured process.
pub fn run() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime can be started");
    let client = Outgoing(client());
    let mut endpoints: Arc<[Arc<Endpoint>]> = Arc::default();
    for order in child::orders::<Order>() {
        let done = match order {
            Order::Open { urls, .. } => {
                endpoints = urls.iter().map(|url| Arc::new(endpoint(url))).collect();
                Done::default()
            }
            Order::Flat { milliseconds, .. } => {
                let time = Duration::from_millis(milliseconds);
                runtime.block_on(flat_out(client.clone(), Arc::clone(&endpoints), time))
            }
            other => panic!("the client alone knows no {other:?}"),
        };
        child::answer(&done);
    }
}

fn endpoint(url: &str) -> Endpoint {
    let now = SystemClock.now();
    Endpoint::new(
        EndpointId::new(now, chance::bytes()),
        Did::new("did:web:bench.example").expect("a DID"),
        Target::new(url).expect("a target"),
        Profile::Standard,
        Secrets::one(Secret::generate(chance::bytes())),
        now,
    )
}

async fn flat_out(client: Outgoing, endpoints: Arc<[Arc<Endpoint>]>, time: Duration) -> Done {
    let stop = Arc::<AtomicBool>::default();
    let delivered = Arc::<AtomicU64>::default();
    let mut senders = JoinSet::new();
    for _ in 0..AT_ONCE {
        let (stop, delivered) = (Arc::clone(&stop), Arc::clone(&delivered));
        let (client, endpoints) = (client.clone(), Arc::clone(&endpoints));
        senders.spawn(async move {
            while !stop.load(Ordering::Relaxed) {
                let number = delivered.fetch_add(1, Ordering::Relaxed);
                post(
                    &client,
                    &endpoints[number as usize % endpoints.len()],
                    number,
                )
                .await;
            }
        });
    }
    tokio::time::sleep(time / 4).await;
    let count = || delivered.load(Ordering::Relaxed);
    let (begun, before) = (clock::now(), count());
    let used = child::used(std::process::id());
    tokio::time::sleep(time * 3 / 4).await;
    let after = child::used(std::process::id());
    let done = Done {
        delivered: count() - before,
        seconds: (clock::now() - begun) as f64 / 1e9,
        cpu: after.cpu - used.cpu,
        peak: after.peak,
        acknowledged: Vec::new(),
    };
    stop.store(true, Ordering::Relaxed);
    senders.join_all().await;
    done
}

/// Signs and posts, as an attempt does.
async fn post(client: &Outgoing, endpoint: &Arc<Endpoint>, number: u64) {
    let now = SystemClock.now();
    let deadline = now + SignedDuration::from_hours(24);
    let notification = Notification {
        id: NotificationId::new(now, chance::bytes()),
        kind: Nsid::from_static("com.atproto.space.notifyWrite"),
        subject: String::new(),
        body: super::body(number),
        created_at: now,
        deadline,
    };
    let due = Due {
        id: DeliveryId {
            notification: notification.id,
            endpoint: endpoint.id,
        },
        notification: Arc::new(notification),
        endpoint: Arc::clone(endpoint),
        deadline,
        attempts: 0,
        earlier: 0,
        key: None,
        since: now,
        lease: Lease {
            node: NodeId::new("bench"),
            until: deadline,
        },
    };
    let dressing = Dressing {
        token: None,
        now,
        timeout: Duration::from_secs(10),
    };
    let request = endpoint.profile.wire().request(&due, &dressing);
    let answer = client.send(request).await.expect("the receiver answers");
    assert_eq!(answer.status, 204);
}
