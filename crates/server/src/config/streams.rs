//! The `[[streams]]` tables of a settings file, and the one stream that a variable gives.

use loggia_firehose::{SourceKind, SourceUrl};

use super::{Config, Mistake};
use crate::record_stream::StreamSettings;

/// Most streams of one server: each is a connection and a task.
const MOST: usize = 16;
/// Most hosts of one stream.
const MOST_HOSTS: usize = 16;
/// The name of the stream that `jetstream_url` gives.
const JETSTREAM: &str = "jetstream";

/// Tables as they stand in the file.
#[derive(Default)]
pub(super) struct GivenStreams {
    tables: Vec<toml::Value>,
    source: String,
}

impl GivenStreams {
    /// Takes what the file says.
    pub(super) fn read(&mut self, value: toml::Value, source: &str) {
        source.clone_into(&mut self.source);
        self.tables = match value {
            toml::Value::Array(tables) => tables,
            // No table either, so that it is told of as one.
            other => vec![other],
        };
    }

    /// The streams; what is wrong with the tables goes to the mistakes.
    pub(super) fn check(self, config: &Config, mistakes: &mut Vec<Mistake>) -> Vec<StreamSettings> {
        let mut streams: Vec<StreamSettings> = Vec::new();
        let development = config.is_development();
        streams.extend(config.jetstream_url.as_deref().and_then(|url| {
            let mut table = Table::of_variable(url, development, mistakes);
            table.stream(0)
        }));
        for (number, table) in self.tables.into_iter().enumerate() {
            let values = match table {
                toml::Value::Table(values) => Some(values),
                _ => None,
            };
            let mut table = Table {
                place: format!("streams[{number}]"),
                source: &self.source,
                development,
                mistakes,
                values,
            };
            if number == MOST {
                table.mistake("", format!("is one too many: there can be {MOST}"));
                break;
            }
            let Some(stream) = table.stream(number) else {
                continue;
            };
            if streams.iter().any(|known| known.name == stream.name) {
                let message = format!("`{}` is the name of another stream", stream.name);
                table.mistake("name", message);
                continue;
            }
            streams.push(stream);
        }
        streams
    }
}

/// A table that is being read.
struct Table<'a> {
    place: String,
    source: &'a str,
    development: bool,
    mistakes: &'a mut Vec<Mistake>,
    values: Option<toml::Table>,
}

impl<'a> Table<'a> {
    /// What the variable stands for.
    fn of_variable(url: &str, development: bool, mistakes: &'a mut Vec<Mistake>) -> Self {
        let mut values = toml::Table::new();
        values.insert("name".to_owned(), JETSTREAM.into());
        values.insert("urls".to_owned(), vec![url.to_owned()].into());
        Self {
            place: "jetstream_url".to_owned(),
            source: "as set",
            development,
            mistakes,
            values: Some(values),
        }
    }
}

impl Table<'_> {
    fn stream(&mut self, number: usize) -> Option<StreamSettings> {
        if self.values.is_none() {
            self.mistake("", "must be a table: write [[streams]]");
            return None;
        }
        let name = self.name(number);
        let kind = self.kind();
        let hosts = match kind {
            Some(kind) => Some(self.hosts(kind)),
            // What they must look like is not known.
            None => {
                drop(self.texts("urls"));
                None
            }
        };
        let collections = self.collections();
        let verify = self.truth("verify");
        let from_start = self.starts_at_first();
        if verify && kind.is_some_and(|kind| kind != SourceKind::Repos) {
            self.mistake("verify", "is for kind `repos` only: nothing else is signed");
        }
        self.refuse_unknown();
        Some(StreamSettings {
            name: name?,
            kind: kind?,
            hosts: hosts.filter(|hosts| !hosts.is_empty())?,
            collections,
            verify,
            from_start,
        })
    }

    fn name(&mut self, number: usize) -> Option<String> {
        let name = self
            .text("name")
            .unwrap_or_else(|| format!("stream{number}"));
        let known = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        if (1..=64).contains(&name.len()) && name.bytes().all(known) {
            return Some(name);
        }
        self.mistake("name", "must be 1 to 64 letters, digits and `-`, `_`, `.`");
        None
    }

    fn kind(&mut self) -> Option<SourceKind> {
        let Some(text) = self.text("kind") else {
            return Some(SourceKind::Jetstream);
        };
        let kind = SourceKind::ALL
            .into_iter()
            .find(|kind| kind.as_str() == text);
        if kind.is_none() {
            let names = SourceKind::ALL.map(SourceKind::as_str).join(", ");
            self.mistake("kind", format!("`{text}` is none of {names}"));
        }
        kind
    }

    fn hosts(&mut self, kind: SourceKind) -> Vec<SourceUrl> {
        let urls = self.texts("urls");
        if urls.is_empty() {
            self.mistake("urls", "is missing: at least one wss URL");
        }
        if urls.len() > MOST_HOSTS {
            self.mistake("urls", format!("has more than {MOST_HOSTS}"));
        }
        let mut hosts = Vec::new();
        for url in urls.iter().take(MOST_HOSTS) {
            match SourceUrl::read(url, kind) {
                Ok(host) if !self.development && !host.identity().starts_with("wss:") => {
                    self.mistake("urls", format!("`{url}`: must be wss"));
                }
                Ok(host) => hosts.push(host),
                // Without the URL, which may hold a password.
                Err(error) => self.mistake("urls", error.to_string()),
            }
        }
        hosts
    }

    fn collections(&mut self) -> Vec<String> {
        let collections = self.texts("collections");
        for collection in &collections {
            let name = collection.strip_suffix(".*").unwrap_or(collection);
            let known = |byte: u8| byte.is_ascii_alphanumeric() || b".-".contains(&byte);
            if name.is_empty() || name.len() > 253 || !name.bytes().all(known) {
                let message = format!("`{collection}` is no NSID, with or without `.*` behind it");
                self.mistake("collections", message);
            }
        }
        collections
    }

    fn starts_at_first(&mut self) -> bool {
        match self.text("from").as_deref() {
            None | Some("now") => false,
            Some("start") => true,
            Some(_) => {
                self.mistake("from", "must be `now` or `start`");
                false
            }
        }
    }

    fn truth(&mut self, name: &str) -> bool {
        let values = self.values.as_mut();
        match values.and_then(|values| values.remove(name)) {
            None => false,
            Some(toml::Value::Boolean(truth)) => truth,
            Some(_) => {
                self.mistake(name, "must be true or false");
                false
            }
        }
    }

    fn text(&mut self, name: &str) -> Option<String> {
        match self.values.as_mut()?.remove(name)? {
            toml::Value::String(text) if !text.is_empty() => Some(text),
            _ => {
                self.mistake(name, "must be a text that is not empty");
                None
            }
        }
    }

    fn texts(&mut self, name: &str) -> Vec<String> {
        let values = self.values.as_mut();
        let list = match values.and_then(|values| values.remove(name)) {
            None => return Vec::new(),
            Some(toml::Value::Array(list)) => list,
            Some(one) => vec![one],
        };
        let mut texts = Vec::new();
        for value in list {
            match value {
                toml::Value::String(text) if !text.is_empty() => texts.push(text),
                _ => self.mistake(name, "must be a list of texts"),
            }
        }
        texts
    }

    fn refuse_unknown(&mut self) {
        for (name, _) in self.values.take().unwrap_or_default() {
            let message = "is not a setting of a stream; those are name, kind, urls, collections, \
                           verify and from";
            self.mistake(&name, message);
        }
    }

    fn mistake(&mut self, name: &str, message: impl Into<String>) {
        let dot = if name.is_empty() { "" } else { "." };
        self.mistakes.push(Mistake {
            name: format!("{}{dot}{name}", self.place),
            source: self.source.to_owned(),
            message: message.into(),
        });
    }
}

#[cfg(test)]
mod tests;
