//! `loggia validate`: records, or other data, against lexicons.

mod place;

use std::io::{self, Read};
use std::path::Path;

use loggia_lexicon::catalog::Catalog;
use loggia_lexicon::document::Def;
use loggia_lexicon::validate::Validator;
use loggia_syntax::check::{Code, Violation};
use miette::{IntoDiagnostic, MietteDiagnostic, Report, Result, WrapErr, miette};
use serde_json::{Value, json};

use crate::args::ValidateArgs;
use crate::lexicon::load_catalog;
use crate::report::Sources;
use crate::{Outcome, output, progress, report};

pub fn run(args: &ValidateArgs) -> Result<Outcome> {
    let catalog = load_catalog(&args.lexicons)?;
    let mut sources = Sources::new(&args.lexicons);
    for problem in catalog
        .problems()
        .iter()
        .filter(|problem| problem.diagnostic.is_error())
    {
        output::say(sources.line(problem));
    }
    let validator = Validator::new(&catalog).allow_unresolved(args.allow_unresolved);
    let check = Check {
        catalog: &catalog,
        validator: &validator,
        type_name: args.type_name.as_deref(),
    };
    let mut all_valid = true;
    let mut unreadable = None;
    let progress = progress::bar("validating", args.files.len());
    for file in &args.files {
        let name = file.display().to_string();
        match read(file, &name) {
            Ok(input) => {
                all_valid &= progress.suspend(|| check.file(&input, args.json))?;
            }
            Err(error) => {
                if args.json {
                    progress.suspend(|| output::line(unreadable_object(&name, &error)))?;
                }
                if let Some(previous) = unreadable.replace(error) {
                    progress.suspend(|| report::print(&previous));
                }
            }
        }
        progress.inc(1);
    }
    progress.finish_and_clear();
    match unreadable {
        Some(error) => Err(error),
        None if all_valid => Ok(Outcome::Fine),
        None => Ok(Outcome::Found),
    }
}

/// The code of a file that cannot be read or holds no JSON. No validator ever says so.
const UNREADABLE: &str = "unreadable";

/// A file that holds JSON.
struct Input {
    name: String,
    text: String,
    value: Value,
}

fn read(file: &Path, name: &str) -> Result<Input> {
    let bytes = if file == Path::new("-") {
        let mut bytes = Vec::new();
        io::stdin().read_to_end(&mut bytes).map(|_| bytes)
    } else {
        std::fs::read(file)
    };
    let bytes = bytes
        .into_diagnostic()
        .wrap_err_with(|| format!("reading {name}"))?;
    let text = String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        miette!("{name} is not JSON: it is not UTF-8 from byte {at} on")
    })?;
    match serde_json::from_str(&text) {
        Ok(value) => Ok(Input {
            name: name.to_owned(),
            text,
            value,
        }),
        Err(error) => {
            let offset = report::offset(&text, error.line(), error.column());
            let diagnostic = MietteDiagnostic::new(format!("{name} is not JSON: {error}"));
            Err(report::at(name, &text, Some(offset..offset), diagnostic))
        }
    }
}

struct Check<'a> {
    catalog: &'a Catalog,
    validator: &'a Validator,
    type_name: Option<&'a str>,
}

impl Check<'_> {
    /// Prints what is wrong with a file, in the order of the text; whether it is valid.
    fn file(&self, input: &Input, as_json: bool) -> Result<bool> {
        let (type_name, mut violations) = self.violations(&input.value);
        violations.sort_by_cached_key(|violation| place::offset(&input.text, &violation.path));
        if as_json {
            output::line(object(input, type_name, &violations))?;
        }
        for violation in violations.iter().filter(|_| !as_json) {
            output::line(line(input, violation))?;
        }
        Ok(violations.is_empty())
    }

    fn violations<'v>(&'v self, value: &'v Value) -> (Option<&'v str>, Vec<Violation>) {
        let own = value.get("$type");
        let Some(type_name) = self.type_name.or(own.and_then(Value::as_str)) else {
            return (None, vec![untyped(own.is_some())]);
        };
        let nsid = type_name.strip_suffix("#main").unwrap_or(type_name);
        let checked = match self.catalog.find(nsid).map(|found| found.def) {
            Some(Def::Query(_) | Def::Subscription(_) | Def::Space(_) | Def::PermissionSet(_)) => {
                Err(vec![no_data(nsid)])
            }
            Some(Def::Procedure(_)) => self.validator.input(nsid, value),
            Some(Def::Schema(_)) => self.validator.value(nsid, value),
            _ => self.validator.record(nsid, value).map(drop),
        };
        (Some(type_name), checked.err().unwrap_or_default())
    }
}

/// What is wrong with data that does not say what it is, though nobody else does either.
fn untyped(is_there: bool) -> Violation {
    let (path, code, what) = if is_there {
        ("$['$type']", Code::InvalidType, "`$type` is not a string")
    } else {
        ("$", Code::RequiredKey, "there is no `$type`")
    };
    Violation {
        path: path.to_owned(),
        code,
        message: format!("{what}: name the type with --type"),
    }
}

/// What is wrong with data that is said to be of a type without data.
fn no_data(nsid: &str) -> Violation {
    Violation {
        path: "$".to_owned(),
        code: Code::UnusableSchema,
        message: format!(
            "`{nsid}` describes no data: name a record, an object, or a procedure for its input"
        ),
    }
}

fn object(input: &Input, type_name: Option<&str>, violations: &[Violation]) -> Value {
    let shown = |violation: &Violation| {
        json!({
            "path": violation.path,
            "code": violation.code.as_str(),
            "message": violation.message,
        })
    };
    json!({
        "file": input.name,
        "type": type_name,
        "valid": violations.is_empty(),
        "violations": violations.iter().map(shown).collect::<Vec<_>>(),
    })
}

/// A file that nothing can be said of but that it cannot be read, with all causes in one line.
fn unreadable_object(file: &str, error: &Report) -> Value {
    let causes: Vec<String> = error.chain().map(ToString::to_string).collect();
    let violation = json!({"path": "$", "code": UNREADABLE, "message": causes.join(": ")});
    json!({"file": file, "type": null, "valid": false, "violations": [violation]})
}

/// `file:line:column: path: message [code]`
fn line(input: &Input, violation: &Violation) -> String {
    let offset = place::offset(&input.text, &violation.path);
    let (line, column) = report::line_and_column(&input.text, offset.unwrap_or(0));
    let Violation {
        path,
        code,
        message,
    } = violation;
    format!(
        "{}:{line}:{column}: {path}: {message} [{}]",
        input.name,
        code.as_str()
    )
}
