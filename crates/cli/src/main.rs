//! The `loggia` command line.
//!
//! Ends with 0 if all is well, 1 if something was found (a violation, a difference, a breaking
//! change), 2 if the question could not be answered (usage, unreadable input, a failed start).

mod account;
mod args;
mod check_config;
mod client;
mod codegen;
mod deliveries;
mod dev;
mod keys;
mod lexicon;
mod listen;
mod log_lines;
mod output;
mod progress;
mod report;
mod serve;
mod validate;

use std::process::ExitCode;

use args::{AccountCommand, Cli, ClientCommand, Command, DevCommand, KeysCommand, LexiconCommand};
use clap::Parser;

/// How a command ended, if it could do its work at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    /// All is well.
    Fine,
    /// What was looked for was found: exit code 1.
    Found,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    report::set_up();
    match run(cli) {
        Ok(Outcome::Fine) => ExitCode::SUCCESS,
        Ok(Outcome::Found) => ExitCode::from(1),
        Err(error) => {
            report::print(&error);
            ExitCode::from(2)
        }
    }
}

fn run(cli: Cli) -> miette::Result<Outcome> {
    match cli.command.unwrap_or(Command::Serve) {
        Command::Serve => serve::run(&cli.settings),
        Command::Codegen(args) => codegen::run(&args),
        Command::Validate(args) => validate::run(&args),
        Command::Lexicon(LexiconCommand::Lint { paths, json }) => lexicon::lint::run(&paths, json),
        Command::Lexicon(LexiconCommand::Diff { old, new, json }) => {
            lexicon::diff::run(&old, &new, json)
        }
        Command::Lexicon(LexiconCommand::Export {
            format,
            definition,
            lexicons,
        }) => lexicon::export::run(format, definition.as_deref(), &lexicons),
        Command::Listen(args) => listen::run(&args),
        Command::CheckConfig => check_config::run(&cli.settings),
        Command::Account(AccountCommand::Create { did }) => account::create(&cli.settings, &did),
        Command::Account(AccountCommand::List) => account::list(&cli.settings),
        Command::Client(ClientCommand::Create(args)) => client::create(&cli.settings, &args),
        Command::Client(ClientCommand::List) => client::list(&cli.settings),
        Command::Client(ClientCommand::Revoke { id }) => client::revoke(&cli.settings, id),
        Command::Deliveries(command) => deliveries::run(&cli.settings, &command),
        Command::Keys(KeysCommand::Init) => keys::init(&cli.settings),
        Command::Keys(KeysCommand::List) => keys::list(&cli.settings),
        Command::Keys(KeysCommand::Rotate { key }) => keys::rotate(&cli.settings, key),
        Command::Keys(KeysCommand::Reseal) => keys::reseal(&cli.settings),
        Command::Dev(DevCommand::Account { name }) => dev::account(&cli.settings, &name),
        Command::Dev(DevCommand::Token { lxm, account, aud }) => {
            dev::token(&cli.settings, &lxm, &account, aud.as_deref())
        }
    }
}
