//! Look-ups against name servers on this machine, well behaved and not.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use loggia_xrpc_client::{DnsClient, DnsSettings, Lookup as _, TxtLookupError};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, UdpSocket};

/// What a server does with a query.
#[derive(Clone)]
enum Reply {
    /// These records, each of these strings.
    Records(Vec<Vec<Vec<u8>>>),
    /// This response code and nothing else.
    Code(u8),
    /// "Ask over TCP", where the records are.
    Truncated(Vec<Vec<Vec<u8>>>),
    /// Bytes that are no message.
    Noise,
    /// Nothing.
    Silence,
}

const NAME: &str = "_atproto.alice.example.com";

fn text(text: &str) -> Vec<Vec<u8>> {
    vec![text.as_bytes().to_vec()]
}

/// The question as it came, under a header with this code and these records.
fn message(query: &[u8], code: u8, truncated: bool, records: &[Vec<Vec<u8>>]) -> Vec<u8> {
    let mut end = 12;
    while query[end] != 0 {
        end += 1 + usize::from(query[end]);
    }
    let question = &query[12..end + 5];
    let flags = if truncated { 0x87 } else { 0x85 };
    let count = u16::try_from(records.len())
        .expect("few records")
        .to_be_bytes();
    let mut bytes = vec![query[0], query[1], flags, 0x80 | code, 0, 1];
    bytes.extend(count);
    bytes.extend([0; 4]);
    bytes.extend(question);
    for record in records {
        let length: usize = record.iter().map(|part| 1 + part.len()).sum();
        // The name is that of the question; TXT, IN, 60 s.
        bytes.extend([0xc0, 12, 0, 16, 0, 1, 0, 0, 0, 60]);
        bytes.extend(u16::try_from(length).expect("a short record").to_be_bytes());
        for part in record {
            bytes.push(u8::try_from(part.len()).expect("a short string"));
            bytes.extend(part);
        }
    }
    bytes
}

/// Serves over UDP, and over TCP on the same port.
async fn serve(reply: Reply) -> SocketAddr {
    let (udp, tcp) = loop {
        let udp = UdpSocket::bind("127.0.0.1:0").await.expect("a free port");
        let address = udp.local_addr().expect("an address");
        // Somebody else may have the TCP port of this number.
        if let Ok(tcp) = TcpListener::bind(address).await {
            break (udp, tcp);
        }
    };
    let address = udp.local_addr().expect("an address");
    let records = reply.clone();
    tokio::spawn(async move {
        let mut query = [0; 512];
        while let Ok((_, from)) = udp.recv_from(&mut query).await {
            let bytes = match &reply {
                Reply::Records(records) => message(&query, 0, false, records),
                Reply::Code(code) => message(&query, *code, false, &[]),
                Reply::Truncated(_) => message(&query, 0, true, &[]),
                Reply::Noise => vec![0xff; 40],
                Reply::Silence => continue,
            };
            udp.send_to(&bytes, from).await.expect("it is sent");
        }
    });
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = tcp.accept().await {
            let Reply::Truncated(records) = &records else {
                continue;
            };
            let mut query = vec![0; usize::from(stream.read_u16().await.expect("a length"))];
            stream.read_exact(&mut query).await.expect("a query");
            let bytes = message(&query, 0, false, records);
            let length = u16::try_from(bytes.len()).expect("a short message");
            stream.write_u16(length).await.expect("it is sent");
            stream.write_all(&bytes).await.expect("it is sent");
        }
    });
    address
}

fn quick() -> DnsSettings {
    DnsSettings {
        deadline: Duration::from_millis(300),
        patience: Duration::from_millis(100),
        ..DnsSettings::default()
    }
}

async fn ask(reply: Reply, settings: DnsSettings) -> Result<Vec<String>, TxtLookupError> {
    let server = serve(reply).await;
    let resolver = DnsClient::from_server(server, settings).expect("a resolver");
    resolver.look_up(NAME).await
}

async fn records(reply: Reply) -> Vec<String> {
    let found = ask(reply, DnsSettings::default()).await;
    found.expect("an answer")
}

#[tokio::test]
async fn several_records_each_of_several_strings() {
    let chunked = vec![
        b"did=did:web:".to_vec(),
        b"alice".to_vec(),
        vec![],
        b".example.com".to_vec(),
    ];
    let binary = vec![vec![0xff, 0xfe]];
    let reply = Reply::Records(vec![text("v=spf1 -all"), chunked, binary, text("")]);
    assert_eq!(
        records(reply).await,
        ["v=spf1 -all", "did=did:web:alice.example.com", ""]
    );
}

#[tokio::test]
async fn no_name_and_no_record_are_no_error() {
    let nothing: [String; 0] = [];
    assert_eq!(records(Reply::Code(3)).await, nothing, "NXDOMAIN");
    assert_eq!(records(Reply::Code(0)).await, nothing, "no data");
}

#[tokio::test]
async fn a_server_that_fails_or_refuses_has_said_nothing() {
    for code in [2, 5] {
        let error = ask(Reply::Code(code), quick())
            .await
            .expect_err("no answer");
        assert!(
            matches!(error, TxtLookupError::Failed(_)),
            "{code}: {error:?}"
        );
    }
}

#[tokio::test]
async fn silence_and_noise_end_at_the_deadline() {
    for reply in [Reply::Silence, Reply::Noise] {
        let error = ask(reply, quick()).await.expect_err("no answer");
        let expected = matches!(
            error,
            TxtLookupError::Timeout { .. } | TxtLookupError::Failed(_)
        );
        assert!(expected, "{error:?}");
    }
    // The place is given back, so that others are not kept out.
    let server = serve(Reply::Silence).await;
    let settings = DnsSettings {
        lookups: 1,
        ..quick()
    };
    let resolver = Arc::new(DnsClient::from_server(server, settings).expect("a resolver"));
    for _ in 0..3 {
        assert!(resolver.look_up(NAME).await.is_err());
    }
}

#[tokio::test]
async fn a_long_answer_comes_over_tcp_and_is_bounded() {
    let record = vec![vec![b'a'; 255]; 8];
    assert_eq!(
        records(Reply::Truncated(vec![record.clone(); 4]))
            .await
            .len(),
        4
    );
    let error = ask(Reply::Truncated(vec![record; 5]), DnsSettings::default()).await;
    let error = error.expect_err("too large");
    assert!(
        matches!(error, TxtLookupError::TooLarge { limit: 8192 }),
        "{error:?}"
    );
}

#[tokio::test]
async fn what_is_no_name_is_not_asked_for() {
    let server = serve(Reply::Silence).await;
    let resolver = DnsClient::from_server(server, DnsSettings::default()).expect("a resolver");
    let long = "a.".repeat(200);
    for name in ["a..b", &"a".repeat(64), long.as_str()] {
        let error = resolver.look_up(name).await.expect_err("no name");
        assert!(
            matches!(error, TxtLookupError::Name(_)),
            "{name}: {error:?}"
        );
    }
}

#[tokio::test]
async fn a_host_that_does_not_exist_has_no_address_and_who_says_nothing_has_failed() {
    const NO_SUCH_NAME: u8 = 3;
    for (reply, found) in [
        (Reply::Code(NO_SUCH_NAME), Some(Vec::new())),
        (Reply::Silence, None),
        (Reply::Noise, None),
    ] {
        let server = serve(reply).await;
        let dns = DnsClient::from_server(server, quick()).expect("a client");
        assert_eq!(dns.lookup("host.example.com").await.ok(), found);
    }
}
