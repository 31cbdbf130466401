//! What `loggia serve` says when it is ready.

use std::fmt::Write;
use std::path::Path;

use loggia_syntax::Nsid;

use crate::origin::Origin;

/// Where the server is, what it serves, and what to try next.
pub fn text(
    origin: &Origin,
    methods: &[Nsid],
    development: bool,
    data: &Path,
    streams: &[String],
) -> String {
    let mut text = format!(
        "loggia {} on {}\n  DID   {}\n  data  {}\n\nMethods, each at {}/xrpc/NSID:\n",
        env!("CARGO_PKG_VERSION"),
        origin.url,
        origin.did,
        data.display(),
        origin.url,
    );
    for method in methods {
        writeln!(text, "  {method}").expect("a String takes any text");
    }
    text.push_str(&match streams {
        [] => NO_STREAM.to_owned(),
        streams => format!("\nRecord streams: {}\n", streams.join(", ")),
    });
    text.push_str(if development { DEVELOPMENT } else { PUBLISHED });
    text
}

const NO_STREAM: &str = "
No record stream is consumed, so no webhook is told of records. JETSTREAM_URL, or [[streams]] in
loggia.toml, says where one is.
";

const DEVELOPMENT: &str = "
Development: bound to loopback and without a public_url, so accounts made by `loggia dev account`
are published here and deliveries may go to loopback. Every check stays on.

Try next, in another terminal:
  loggia dev account alice
  loggia dev token --lxm place.stream.server.listWebhooks
The README goes on from there.
";

const PUBLISHED: &str = "
Published: there are no development accounts, and deliveries go to public addresses over https only.
";
