//! A name that turns private between being checked and being connected to.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::net::{TcpListener, UdpSocket};

/// The name.
pub const NAME: &str = "rebinding.example";
/// What it is first: an address that the settings of the server allow.
pub const OUTSIDE: Ipv4Addr = Ipv4Addr::LOCALHOST;
/// What it is from then on: one that nobody may reach.
const INSIDE: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);

/// The question for an IPv4 address.
const A: [u8; 2] = [0, 1];

/// A name server that knows this one name.
pub async fn name_server() -> SocketAddr {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await;
    let socket = socket.expect("a free port");
    let address = socket.local_addr().expect("an address");
    tokio::spawn(async move {
        let mut query = [0; 512];
        let mut next = OUTSIDE;
        while let Ok((length, from)) = socket.recv_from(&mut query).await {
            let bytes = answer(&query[..length], &mut next);
            socket.send_to(&bytes, from).await.expect("it is sent");
        }
    });
    address
}

/// The question as it came, and behind it the address, if that is what it is for.
fn answer(query: &[u8], next: &mut Ipv4Addr) -> Vec<u8> {
    let name = query[12..].iter().position(|byte| *byte == 0);
    let kind = 12 + name.expect("a name ends") + 1;
    let question = &query[12..kind + 4];
    let is_asked_for = query[kind..].starts_with(&A);
    let mut bytes = vec![query[0], query[1], 0x85, 0x80, 0, 1];
    bytes.extend([0, u8::from(is_asked_for), 0, 0, 0, 0]);
    bytes.extend(question);
    if is_asked_for {
        // The name of the question, an address, nothing to keep, four bytes.
        bytes.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4]);
        bytes.extend(std::mem::replace(next, INSIDE).octets());
    }
    bytes
}

/// Counts who comes in, at the address that nobody may reach.
pub async fn trap(port: u16, trapped: Arc<AtomicUsize>) {
    let inside = TcpListener::bind((INSIDE, port)).await.expect("that port");
    tokio::spawn(async move {
        while inside.accept().await.is_ok() {
            trapped.fetch_add(1, Ordering::Relaxed);
        }
    });
}
