//! Tables of a settings file that may stand there several times, `[[streams]]` and `[[issuers]]`.

use super::Mistake;

/// Tables of one name as they stand in the file.
#[derive(Default)]
pub(super) struct Tables {
    tables: Vec<toml::Value>,
    source: String,
}

impl Tables {
    /// Takes what the file says.
    pub(super) fn read(&mut self, value: toml::Value, source: &str) {
        source.clone_into(&mut self.source);
        self.tables = match value {
            toml::Value::Array(tables) => tables,
            // No table either, so that it is told of as one.
            other => vec![other],
        };
    }

    /// What these tables say under a name, before they are read one by one.
    pub(super) fn named<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        let values = self.tables.iter().filter_map(move |table| table.get(name));
        values.filter_map(toml::Value::as_str)
    }

    /// Reads one table after the other; one more than `most` is told of and ends it.
    pub(super) fn each(
        self,
        name: &str,
        most: usize,
        mistakes: &mut Vec<Mistake>,
        mut read: impl FnMut(&mut Table<'_>, usize),
    ) {
        for (number, value) in self.tables.into_iter().enumerate() {
            let mut table = Table {
                place: format!("{name}[{number}]"),
                source: &self.source,
                mistakes,
                values: toml::Table::new(),
            };
            if number == most {
                table.mistake("", format!("is one too many: there can be {most}"));
                break;
            }
            match value {
                toml::Value::Table(values) => {
                    table.values = values;
                    read(&mut table, number);
                }
                _ => table.mistake("", format!("must be a table: write [[{name}]]")),
            }
        }
    }
}

/// A table that is being read: what is taken out of it is known, and what stays in it is not.
pub(super) struct Table<'a> {
    place: String,
    source: &'a str,
    mistakes: &'a mut Vec<Mistake>,
    values: toml::Table,
}

impl<'a> Table<'a> {
    /// A table that stands nowhere, and is what a variable stands for.
    pub(super) fn of_variable(
        name: &str,
        values: toml::Table,
        mistakes: &'a mut Vec<Mistake>,
    ) -> Self {
        Self {
            place: name.to_owned(),
            source: "as set",
            mistakes,
            values,
        }
    }

    /// Whether there is anything under this name still.
    pub(super) fn has(&self, name: &str) -> bool {
        self.values.contains_key(name)
    }

    /// A text, if there is one.
    pub(super) fn text(&mut self, name: &str) -> Option<String> {
        match self.values.remove(name)? {
            toml::Value::String(text) if !text.is_empty() => Some(text),
            _ => {
                self.mistake(name, "must be a text that is not empty");
                None
            }
        }
    }

    /// A text that must be there.
    pub(super) fn required(&mut self, name: &str) -> Option<String> {
        if !self.has(name) {
            self.mistake(name, "is missing");
        }
        self.text(name)
    }

    /// A list of texts, or one text instead of it.
    pub(super) fn texts(&mut self, name: &str) -> Vec<String> {
        let list = match self.values.remove(name) {
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

    /// True or false, and false if it is not there.
    pub(super) fn truth(&mut self, name: &str) -> bool {
        match self.values.remove(name) {
            None => false,
            Some(toml::Value::Boolean(truth)) => truth,
            Some(_) => {
                self.mistake(name, "must be true or false");
                false
            }
        }
    }

    /// Tells of everything that nobody has taken.
    pub(super) fn refuse_unknown(&mut self, message: &str) {
        for (name, _) in std::mem::take(&mut self.values) {
            self.mistake(&name, message);
        }
    }

    /// Tells that something is wrong, with the whole table if no name is given.
    pub(super) fn mistake(&mut self, name: &str, message: impl Into<String>) {
        let dot = if name.is_empty() { "" } else { "." };
        self.mistakes.push(Mistake {
            name: format!("{}{dot}{name}", self.place),
            source: self.source.to_owned(),
            message: message.into(),
        });
    }
}
