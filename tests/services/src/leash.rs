//! A server process that ends with this one.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};

use crate::ServiceError;

/// Starts a server, tells its process id, and ends it as it is told to, or at once when the other
/// end of the standard input closes, whatever became of whoever held it. Then the folder goes too.
const KEEPER: &str = r#"
folder=$1; end=$2; shift 2
"$@" >&2 &
server=$!
echo "$server"
if read -r signal; then
    kill -s "$signal" "$server"
    wait "$server"
else
    kill -s "$end" "$server"
    wait "$server"
    rm -rf "$folder"
fi
"#;

/// A running server.
pub(crate) struct Leash {
    keeper: Child,
    hand: Option<ChildStdin>,
    /// The server's process id.
    pub(crate) server: u32,
}

impl Leash {
    /// Runs this command, whose output goes to the log. The keeper is in a process group of its
    /// own, so that an interrupt at the keyboard reaches those first that still use the server.
    pub(crate) fn start(
        command: &Command,
        folder: &Path,
        end: &str,
        log: &Path,
    ) -> Result<Self, ServiceError> {
        let failed = || ServiceError::io("run", command.get_program());
        let log = File::options()
            .create(true)
            .append(true)
            .open(log)
            .map_err(failed())?;
        let mut keeper = Command::new("sh");
        keeper
            .args(["-c", KEEPER, "keeper"])
            .arg(folder)
            .arg(end)
            .arg(command.get_program())
            .args(command.get_args())
            .current_dir("/")
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(log);
        let mut keeper = keeper.spawn().map_err(failed())?;
        let hand = keeper.stdin.take();
        let said = keeper.stdout.take().expect("piped above");
        let mut line = String::new();
        BufReader::new(said)
            .read_line(&mut line)
            .map_err(failed())?;
        let server = line
            .trim()
            .parse()
            .map_err(|error| failed()(io::Error::other(error)))?;
        Ok(Self {
            keeper,
            hand,
            server,
        })
    }

    /// Whether it has not ended yet, as far as this system tells.
    pub(crate) fn runs(&self) -> bool {
        match std::fs::read_to_string(format!("/proc/{}/stat", self.server)) {
            // After its name comes its state: an ended process stays until the keeper looks.
            Ok(stat) => stat
                .rsplit_once(") ")
                .is_some_and(|(_, rest)| !rest.starts_with('Z')),
            Err(_) => !Path::new("/proc/self").exists(),
        }
    }

    /// Sends the server a signal that ends it, and waits for its end. Its folder stays.
    pub(crate) fn end(mut self, signal: &str) -> io::Result<()> {
        if let Some(mut hand) = self.hand.take() {
            writeln!(hand, "{signal}")?;
        }
        self.keeper.wait().map(drop)
    }
}

impl Drop for Leash {
    fn drop(&mut self) {
        self.hand = None;
        if let Err(error) = self.keeper.wait() {
            eprintln!("a server may still run, its keeper cannot be waited for: {error}");
        }
    }
}
