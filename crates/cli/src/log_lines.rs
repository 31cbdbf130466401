//! The log as JSON, one object a line: when, how grave, what, where, and within which call. An error is
//! told with its causes.

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt;

use loggia_delivery::{Clock as _, SystemClock};
use serde::Serialize;
use serde_json::{Map, Value};
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::fmt::format::{JsonFields, Writer};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormattedFields};
use tracing_subscriber::registry::LookupSpan;

/// Writes events as JSON.
pub struct JsonLines;

/// One line.
#[derive(Serialize)]
struct Line<'a> {
    timestamp: String,
    level: &'a str,
    fields: Fields,
    target: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    span: Option<Map<String, Value>>,
}

/// What an event says.
#[derive(Default, Serialize)]
struct Fields(BTreeMap<&'static str, Value>);

impl<S> FormatEvent<S, JsonFields> for JsonLines
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, JsonFields>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let line = Line {
            timestamp: format!("{:.6}", SystemClock.now()),
            level: event.metadata().level().as_str(),
            fields,
            target: event.metadata().target(),
            span: span(context),
        };
        let line = serde_json::to_string(&line).map_err(|_| fmt::Error)?;
        writeln!(writer, "{line}")
    }
}

/// The innermost span with what it says.
fn span<S>(context: &FmtContext<'_, S, JsonFields>) -> Option<Map<String, Value>>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    let span = context.lookup_current()?;
    let extensions = span.extensions();
    let said = extensions.get::<FormattedFields<JsonFields>>();
    let said = said.and_then(|said| serde_json::from_str(said).ok());
    let mut said: Map<String, Value> = said.unwrap_or_default();
    said.insert("name".to_owned(), span.name().into());
    Some(said)
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.0.insert(field.name(), format!("{value:?}").into());
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name(), value.into());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.0.insert(field.name(), value.into());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.0.insert(field.name(), value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.0.insert(field.name(), value.into());
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.0.insert(field.name(), value.into());
    }

    fn record_error(&mut self, field: &Field, error: &(dyn Error + 'static)) {
        let mut text = error.to_string();
        let mut cause = error.source();
        while let Some(error) = cause {
            text.push_str(": ");
            text.push_str(&error.to_string());
            cause = error.source();
        }
        self.0.insert(field.name(), text.into());
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    /// What was written.
    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl std::io::Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().expect("no panic").extend(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[derive(Debug, thiserror::Error)]
    #[error("cannot commit")]
    struct Outer(#[source] std::io::Error);

    #[test]
    fn an_error_is_told_with_its_causes_and_the_call_in_which_it_was() {
        let lines = Lines::default();
        let writer = lines.clone();
        let logs = tracing_subscriber::fmt()
            .with_writer(move || writer.clone())
            .fmt_fields(JsonFields::new())
            .event_format(JsonLines);
        tracing::subscriber::with_default(logs.finish(), || {
            let _span = tracing::info_span!("xrpc", nsid = "com.example.do").entered();
            let error = Outer(std::io::Error::other("the disk is full"));
            let error = &error as &dyn Error;
            tracing::error!(error, count = 2, "written \"so\"\nfar");
        });
        let text = String::from_utf8(lines.0.lock().expect("no panic").clone()).expect("text");
        assert_eq!(text.lines().count(), 1, "{text}");
        let line: Value = serde_json::from_str(&text).expect("JSON");
        let told = serde_json::json!({
            "error": "cannot commit: the disk is full", "count": 2, "message": "written \"so\"\nfar",
        });
        assert_eq!((&line["fields"], &line["level"]), (&told, &"ERROR".into()));
        let span = serde_json::json!({"name": "xrpc", "nsid": "com.example.do"});
        assert_eq!(line["span"], span);
        let at = line["timestamp"].as_str().expect("a time");
        at.parse::<jiff::Timestamp>().expect("a time");
    }
}
