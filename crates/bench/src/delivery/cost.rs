//! What a message costs, in CPU time of the sender alone: hardly moved by what else the machine does,
//! and so what to go by while something is being made cheaper.

use super::child::Measured;
use super::engine::Done;
use super::receiver::Receivers;
use super::xrpc::Served;
use super::{ENDPOINTS, PATIENCE, flat_out, line, open, postgres};

/// Messages that are counted, after a third as many to warm up.
const MESSAGES: usize = 20_000;

/// The cost on SQLite.
pub fn sqlite() {
    let receivers = Receivers::start(ENDPOINTS);
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("engine.db");
    called("SQLite", None, &receivers);
    engine("SQLite", &path.display().to_string(), &receivers);
}

/// The cost on PostgreSQL.
pub fn on_postgres() {
    let receivers = Receivers::start(ENDPOINTS);
    let postgres = postgres();
    called("PostgreSQL", Some(postgres.database()), &receivers);
    engine("PostgreSQL", &postgres.database(), &receivers);
}

/// Storage and engine alone.
fn engine(name: &str, store: &str, receivers: &Receivers) {
    let mut process = Measured::start("__engine", &[]);
    open(&mut process, store, &receivers.urls);
    for fan_out in [1, 10] {
        let done = flat_out(&mut process, fan_out);
        line(&format!("engine, {name}, {fan_out}"), &done, None, None);
    }
}

/// The whole server.
fn called(name: &str, database: Option<String>, receivers: &Receivers) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let database = database.map(|url| ("LOGGIA_DATABASE_URL", url));
    let mut server = Served::start(folder.path(), &Vec::from_iter(database));
    for (space, url) in receivers.urls.iter().enumerate() {
        server.register(space, url);
    }
    one(&mut server, receivers, name, (MESSAGES, ENDPOINTS, 1));
    for url in &receivers.urls[1..10] {
        server.register(0, url);
    }
    one(&mut server, receivers, name, (MESSAGES / 5, 1, 10));
}

fn one(
    server: &mut Served,
    receivers: &Receivers,
    name: &str,
    (count, spaces, fan_out): (usize, usize, u64),
) {
    let before = receivers.count();
    server.call(count / 3, spaces, None);
    let warm = before + (count / 3) as u64 * fan_out;
    receivers.wait_for(warm, PATIENCE).expect("all arrive");
    let used = server.process.used();
    let called = server.call(count, spaces, None);
    let all = warm + count as u64 * fan_out;
    let last = receivers.wait_for(all, PATIENCE).expect("all arrive");
    // The last outcomes are being written.
    std::thread::sleep(std::time::Duration::from_millis(300));
    let after = server.process.used();
    let done = Done {
        delivered: count as u64 * fan_out,
        seconds: (last - called.begun) as f64 / 1e9,
        cpu: after.cpu - used.cpu,
        peak: after.peak,
        acknowledged: Vec::new(),
    };
    line(&format!("over XRPC, {name}, {fan_out}"), &done, None, None);
    let each = done.cpu * 1e6 / count as f64;
    println!(
        "  {each:.0} µs a message, accepted {:.0}/s",
        count as f64 / called.seconds
    );
}
