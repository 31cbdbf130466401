//! What can be said on the command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use loggia_lexicon::catalog::DefinitionName;
use loggia_server::operator::ApiClientId;
use loggia_syntax::{Did, Nsid};

use crate::deliveries::DeliveriesCommand;
use crate::keys::KeyName;

/// The server side of AT Protocol: serve, generate code, validate records, compare lexicons.
#[derive(Debug, Parser)]
#[command(
    name = "loggia",
    version,
    about,
    after_help = "Without a command, `loggia` serves."
)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Option<Command>,
    #[command(flatten)]
    pub settings: SettingsArgs,
}

/// Where the server's settings come from.
#[derive(Args, Clone, Debug, Default)]
pub struct SettingsArgs {
    /// A TOML file with settings; variables such as LOGGIA_BIND override it.
    #[arg(long, global = true, value_name = "FILE", env = "LOGGIA_CONFIG_FILE")]
    pub config: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the server.
    Serve,
    /// Write Rust types, validation and a route table from a folder of lexicons.
    Codegen(CodegenArgs),
    /// Check records against lexicons.
    ///
    /// Ends with 0 if every file is valid, 1 if one is not, 2 if one could not be read as JSON or the
    /// question makes no sense. The other files are checked all the same.
    Validate(ValidateArgs),
    /// Lint, compare or export lexicons.
    #[command(subcommand)]
    Lexicon(LexiconCommand),
    /// Receive webhooks and show them, with a verdict on each signature.
    Listen(ListenArgs),
    /// Read the settings, say what they are and what is wrong with them.
    CheckConfig,
    /// The server's own keys.
    #[command(subcommand)]
    Keys(KeysCommand),
    /// Accounts that this server holds the keys of: it hosts their spaces and repositories in spaces.
    #[command(subcommand)]
    Account(AccountCommand),
    /// Clients of the API, which send an X-Client-Key.
    #[command(subcommand)]
    Client(ClientCommand),
    /// Deliveries to everybody's endpoints: look at them, send them again, cancel them.
    #[command(subcommand)]
    Deliveries(DeliveriesCommand),
    /// Accounts and tokens for trying the server on this machine.
    #[command(subcommand)]
    Dev(DevCommand),
}

#[derive(Args, Debug)]
pub struct CodegenArgs {
    /// The folder of lexicons.
    #[arg(long, value_name = "DIR")]
    pub lexicons: PathBuf,
    /// The folder to write; nothing outside it is touched.
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// Where the folder stands in the crate, if not where its path under src/ says.
    #[arg(long, value_name = "crate::PATH")]
    pub module: Option<String>,
    /// Methods that the route table holds, as NSIDs or patterns like `com.example.*`. All of them
    /// unless given.
    #[arg(long, value_name = "PATTERN")]
    pub serve: Vec<String>,
    /// Write nothing: print what would change, and end with 1 if anything would.
    #[arg(long)]
    pub check: bool,
}

#[derive(Args, Debug)]
pub struct ValidateArgs {
    /// The folder of lexicons.
    #[arg(long, value_name = "DIR")]
    pub lexicons: PathBuf,
    /// The type to check against, instead of each record's own `$type`: `NSID` or `NSID#name`.
    #[arg(long = "type", value_name = "NSID", value_parser = definition_name)]
    pub type_name: Option<String>,
    /// Take a part of the data as valid where its schema is not in the folder.
    #[arg(long)]
    pub allow_unresolved: bool,
    /// Print one JSON object for each file, also for one that cannot be read.
    #[arg(long)]
    pub json: bool,
    /// JSON files; `-` is the standard input.
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
}

/// `NSID` or `NSID#name`, whether there is such a definition or not.
fn definition_name(text: &str) -> Result<String, String> {
    let name = DefinitionName::parse("", text);
    match name.map(|name| Nsid::check(name.nsid)) {
        Some(Ok(_)) => Ok(text.to_owned()),
        Some(Err(error)) => Err(format!("it takes NSID or NSID#name: {error}")),
        None => Err("it takes NSID or NSID#name".to_owned()),
    }
}

#[derive(Debug, Subcommand)]
pub enum LexiconCommand {
    /// Find what is wrong or unwise in lexicons.
    Lint {
        /// Lexicon files, or folders of them.
        #[arg(required = true, value_name = "PATH")]
        paths: Vec<PathBuf>,
        /// Print one JSON object for each finding.
        #[arg(long)]
        json: bool,
    },
    /// Say what changed from one folder (or file) of lexicons to another, and what it breaks.
    ///
    /// Ends with 0 if everything is compatible, 1 if something breaks, 2 if it cannot tell.
    Diff {
        /// The lexicons before.
        old: PathBuf,
        /// The lexicons after.
        new: PathBuf,
        /// Print one JSON object for each change.
        #[arg(long)]
        json: bool,
    },
    /// Write lexicons as JSON Schema or OpenAPI.
    Export {
        /// Which of the two.
        #[arg(long, value_enum)]
        format: ExportFormat,
        /// For JSON Schema: the definition to export, `NSID` or `NSID#name`.
        #[arg(
            long = "def",
            value_name = "NSID",
            required_if_eq("format", "json-schema")
        )]
        definition: Option<String>,
        /// The folder of lexicons.
        #[arg(value_name = "DIR")]
        lexicons: PathBuf,
    },
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum ExportFormat {
    /// JSON Schema 2020-12 of one definition and what it refers to.
    JsonSchema,
    /// OpenAPI 3.1 of every method.
    Openapi,
}

#[derive(Args, Debug)]
pub struct ListenArgs {
    /// The port to listen on, on 127.0.0.1.
    #[arg(long, default_value_t = 9000)]
    pub port: u16,
    /// The secret (`whsec_…`) that signatures are checked with; more than one during a rotation.
    #[arg(long, value_name = "SECRET")]
    pub secret: Vec<String>,
    /// The HTTP status to answer with.
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u16).range(200..=599))]
    pub status: u16,
    /// Answer 500 to this many requests first.
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub fail: u32,
    /// Wait this long before each answer, in milliseconds.
    #[arg(long, default_value_t = 0, value_name = "MS")]
    pub delay: u64,
}

#[derive(Debug, Subcommand)]
pub enum KeysCommand {
    /// Make the keys that are missing, and print all that sign.
    ///
    /// A server makes them as well when it starts.
    Init,
    /// Print every key, those included that have been replaced.
    List,
    /// Replace a key, and print the new one. A running server takes it over within seconds.
    ///
    /// Access tokens that were signed with the old key hold until they expire.
    Rotate {
        /// Which key: `atproto`, `atproto_space`, `tokens`; or `login`, by which the server proves itself to
        /// the servers of people who log in: made anew at the next start, and they log in again.
        key: KeyName,
    },
    /// Seal every secret in the database under the master key in LOGGIA_NEW_MASTER_KEY.
    ///
    /// The server must not be running. Its key file is replaced; if the present key comes from
    /// LOGGIA_MASTER_KEY, set that to the new one afterwards. Interrupted, run it again. Secrets that
    /// are derived from the master key change as well: people have to log in again.
    Reseal,
}

#[derive(Debug, Subcommand)]
pub enum AccountCommand {
    /// Take an account in: make its key, and print it.
    Create {
        /// Its DID, for example `did:web:alice.hub.example`.
        did: Did,
    },
    /// Print every account with its key.
    List,
}

#[derive(Debug, Subcommand)]
pub enum ClientCommand {
    /// Make a client, and print its key: this once, since only its hash is kept.
    Create(CreateClientArgs),
    /// Print every client, those included that have been revoked.
    List,
    /// Make a client's key worthless. A running server notices within seconds.
    Revoke {
        /// Which client, as `loggia client list` shows it.
        #[arg(value_name = "ID")]
        id: ApiClientId,
    },
}

#[derive(Args, Debug)]
pub struct CreateClientArgs {
    /// What to call it.
    #[arg(long)]
    pub name: String,
    /// The origin of web pages that may use the key, such as https://app.example; more than one if
    /// needed. Without any, the key is for programs that are no web pages.
    #[arg(long = "origin", value_name = "URL")]
    pub origins: Vec<String>,
    /// How many requests it has within a minute, beside the limit of each address.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub requests_per_minute: Option<u32>,
}

#[derive(Debug, Subcommand)]
pub enum DevCommand {
    /// Make an account: a key on this disk and a did:web document that the server publishes.
    Account {
        /// A name that can stand in front of `.localhost`.
        #[arg(default_value = "alice")]
        name: String,
    },
    /// Mint a service-auth token for one call.
    Token {
        /// The method to call, for example `place.stream.server.createWebhook`.
        #[arg(long, value_name = "NSID")]
        lxm: String,
        /// The account that calls.
        #[arg(long, default_value = "alice", value_name = "NAME")]
        account: String,
        /// The service that is called, if not the development server itself.
        #[arg(long, value_name = "DID")]
        aud: Option<String>,
    },
}
