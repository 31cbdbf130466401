//! Spaces: writes that a hundred registrations are told of, and what a reader pulls.
//!
//! A build without optimizations works with a handful of records, to show that it runs.

mod served;

use std::hint::black_box;
use std::path::Path;
use std::time::{Duration, Instant};

use loggia_space::SetHash;
use sha2::{Digest as _, Sha256};

use crate::contest::Contest;
use crate::delivery::receiver::Receivers;
use crate::delivery::xrpc::Served;
use crate::figures::{Verdict, row};

/// Whether this is no build to measure with.
const TINY: bool = cfg!(debug_assertions);
/// Registrations that each write is told to.
const REGISTRATIONS: usize = if TINY { 10 } else { 100 };
/// Records that are written one by one.
const WRITES: usize = if TINY { 8 } else { 2_000 };
/// Records that are written in batches, to be read.
const RECORDS: usize = if TINY { 20 } else { 50_000 };
/// Bytes of text in each of those.
const TEXT: usize = if TINY { 100 } else { 1_000 };
/// Pages of operations that are read.
const PAGES: usize = if TINY { 4 } else { 2_000 };
/// How long deliveries may take.
const PATIENCE: Duration = Duration::from_secs(300);
const MIB: f64 = 1_048_576.0;

pub fn run() {
    set_hash();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let settings = [
        ("LOGGIA_REGISTRATIONS_PER_SPACE", "1000".to_owned()),
        ("LOGGIA_REGISTRATIONS_PER_CALLER", "1000".to_owned()),
    ];
    let mut server = Served::start(folder.path(), &settings);
    writes(&mut server);
    reads(&mut server, folder.path());
}

/// Adding an element is one output of BLAKE3, and 1,024 additions of sixteen bits.
fn set_hash() {
    let element = "com.example.forum.post/3jwq5dya2gy2z\
         bafyreie5cvv4h45feadgeuwhbcutmh6t7ceseocckahdoe6uat64zmz454";
    let mut set = SetHash::new();
    let mut output = [0; 2048];
    Contest::against(
        "elements of a set hash",
        "BLAKE3, 2048 bytes of output",
        move || {
            let mut hasher = blake3::Hasher::new();
            hasher.update(black_box(element).as_bytes());
            hasher.finalize_xof().fill(&mut output);
            output[0]
        },
    )
    .lane("added to the set", Some(0.8), move || {
        set.add_element(black_box(element));
    })
    .by_speed()
    .run();
}

/// Records one by one, each told to every registration.
fn writes(server: &mut Served) {
    println!("\nrecords written over 64 connections, on SQLite");
    let receivers = Receivers::start(10);
    let space = served::open(server, "written");
    let alone = served::write(server, &space, WRITES);
    shown("written, nobody is told", alone, "/s");
    for number in 0..REGISTRATIONS {
        let url = &receivers.urls[number % receivers.urls.len()];
        server.register_for(&space, &format!("{url}?n={number}"));
    }
    let before = receivers.count();
    let begun = Instant::now();
    let told = served::write(server, &space, WRITES);
    shown(
        &format!("written, {REGISTRATIONS} registrations are told"),
        told,
        "/s",
    );
    let all = (WRITES * REGISTRATIONS) as u64;
    match receivers.wait_for(before + all, PATIENCE) {
        Some(_) => {
            let rate = all as f64 / begun.elapsed().as_secs_f64();
            shown("notifications received", rate, "/s");
        }
        None => println!("  not all arrived within {} s", PATIENCE.as_secs()),
    }
}

/// A snapshot and the log of operations, against what disk and hash allow.
fn reads(server: &mut Served, folder: &Path) {
    println!("\na repository of {RECORDS} records of {TEXT} bytes, read");
    let space = served::open(server, "read");
    served::fill(server, &space, RECORDS, TEXT);
    let begun = Instant::now();
    let database = std::fs::read(folder.join("loggia.db")).expect("the database is there");
    let disk = database.len() as f64 / MIB / begun.elapsed().as_secs_f64();
    let bytes = vec![7; RECORDS * TEXT];
    let begun = Instant::now();
    black_box(Sha256::digest(&bytes));
    let hash = bytes.len() as f64 / MIB / begun.elapsed().as_secs_f64();
    drop((database, bytes));
    shown("the database file, read", disk, " MiB/s");
    shown("SHA-256 of as many bytes", hash, " MiB/s");
    // Once to warm up.
    served::snapshot(server, &space);
    let begun = Instant::now();
    let read = served::snapshot(server, &space);
    let rate = read as f64 / MIB / begun.elapsed().as_secs_f64();
    let ratio = format!("{:.2}", rate / disk.min(hash));
    let taken = format!("{rate:.0} MiB/s");
    row("getRepo, over HTTP", &taken, &ratio, &Verdict::None);
    let pages = served::pages(server, &space, PAGES);
    shown("listRepoOps, pages of 100 operations", pages, "/s");
}

fn shown(name: &str, rate: f64, unit: &str) {
    row(name, &format!("{rate:.0}{unit}"), "", &Verdict::None);
}
