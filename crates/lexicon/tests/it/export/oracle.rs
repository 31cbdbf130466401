//! An independent JSON Schema validator as the judge of ours and of the export.
//!
//! Two promises: on the part of the language that JSON Schema can express, both validators say the
//! same of every value; on the whole language, what ours takes the exported schema takes too.

use std::cell::Cell;

use loggia_lexicon::catalog::Catalog;
use loggia_lexicon::export::json_schema;
use loggia_lexicon::validate::Validator;
use proptest::test_runner::{Config, TestCaseError, TestCaseResult, TestRunner};
use serde_json::{Value, json};

use crate::documents::document;
use crate::generate::{Language, cases};

/// Who said what, to see that neither answer is the only one.
#[derive(Default)]
struct Verdicts {
    taken: Cell<u32>,
    refused: Cell<u32>,
}

impl Verdicts {
    fn count(&self, taken: bool) {
        let counter = if taken { &self.taken } else { &self.refused };
        counter.set(counter.get() + 1);
    }
}

/// Runs `judge(value, ours, theirs)` on random schemas and data for them.
fn run(language: Language, judge: fn(bool, bool) -> bool) {
    let verdicts = Verdicts::default();
    let mut runner = TestRunner::new(Config {
        cases: 600,
        failure_persistence: None,
        ..Config::default()
    });
    let result = runner.run(&cases(language), |case| {
        let documents = case.documents.iter().map(document);
        let catalog = Catalog::from_documents(documents);
        let ours = Validator::new(&catalog);
        let exported = json_schema(catalog.documents(), "com.example.thing#root");
        let exported = exported.map_err(|error| TestCaseError::fail(error.to_string()))?;
        let theirs = jsonschema::draft202012::new(&exported)
            .map_err(|error| TestCaseError::fail(format!("{error}\n{exported:#}")))?;
        for value in &case.values {
            compare(&ours, &theirs, value, judge, &verdicts)?;
        }
        Ok(())
    });
    if let Err(error) = result {
        panic!("{error}");
    }
    let (taken, refused) = (verdicts.taken.get(), verdicts.refused.get());
    println!("{taken} values taken, {refused} refused");
    assert!(
        taken > 500 && refused > 500,
        "{taken} taken, {refused} refused: too one-sided"
    );
}

fn compare(
    ours: &Validator,
    theirs: &jsonschema::Validator,
    value: &Value,
    judge: fn(bool, bool) -> bool,
    verdicts: &Verdicts,
) -> TestCaseResult {
    let verdict = ours.value("com.example.thing#root", value);
    let errors: Vec<_> = theirs
        .iter_errors(value)
        .map(|error| error.to_string())
        .collect();
    verdicts.count(verdict.is_ok());
    if judge(verdict.is_ok(), errors.is_empty()) {
        return Ok(());
    }
    Err(TestCaseError::fail(format!(
        "{value}\nours: {verdict:?}\ntheirs: {errors:?}"
    )))
}

#[test]
fn both_agree_on_what_json_schema_can_express() {
    run(Language::Expressible, |ours, theirs| ours == theirs);
}

#[test]
fn an_export_never_refuses_what_the_lexicon_takes() {
    run(Language::Whole, |ours, theirs| !ours || theirs);
}

/// Values on the very edge, so that the property above is not the only one to look there.
#[test]
fn edges() {
    let ours = |schema: &Value, value: &Value| {
        let object =
            json!({ "type": "object", "required": ["it"], "properties": { "it": schema } });
        let text = json!({ "lexicon": 1, "id": "com.example.thing", "defs": { "root": object } });
        let catalog = Catalog::from_documents([document(&text)]);
        let value = json!({ "it": value });
        let exported = json_schema(catalog.documents(), "com.example.thing#root").expect("there");
        let theirs = jsonschema::draft202012::new(&exported).expect("a JSON Schema");
        let verdict = Validator::new(&catalog)
            .value("com.example.thing#root", &value)
            .is_ok();
        assert_eq!(verdict, theirs.is_valid(&value), "{schema} {value}");
        verdict
    };
    let most = 9_007_199_254_740_991_i64;
    let cases = [
        (json!({ "type": "integer" }), json!(most), true),
        (json!({ "type": "integer" }), json!(most + 1), false),
        (json!({ "type": "integer" }), json!(-most - 1), false),
        (json!({ "type": "integer" }), json!(1.0), true),
        (json!({ "type": "integer" }), json!(1.5), false),
        (
            json!({ "type": "string", "maxLength": 3 }),
            json!("abc"),
            true,
        ),
        (
            json!({ "type": "string", "maxLength": 3 }),
            json!("abcd"),
            false,
        ),
        (
            json!({ "type": "array", "items": { "type": "null" }, "minLength": 1 }),
            json!([]),
            false,
        ),
        (
            json!({ "type": "bytes" }),
            json!({ "$bytes": "AQI=" }),
            true,
        ),
        (
            json!({ "type": "bytes" }),
            json!({ "$bytes": "AQI==" }),
            false,
        ),
        (json!({ "type": "unknown" }), json!({ "$link": "x" }), false),
        (
            json!({ "type": "unknown" }),
            json!({ "a": [{ "b": 0.5 }] }),
            false,
        ),
    ];
    for (schema, value, wanted) in cases {
        assert_eq!(ours(&schema, &value), wanted, "{schema} {value}");
    }
}
