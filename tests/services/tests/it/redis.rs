//! Redis.

use std::io::{Read, Write};
use std::net::TcpStream;

use loggia_services::Redis;

/// Says one line and gives what comes back.
fn say(url: &str, line: &str) -> std::io::Result<String> {
    let address = url.split('@').nth(1).expect("an address");
    let password = url.trim_start_matches("redis://:").split('@').next();
    let mut stream = TcpStream::connect(address)?;
    let password = password.expect("a password");
    write!(stream, "AUTH {password}\r\n{line}\r\nQUIT\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}

#[test]
fn it_answers_with_its_password_only() {
    let url = Redis::url();
    let answer = say(&url, "PING").expect("an answer");
    assert!(answer.contains("+PONG"), "{answer}");
    let address = url.split('@').nth(1).expect("an address");
    let answer = say(&format!("redis://:guess@{address}"), "PING").expect("an answer");
    assert!(!answer.contains("+PONG"), "{answer}");
}

#[test]
fn it_can_be_away_for_a_while() {
    let mut redis = Redis::start().expect("a server");
    let url = redis.own_url();
    redis.stop().expect("it stops");
    say(&url, "PING").expect_err("it is gone");
    redis.resume().expect("it comes back");
    assert!(say(&url, "PING").expect("an answer").contains("+PONG"));
}
