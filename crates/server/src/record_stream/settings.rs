//! Which streams there are.

use jiff::Timestamp;
use loggia_firehose::{Cursor, Dictionary, Source, SourceKind, SourceUrl, Wanted};

/// A record stream to consume.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamSettings {
    /// What the operator calls it; its cursors are kept under this name.
    pub name: String,
    /// Which protocol its hosts speak.
    pub kind: SourceKind,
    /// Its hosts; whoever comes first is asked first.
    pub hosts: Vec<SourceUrl>,
    /// Of which collections changes are wanted; empty for all.
    pub collections: Vec<String>,
    /// Whether every commit's signature is checked. For [`SourceKind::Repos`] only.
    pub verify: bool,
    /// Whether the first start asks for everything that the source still has, and not for what comes
    /// from then on.
    pub from_start: bool,
    /// What the source's frames are compressed with. For [`SourceKind::Jetstream`] only.
    pub dictionary: Option<DictionaryFile>,
}

/// A dictionary, and the file that it was read from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DictionaryFile {
    /// As it was given.
    pub path: String,
    /// What it holds.
    pub dictionary: Dictionary,
}

impl StreamSettings {
    /// Each setting with its value as TOML.
    pub fn shown(&self) -> Vec<(&'static str, String)> {
        let hosts = self.hosts.iter().map(SourceUrl::identity);
        let from = if self.from_start { "start" } else { "now" };
        let mut all = vec![
            ("name", format!("{:?}", self.name)),
            ("kind", format!("{:?}", self.kind.as_str())),
            ("urls", format!("{:?}", hosts.collect::<Vec<_>>())),
            ("collections", format!("{:?}", self.collections)),
            ("verify", self.verify.to_string()),
            ("from", format!("{from:?}")),
        ];
        if let Some(file) = &self.dictionary {
            all.push(("dictionary", format!("{:?}", file.path)));
        }
        all
    }

    pub(super) fn source(&self) -> Source {
        Source {
            name: self.name.clone(),
            kind: self.kind,
            hosts: self.hosts.clone(),
            wanted: Wanted::of(self.collections.iter()),
            dictionary: self.dictionary.as_ref().map(|file| file.dictionary.clone()),
        }
    }

    /// Where to begin when nothing is known of the stream.
    pub(super) fn first_cursors(&self) -> Vec<Cursor> {
        let hosts = self.hosts.iter().filter(|_| self.from_start);
        let everything = hosts.map(|host| Cursor {
            source: host.identity().to_owned(),
            position: 0,
            time: Timestamp::UNIX_EPOCH,
        });
        everything.collect()
    }
}
