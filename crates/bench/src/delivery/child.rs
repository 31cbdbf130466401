//! The side that is measured, as a process of its own: its CPU time and its memory are its own.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde::Serialize;
use serde::de::DeserializeOwned;

/// A running child. Dropped, it is killed.
pub struct Measured {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: BufReader<ChildStdout>,
}

/// What a process has used so far.
#[derive(Clone, Copy, Debug)]
pub struct Used {
    /// CPU time in seconds, in steps of 10 ms.
    pub cpu: f64,
    /// The most memory that it has held, in MiB.
    pub peak: f64,
}

impl Measured {
    /// Starts this program again in the named part, with these variables.
    pub fn start(part: &str, variables: &[(String, String)]) -> Self {
        let program = std::env::current_exe().expect("this program has a path");
        let mut command = Command::new(program);
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("LOGGIA_") {
                command.env_remove(name);
            }
        }
        Self::of(command.arg(part).envs(variables.iter().cloned()))
    }

    /// Starts another program that hears orders and answers them.
    pub fn of(command: &mut Command) -> Self {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("this program can be started");
        let stdin = child.stdin.take();
        let stdout = BufReader::new(child.stdout.take().expect("piped above"));
        Self {
            child,
            stdin,
            stdout,
        }
    }

    /// Says something to it, in one line.
    pub fn tell(&mut self, order: &impl Serialize) {
        let mut line = serde_json::to_vec(order).expect("plain data");
        line.push(b'\n');
        let stdin = self.stdin.as_mut().expect("open until it is told to end");
        stdin.write_all(&line).expect("it listens");
    }

    /// Hears what it has to say, in one line.
    pub fn hear<T: DeserializeOwned>(&mut self) -> T {
        let mut line = String::new();
        self.stdout.read_line(&mut line).expect("it speaks text");
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("`{line}`: {error}"))
    }

    /// What it has used so far.
    pub fn used(&self) -> Used {
        used(self.child.id())
    }

    /// Kills it without a warning.
    pub fn kill(&mut self) {
        self.child.kill().expect("it runs");
        self.child.wait().expect("it ends");
    }
}

impl Drop for Measured {
    fn drop(&mut self) {
        // It may have ended on its own; then there is nothing to kill.
        self.child.kill().unwrap_or_default();
        self.child.wait().expect("it ends");
    }
}

/// What a process of this machine has used so far.
pub fn used(process: u32) -> Used {
    let read = |name: &str| {
        std::fs::read_to_string(format!("/proc/{process}/{name}")).expect("Linux says it there")
    };
    let stat = read("stat");
    let after_name = stat.rsplit_once(") ").expect("a name in brackets").1;
    let ticks = after_name.split(' ').skip(11).take(2);
    let ticks: u64 = ticks
        .map(|ticks| ticks.parse::<u64>().expect("a number"))
        .sum();
    let status = read("status");
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let peak = peak.and_then(|line| line.trim().strip_suffix("kB"));
    let peak: f64 = peak
        .and_then(|kib| kib.trim().parse().ok())
        .expect("a number");
    Used {
        cpu: ticks as f64 / 100.0,
        peak: peak / 1024.0,
    }
}

/// Orders from whoever started this part, each in one line; the end of them is the end of it.
pub fn orders<T: DeserializeOwned>() -> impl Iterator<Item = T> {
    let lines = std::io::stdin().lines().map_while(Result::ok);
    lines.map(|line| serde_json::from_str(&line).expect("an order"))
}

/// Answers whoever started this part.
pub fn answer(answer: &impl Serialize) {
    println!("{}", serde_json::to_string(answer).expect("plain data"));
}

/// Ends this process when whoever started it is gone.
pub fn end_with_the_parent() {
    std::thread::spawn(|| {
        let mut rest = Vec::new();
        if let Err(error) = std::io::stdin().read_to_end(&mut rest) {
            eprintln!("the standard input failed, which ends this as well: {error}");
        }
        std::process::exit(3);
    });
}
