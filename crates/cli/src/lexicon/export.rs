//! `loggia lexicon export`.

use std::path::Path;

use loggia_lexicon::export::{ApiInfo, json_schema, open_api};
use miette::{IntoDiagnostic, Result, WrapErr, ensure};

use super::documents;
use crate::args::ExportFormat;
use crate::{Outcome, output};

pub fn run(format: ExportFormat, definition: Option<&str>, lexicons: &Path) -> Result<Outcome> {
    ensure!(
        definition.is_none() || matches!(format, ExportFormat::JsonSchema),
        "--def goes with --format json-schema; OpenAPI holds every method of the folder"
    );
    let documents = documents(lexicons)?;
    let value = match format {
        ExportFormat::JsonSchema => {
            json_schema(&documents, definition.unwrap_or_default()).into_diagnostic()?
        }
        ExportFormat::Openapi => open_api(&documents, &info(lexicons)?),
    };
    output::line(format_args!("{value:#}"))?;
    Ok(Outcome::Fine)
}

/// The folder names the API; whoever publishes it edits the two lines.
fn info(lexicons: &Path) -> Result<ApiInfo> {
    let path = std::path::absolute(lexicons).into_diagnostic();
    let path = path.wrap_err_with(|| format!("finding {}", lexicons.display()))?;
    let name = path.file_stem().unwrap_or(path.as_os_str());
    Ok(ApiInfo {
        title: name.to_string_lossy().into_owned(),
        version: "0.0.0".to_owned(),
        server: None,
    })
}
