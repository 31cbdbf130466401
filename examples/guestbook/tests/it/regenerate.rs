//! A lexicon changes, the types are made again, and the compiler says what to do.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use loggia_codegen::{Config, generate};
use loggia_lexicon::catalog::Catalog;

/// The guestbook's own folder.
fn home() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// A copy of the guestbook that a test may change.
fn copy(name: &str) -> PathBuf {
    let copy = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    if copy.exists() {
        std::fs::remove_dir_all(&copy).expect("the copy of an earlier run goes");
    }
    for part in ["lexicons", "src"] {
        copy_folder(&home().join(part), &copy.join(part));
    }
    copy
}

fn copy_folder(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("made");
    for entry in std::fs::read_dir(from).expect("a folder") {
        let entry = entry.expect("an entry").path();
        let target = to.join(entry.file_name().expect("a name"));
        if entry.is_dir() {
            copy_folder(&entry, &target);
        } else {
            std::fs::copy(&entry, &target).expect("copied");
        }
    }
}

fn regenerate(project: &Path) {
    let catalog = Catalog::load(project.join("lexicons")).expect("lexicons");
    let tree = generate(&catalog, &Config::default());
    tree.write(&project.join("src/lexicons")).expect("written");
}

/// Compiles a copy against the `loggia` that was built for this test, without cargo.
fn compile(project: &Path) -> Output {
    let artifacts = std::env::current_exe().expect("this test");
    let artifacts = artifacts
        .parent()
        .expect("the folder of everything that was built");
    let mut libraries = libraries(artifacts, "libloggia-");
    // Features may have been built in several ways: the newest belongs to this test.
    libraries.sort_by_key(|path| path.metadata().and_then(|data| data.modified()).ok());
    let newest = libraries.pop().expect("loggia was built");
    Command::new(std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()))
        .args([
            "--edition",
            "2024",
            "--emit",
            "metadata",
            "--crate-name",
            "guestbook",
        ])
        .arg("--out-dir")
        .arg(project)
        .arg("-L")
        .arg(format!("dependency={}", artifacts.display()))
        .arg("--extern")
        .arg(format!("loggia={}", newest.display()))
        .arg(project.join("src/main.rs"))
        .output()
        .expect("rustc runs")
}

fn libraries(folder: &Path, prefix: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder)
        .expect("a folder")
        .flatten()
        .map(|entry| entry.path());
    let wanted = |path: &PathBuf| {
        let name = path
            .file_name()
            .and_then(|name| name.to_str())
            .unwrap_or_default();
        name.starts_with(prefix) && name.ends_with(".rlib")
    };
    entries.filter(wanted).collect()
}

fn errors(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn the_generated_folder_is_what_the_lexicons_say() {
    let catalog = Catalog::load(home().join("lexicons")).expect("lexicons");
    let tree = generate(&catalog, &Config::default());
    let diff = tree.check(&home().join("src/lexicons")).expect("readable");
    assert_eq!(diff, None);
}

#[test]
fn a_new_method_does_not_compile_until_it_has_a_handler() {
    let project = copy("new-method");
    regenerate(&project);
    let unchanged = compile(&project);
    assert!(unchanged.status.success(), "{}", errors(&unchanged));

    let lexicon = r#"{"lexicon": 1, "id": "com.example.guestbook.tearOut", "defs": {"main": {
        "type": "procedure", "description": "Takes a page out."}}}"#;
    let path = project.join("lexicons/com/example/guestbook/tearOut.json");
    std::fs::write(path, lexicon).expect("written");
    regenerate(&project);
    let missing = compile(&project);
    assert!(!missing.status.success());
    assert!(
        errors(&missing).contains("com.example.guestbook.tearOut"),
        "{}",
        errors(&missing)
    );
}

#[test]
fn a_handler_of_another_method_does_not_compile() {
    let project = copy("wrong-handler");
    let handler = project.join("src/handlers/com/example/guestbook/sign.rs");
    let list = project.join("src/handlers/com/example/guestbook/list_entries.rs");
    std::fs::copy(list, handler).expect("copied");
    let wrong = compile(&project);
    assert!(!wrong.status.success());
    let named = "cannot handle the method `lexicons::com::example::guestbook::sign::Sign`";
    assert!(errors(&wrong).contains(named), "{}", errors(&wrong));
}

#[test]
fn a_new_required_field_is_found_where_the_handler_lacks_it() {
    let project = copy("new-field");
    let path = project.join("lexicons/com/example/guestbook/sign.json");
    let text = std::fs::read_to_string(&path).expect("read");
    let changed = text
        .replace(
            r#""required": ["position"]"#,
            r#""required": ["position", "page"]"#,
        )
        .replace(
            r#""position": {"#,
            r#""page": { "type": "integer", "description": "The page." }, "position": {"#,
        );
    std::fs::write(&path, changed).expect("written");
    regenerate(&project);
    let lacking = compile(&project);
    assert!(!lacking.status.success());
    assert!(
        errors(&lacking).contains("missing field `page`"),
        "{}",
        errors(&lacking)
    );
}
