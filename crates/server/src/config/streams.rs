//! The `[[streams]]` tables of a settings file, and the one stream that a variable gives.

use std::fs::File;
use std::io::Read as _;

use loggia_firehose::{Dictionary, SourceKind, SourceUrl};
use loggia_xrpc_client::AddressGuard;
use url::Url;

use super::tables::{Table, Tables};
use super::{Config, Mistake};
use crate::record_stream::{DictionaryFile, StreamSettings};

/// Most streams of one server: each is a connection and a task.
const MOST: usize = 16;
/// Most hosts of one stream.
const MOST_HOSTS: usize = 16;
/// The name of the stream that `jetstream_url` gives.
const JETSTREAM: &str = "jetstream";

/// The tables, and what is wrong with them.
pub(super) fn check(
    tables: Tables,
    config: &Config,
    mistakes: &mut Vec<Mistake>,
) -> Vec<StreamSettings> {
    let mut streams: Vec<StreamSettings> = Vec::new();
    let (development, guard) = (config.is_development(), config.guard());
    if let Some(url) = &config.jetstream_url {
        let mut values = toml::Table::new();
        values.insert("name".to_owned(), JETSTREAM.into());
        values.insert("urls".to_owned(), vec![url.clone()].into());
        let mut table = Table::of_variable("jetstream_url", values, mistakes);
        streams.extend(
            StreamTable {
                table: &mut table,
                development,
                guard: &guard,
            }
            .stream(0),
        );
    }
    tables.each("streams", MOST, mistakes, |table, number| {
        let guard = &guard;
        let mut read = StreamTable {
            table,
            development,
            guard,
        };
        let Some(stream) = read.stream(number) else {
            return;
        };
        if streams.iter().any(|known| known.name == stream.name) {
            let message = format!("`{}` is the name of another stream", stream.name);
            table.mistake("name", message);
            return;
        }
        streams.push(stream);
    });
    streams
}

/// A stream that is being read.
struct StreamTable<'t, 'a> {
    table: &'t mut Table<'a>,
    development: bool,
    guard: &'t AddressGuard,
}

impl StreamTable<'_, '_> {
    fn stream(&mut self, number: usize) -> Option<StreamSettings> {
        let name = self.name(number);
        let kind = self.kind();
        let hosts = match kind {
            Some(kind) => Some(self.hosts(kind)),
            // What they must look like is not known.
            None => {
                drop(self.table.texts("urls"));
                None
            }
        };
        let collections = self.collections();
        let verify = self.table.truth("verify");
        let from_start = self.starts_at_first();
        if verify && kind.is_some_and(|kind| kind != SourceKind::Repos) {
            let message = "is for kind `repos` only: nothing else is signed";
            self.table.mistake("verify", message);
        }
        let dictionary = self.dictionary(kind);
        self.table.refuse_unknown(
            "is not a setting of a stream; those are name, kind, urls, collections, verify, from and \
             dictionary",
        );
        Some(StreamSettings {
            name: name?,
            kind: kind?,
            hosts: hosts.filter(|hosts| !hosts.is_empty())?,
            collections,
            verify,
            from_start,
            dictionary,
        })
    }

    fn dictionary(&mut self, kind: Option<SourceKind>) -> Option<DictionaryFile> {
        let path = self.table.text("dictionary");
        if self.table.truth("compress") && path.is_none() {
            let message = "cannot be true without `dictionary`: the file that Jetstream compresses \
                           with, which is not part of this program";
            self.table.mistake("compress", message);
        }
        let path = path?;
        if kind.is_some_and(|kind| kind != SourceKind::Jetstream) {
            let message = "is for kind `jetstream` only: nothing else is compressed with one";
            self.table.mistake("dictionary", message);
            return None;
        }
        match read_dictionary(&path) {
            Ok(dictionary) => Some(DictionaryFile { path, dictionary }),
            Err(why) => {
                self.table.mistake("dictionary", format!("`{path}`: {why}"));
                None
            }
        }
    }

    fn name(&mut self, number: usize) -> Option<String> {
        let name = self
            .table
            .text("name")
            .unwrap_or_else(|| format!("stream{number}"));
        let known = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        if (1..=64).contains(&name.len()) && name.bytes().all(known) {
            return Some(name);
        }
        self.table
            .mistake("name", "must be 1 to 64 letters, digits and `-`, `_`, `.`");
        None
    }

    fn kind(&mut self) -> Option<SourceKind> {
        let Some(text) = self.table.text("kind") else {
            return Some(SourceKind::Jetstream);
        };
        let kind = SourceKind::ALL
            .into_iter()
            .find(|kind| kind.as_str() == text);
        if kind.is_none() {
            let names = SourceKind::ALL.map(SourceKind::as_str).join(", ");
            self.table
                .mistake("kind", format!("`{text}` is none of {names}"));
        }
        kind
    }

    fn hosts(&mut self, kind: SourceKind) -> Vec<SourceUrl> {
        let urls = self.table.texts("urls");
        if urls.is_empty() {
            self.table
                .mistake("urls", "is missing: at least one wss URL");
        }
        if urls.len() > MOST_HOSTS {
            self.table
                .mistake("urls", format!("has more than {MOST_HOSTS}"));
        }
        let mut hosts: Vec<SourceUrl> = Vec::new();
        for url in urls.iter().take(MOST_HOSTS) {
            match SourceUrl::read(url, kind) {
                Ok(host) => match self.check_host(kind, &host) {
                    Err(why) => self.table.mistake("urls", format!("`{url}`: {why}")),
                    Ok(()) if hosts.contains(&host) => {
                        self.table
                            .mistake("urls", format!("`{url}` is there twice"));
                    }
                    Ok(()) => hosts.push(host),
                },
                // Without the URL, which may hold a password.
                Err(error) => self.table.mistake("urls", error.to_string()),
            }
        }
        hosts
    }

    /// What keeps a host from being asked, as far as it can be seen without asking.
    fn check_host(&self, kind: SourceKind, host: &SourceUrl) -> Result<(), String> {
        let rest = match host.identity().split_once("://") {
            Some(("wss", rest)) => format!("https://{rest}"),
            Some((_, rest)) if self.development => format!("http://{rest}"),
            _ => return Err("must be wss".to_owned()),
        };
        let url = Url::parse(&rest).map_err(|error| error.to_string())?;
        self.guard
            .check_url(&url)
            .map_err(|refusal| refusal.to_string())?;
        let mut others = SourceKind::ALL.into_iter().filter(|other| *other != kind);
        match others.find(|other| other.path() == url.path()) {
            Some(other) => Err(format!("is the path of kind `{}`", other.as_str())),
            None => Ok(()),
        }
    }

    fn collections(&mut self) -> Vec<String> {
        let collections = self.table.texts("collections");
        for collection in &collections {
            let name = collection.strip_suffix(".*").unwrap_or(collection);
            let known = |byte: u8| byte.is_ascii_alphanumeric() || b".-".contains(&byte);
            if name.is_empty() || name.len() > 253 || !name.bytes().all(known) {
                let message = format!("`{collection}` is no NSID, with or without `.*` behind it");
                self.table.mistake("collections", message);
            }
        }
        collections
    }

    fn starts_at_first(&mut self) -> bool {
        match self.table.text("from").as_deref() {
            None | Some("now") => false,
            Some("start") => true,
            Some(_) => {
                self.table.mistake("from", "must be `now` or `start`");
                false
            }
        }
    }
}

fn read_dictionary(path: &str) -> Result<Dictionary, String> {
    // A byte more than fits tells that it is too long, however long it is.
    let most = Dictionary::LONGEST as u64 + 1;
    let file = File::open(path).map_err(|error| error.to_string())?;
    let mut bytes = Vec::new();
    let read = file.take(most).read_to_end(&mut bytes);
    read.map_err(|error| error.to_string())?;
    Dictionary::new(&bytes).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests;
