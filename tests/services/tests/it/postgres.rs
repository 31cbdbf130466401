//! PostgreSQL.

use std::io::Read;
use std::net::{TcpStream, ToSocketAddrs};
use std::process::{Command, Stdio};
use std::time::Duration;

use loggia_services::{Durability, Postgres};

/// Asks a database something with the client that has nothing of ours.
fn ask(url: &str, sql: &str) -> Result<String, String> {
    let asked = Command::new("psql")
        .args(["-qXAt", "-d", url, "-c", sql])
        .output()
        .expect("psql is there");
    if asked.status.success() {
        Ok(String::from_utf8_lossy(&asked.stdout).trim().to_owned())
    } else {
        Err(String::from_utf8_lossy(&asked.stderr).into_owned())
    }
}

#[tokio::test]
async fn every_database_is_new() {
    let (first, second) = (Postgres::database().await, Postgres::database().await);
    assert_ne!(first, second);
    ask(&first, "CREATE TABLE here (id int)").expect("a table");
    let tables = "SELECT count(*) FROM pg_tables WHERE tablename = 'here'";
    assert_eq!(ask(&first, tables).as_deref(), Ok("1"));
    assert_eq!(ask(&second, tables).as_deref(), Ok("0"));
}

#[test]
fn data_outlives_a_stop_and_a_crash() {
    let mut server = Postgres::start(Durability::Process).expect("a server");
    let url = server.own_database().expect("a database");
    ask(&url, "CREATE TABLE kept (id int)").expect("a table");
    for (id, end) in [Postgres::stop, Postgres::crash].into_iter().enumerate() {
        ask(&url, &format!("INSERT INTO kept VALUES ({id})")).expect("a row");
        end(&mut server).expect("it ends");
        ask(&url, "SELECT 1").expect_err("it is gone");
        server.resume().expect("it comes back");
    }
    assert_eq!(ask(&url, "SELECT count(*) FROM kept").as_deref(), Ok("2"));
}

#[test]
fn nobody_gets_in_without_the_password() {
    let server = Postgres::start(Durability::Process).expect("a server");
    let url = server.own_url();
    let (start, end) = (url.find("loggia:").expect("a name"), url.find('@'));
    let password = &url[start + "loggia:".len()..end.expect("an address")];
    ask(&url.replace(password, "guess"), "SELECT 1").expect_err("another password");
}

/// A process that holds a server's leash and dies without a word.
#[test]
fn a_server_ends_with_whoever_started_it() {
    if std::env::var("LOGGIA_SERVICES_CHILD").is_ok() {
        let server = Postgres::start(Durability::Process).expect("a server");
        println!("url {}", server.own_url());
        loop {
            std::thread::park();
        }
    }
    let mut child = Command::new(std::env::current_exe().expect("this test"));
    child
        .args([
            "--exact",
            "postgres::a_server_ends_with_whoever_started_it",
            "--nocapture",
        ])
        .env("LOGGIA_SERVICES_CHILD", "1")
        .stdout(Stdio::piped());
    let mut child = child.spawn().expect("it starts again");
    let mut said = String::new();
    let mut out = child.stdout.take().expect("piped");
    while !said.contains("/postgres\n") {
        let mut some = [0; 256];
        let read = out.read(&mut some).expect("it says");
        assert_ne!(read, 0, "it said only {said}");
        said.push_str(&String::from_utf8_lossy(&some[..read]));
    }
    let address = said
        .split('@')
        .nth(1)
        .and_then(|rest| rest.split('/').next());
    let address = address.expect("an address").to_socket_addrs();
    let address = address.expect("numbers").next().expect("one");
    TcpStream::connect(address).expect("it runs");

    child.kill().expect("a process can be killed");
    child.wait().expect("it ends");
    while TcpStream::connect(address).is_ok() {
        std::thread::sleep(Duration::from_millis(5));
    }
}
