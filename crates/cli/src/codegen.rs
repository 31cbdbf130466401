//! `loggia codegen`.

use std::collections::BTreeSet;
use std::path::{Component, Path};

use loggia_codegen::{Config, Plan};
use loggia_lexicon::catalog::Catalog;
use loggia_lexicon::document::Def;
use loggia_lexicon::read::{Diagnostic, Severity};
use miette::{IntoDiagnostic, Result, ensure};

use crate::args::CodegenArgs;
use crate::lexicon::load_catalog;
use crate::report::{self, Sources};
use crate::{Outcome, output, progress};

pub fn run(args: &CodegenArgs) -> Result<Outcome> {
    let catalog = load_catalog(&args.lexicons)?;
    let config = config(args)?;
    check_patterns(&config, &catalog)?;
    let mut sources = Sources::new(&args.lexicons);
    report_problems(&catalog, &mut sources)?;
    let spinner = progress::spinner("generating");
    let plan = Plan::new(&catalog, config);
    spinner.suspend(|| {
        for found in plan.diagnostics() {
            output::say(warning(found, &mut sources));
        }
    });
    if args.check {
        // Everything is printed and compared, whatever the folder's stamp says.
        let diff = plan.into_tree().check(&args.out).into_diagnostic()?;
        spinner.finish_and_clear();
        return match diff {
            None => Ok(Outcome::Fine),
            Some(diff) => {
                output::line(format_args!(
                    "{diff}\nnot up to date: run `{}`",
                    command(args)
                ))?;
                Ok(Outcome::Found)
            }
        };
    }
    let outcome = plan.write(&args.out).into_diagnostic()?;
    spinner.finish_and_clear();
    let (written, removed) = (outcome.written.len(), outcome.removed.len());
    let unchanged = outcome.unchanged;
    output::line(format_args!(
        "{written} written, {removed} removed, {unchanged} unchanged"
    ))?;
    Ok(Outcome::Fine)
}

/// A file that gives no document would quietly take its types away, so it ends the work; anything
/// less is a warning.
fn report_problems(catalog: &Catalog, sources: &mut Sources<'_>) -> Result<()> {
    let files = catalog.documents();
    let used: BTreeSet<_> = files
        .filter_map(|document| catalog.file(document.id.as_str()))
        .collect();
    let mut lost = BTreeSet::new();
    for problem in catalog.problems() {
        let file = problem.file.as_str();
        if problem.diagnostic.is_error() && !used.contains(file) {
            lost.insert(file);
            report::print(&sources.report(problem));
        } else {
            output::say(sources.line(problem));
        }
    }
    ensure!(
        lost.is_empty(),
        "nothing was written, since the types of these would be missing: {}; mend them or take \
         them out of the folder",
        lost.into_iter().collect::<Vec<_>>().join(", ")
    );
    Ok(())
}

fn warning(found: &loggia_codegen::Diagnostic, sources: &mut Sources<'_>) -> String {
    let diagnostic = Diagnostic {
        severity: Severity::Warning,
        rule: "codegen",
        pointer: found.pointer.clone(),
        span: None,
        message: found.message.clone(),
    };
    let problem = sources.place(&found.file, diagnostic);
    sources.line(&problem)
}

fn config(args: &CodegenArgs) -> Result<Config> {
    let mount = match &args.module {
        Some(module) => module.clone(),
        None => mount(&args.out),
    };
    ensure!(
        mount.starts_with("crate") && Config::is_module(&mount),
        "`{mount}` is no path of a module: give --out another name, or say with --module where \
         the folder stands in the crate, such as crate::lexicons"
    );
    let mut config = Config {
        mount,
        lexicons: relative(&args.out, &args.lexicons)?,
        ..Config::default()
    };
    if !args.serve.is_empty() {
        config.serve = args.serve.clone();
    }
    Ok(config)
}

/// A pattern that names no method is a slip of the keyboard, and would be found out at run time only.
fn check_patterns(config: &Config, catalog: &Catalog) -> Result<()> {
    for pattern in &config.serve {
        let alone = Config {
            serve: vec![pattern.clone()],
            ..config.clone()
        };
        let found = catalog.documents().any(|document| {
            let is_method = matches!(
                document.defs.get("main"),
                Some(Def::Query(_) | Def::Procedure(_) | Def::Subscription(_))
            );
            is_method && alone.serves(document.id.as_str())
        });
        ensure!(
            found || pattern == "*",
            "--serve `{pattern}` names no method of the folder; it takes an NSID or a pattern such \
             as com.example.*"
        );
    }
    Ok(())
}

/// The module that a folder below `src` is.
fn mount(out: &Path) -> String {
    let names = out.components().filter_map(|part| match part {
        Component::Normal(name) => name.to_str(),
        _ => None,
    });
    let names: Vec<_> = names.collect();
    let below = names
        .iter()
        .rposition(|name| *name == "src")
        .map_or(0, |src| src + 1);
    std::iter::once("crate")
        .chain(names[below..].iter().copied())
        .collect::<Vec<_>>()
        .join("::")
}

/// The way from one folder to another, with slashes, as `include_str!` takes it.
fn relative(from: &Path, to: &Path) -> Result<String> {
    let (from, to) = (
        std::path::absolute(from).into_diagnostic()?,
        to.canonicalize().into_diagnostic()?,
    );
    let from = nearest(&from);
    let (from, to): (Vec<_>, Vec<_>) = (from.components().collect(), to.components().collect());
    let shared = from.iter().zip(&to).take_while(|(a, b)| a == b).count();
    let up = from[shared..].iter().map(|_| "..".to_owned());
    let down = to[shared..]
        .iter()
        .map(|part| part.as_os_str().to_string_lossy().into_owned());
    Ok(up.chain(down).collect::<Vec<_>>().join("/"))
}

/// The path without links, as far as it exists already.
fn nearest(path: &Path) -> std::path::PathBuf {
    for ancestor in path.ancestors() {
        if let Ok(real) = ancestor.canonicalize() {
            let rest = path.strip_prefix(ancestor).unwrap_or(Path::new(""));
            return real.join(rest);
        }
    }
    path.to_owned()
}

fn command(args: &CodegenArgs) -> String {
    let mut command = format!(
        "loggia codegen --lexicons {} --out {}",
        args.lexicons.display(),
        args.out.display()
    );
    if let Some(module) = &args.module {
        command.push_str(&format!(" --module {module}"));
    }
    for pattern in &args.serve {
        command.push_str(&format!(" --serve '{pattern}'"));
    }
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_below_src_is_a_module() {
        assert_eq!(mount(Path::new("src/lexicons")), "crate::lexicons");
        assert_eq!(mount(Path::new("/projects/app/src/a/b")), "crate::a::b");
        assert_eq!(mount(Path::new("lexicons")), "crate::lexicons");
    }

    #[test]
    fn the_way_to_the_lexicons_is_relative() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        std::fs::create_dir(folder.path().join("lexicons")).expect("made");
        let way = relative(
            &folder.path().join("src/lexicons"),
            &folder.path().join("lexicons"),
        );
        assert_eq!(way.expect("both exist or can"), "../../lexicons");
    }
}
