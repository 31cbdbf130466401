//! `loggia listen`, as a receiver of what `loggia-delivery` signs.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, ChildStdout, Stdio};
use std::time::{Duration, Instant};

use loggia_delivery::signature::sign;
use loggia_delivery::{Clock, Notification, Secret, SystemClock};

use crate::world::World;

const BODY: &str = r#"{"space":"ats://did:web:example.com/com.example.club/main"}"#;
/// Long ago: 2021, when the vector of the Standard Webhooks libraries was made.
const LONG_AGO: i64 = 1_614_265_330;

struct Listener {
    child: Child,
    shown: BufReader<ChildStdout>,
    address: SocketAddr,
    // Kept until the process has ended, as it runs in it.
    _world: World,
}

impl Listener {
    fn start(arguments: &[&str]) -> Self {
        let world = World::new();
        let mut command = world.command(&["listen", "--port", "0"]);
        let command = command.args(arguments).stdout(Stdio::piped());
        let mut child = command.spawn().expect("it starts");
        let mut shown = BufReader::new(child.stdout.take().expect("it is piped"));
        let mut line = String::new();
        shown.read_line(&mut line).expect("it says where");
        let address = line.strip_prefix("listening on http://");
        let address = address
            .and_then(|rest| rest.split(',').next())
            .expect("an address");
        let address = address.parse().expect("an address");
        Self {
            child,
            shown,
            address,
            _world: world,
        }
    }

    /// Posts a body; the status of the answer and what was shown.
    fn post(&mut self, headers: &str, body: &str) -> (u16, String) {
        let length = body.len();
        self.send(&format!("content-length: {length}\r\n{headers}\r\n{body}"))
    }

    /// Posts headers as they are, and what is behind them.
    fn send(&mut self, headers: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(self.address).expect("it listens");
        let patience = Some(Duration::from_secs(30));
        stream.set_read_timeout(patience).expect("not zero");
        let host = self.address;
        let request =
            format!("POST /hook HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n{headers}");
        stream.write_all(request.as_bytes()).expect("it reads");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("it answers");
        let status = answer
            .split(' ')
            .nth(1)
            .and_then(|status| status.parse().ok());
        (status.expect("a status line"), self.next())
    }

    /// What is shown of one request: up to the line that says how it was answered.
    fn next(&mut self) -> String {
        let mut text = String::new();
        while !text.contains("  answered ") {
            let length = self.shown.read_line(&mut text).expect("it is readable");
            assert_ne!(length, 0, "it ended after {text}");
        }
        text
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.child.kill().expect("it is ours and has not ended");
        self.child.wait().expect("it was killed");
    }
}

fn secret(byte: u8) -> (Secret, String) {
    let secret = Secret::generate([byte; 32]);
    let text = secret.to_text().to_string();
    (secret, text)
}

/// The three headers for our body.
fn signed(secret: &Secret, seconds: i64) -> String {
    let signature = sign(secret, "msg_1", seconds, BODY.as_bytes());
    format!(
        "webhook-id: msg_1\r\nwebhook-timestamp: {seconds}\r\nwebhook-signature: {signature}\r\n"
    )
}

fn now() -> i64 {
    SystemClock.now().as_second()
}

#[test]
fn a_delivery_is_shown_with_headers_and_body_and_its_signature_verified() {
    let (secret, text) = secret(1);
    let mut listener = Listener::start(&["--secret", &text]);
    let (status, shown) = listener.post(&signed(&secret, now()), BODY);
    assert_eq!(status, 200);
    for part in [
        "POST /hook",
        "  webhook-id: msg_1\n",
        "  webhook-signature: v1,",
        "  signature verified\n",
        r#"    "space": "ats://did:web:example.com/com.example.club/main""#,
        "  answered 200 OK\n",
    ] {
        assert!(shown.contains(part), "`{part}` is not in\n{shown}");
    }
    assert!(!shown.contains(&text), "the secret is not shown");
}

#[test]
fn says_why_a_signature_does_not_hold() {
    let ((right, text), (wrong, _)) = (secret(1), secret(2));
    let mut listener = Listener::start(&["--secret", &text]);
    let cases = [
        (
            signed(&wrong, now()),
            BODY,
            "SIGNATURE WRONG: no signature matches",
        ),
        (
            signed(&right, now()),
            "{}",
            "SIGNATURE WRONG: no signature matches",
        ),
        (
            signed(&right, LONG_AGO),
            BODY,
            "SIGNATURE WRONG: the signature is too old",
        ),
        (
            String::new(),
            BODY,
            "SIGNATURE WRONG: no `webhook-id` header",
        ),
    ];
    for (headers, body, said) in cases {
        let (status, shown) = listener.post(&headers, body);
        assert_eq!(status, 200, "it only looks on");
        assert!(shown.contains(said), "`{said}` is not in\n{shown}");
    }
}

#[test]
fn without_a_secret_nothing_is_claimed() {
    let (secret, _) = secret(1);
    let (_, shown) = Listener::start(&[]).post(&signed(&secret, now()), BODY);
    assert!(
        shown.contains("signature not checked: no --secret was given"),
        "{shown}"
    );
}

#[test]
fn during_a_rotation_either_secret_will_do() {
    let ((old, old_text), (new, new_text)) = (secret(1), secret(2));
    let mut listener = Listener::start(&["--secret", &old_text, "--secret", &new_text]);
    let (_, shown) = listener.post(&signed(&old, now()), BODY);
    assert!(
        shown.contains("signature verified, by secret 1 of 2"),
        "{shown}"
    );
    let (_, shown) = listener.post(&signed(&new, now()), BODY);
    assert!(
        shown.contains("signature verified, by secret 2 of 2"),
        "{shown}"
    );
}

#[test]
fn fails_as_often_as_told_and_then_answers_with_the_status() {
    let mut listener = Listener::start(&["--fail", "2", "--status", "202"]);
    let statuses = [(); 4].map(|()| listener.post("", BODY).0);
    assert_eq!(statuses, [500, 500, 202, 202]);
}

#[test]
fn waits_before_it_answers() {
    let mut listener = Listener::start(&["--delay", "300"]);
    let start = Instant::now();
    listener.post("", BODY);
    assert!(start.elapsed() >= Duration::from_millis(300));
}

#[test]
fn a_sender_cannot_steer_the_terminal() {
    let (_, shown) = Listener::start(&[]).post("x-color: a\u{9b}31m\r\n", "\u{1b}[31mred\u{7}");
    let steering = |c: char| c.is_control() && c != '\n';
    assert!(!shown.contains(steering), "{shown:?}");
}

#[test]
fn a_body_over_the_limit_is_told_and_refused() {
    // One byte too many: more would be left unread, and the connection reset under the answer.
    let body = "x".repeat(Notification::MAX_BODY + 1);
    let (status, shown) = Listener::start(&[]).post("", &body);
    assert_eq!(status, 413);
    assert!(shown.contains("body not read"), "{shown}");
}

#[test]
fn what_cannot_be_used_ends_with_2() {
    let world = World::new();
    let run = world.run(&["listen", "--port", "0", "--secret", "hunter2"]);
    run.refused(2, &["--secret: a secret starts with `whsec_`"]);
    assert!(!run.err.contains("hunter2"), "{}", run.err);
    let listener = Listener::start(&[]);
    let port = listener.address.port().to_string();
    world
        .run(&["listen", "--port", &port])
        .refused(2, &["listening on 127.0.0.1:", "--port"]);
}
