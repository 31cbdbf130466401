//! The published cases of the `space` family.

use std::collections::BTreeSet;

use loggia_auth::scope::{
    Choice, Choices, ManageOp, Need, Scope, Scopes, SpaceAccess, SpaceAuthority, SpaceNeed,
};
use loggia_syntax::{Nsid, SpaceRef};
use serde_json::Value;

use crate::shared;

fn cases<'a>(file: &'a Value, list: &str) -> &'a [Value] {
    file[list].as_array().expect("a list of cases")
}

fn text<'a>(case: &'a Value, field: &str) -> &'a str {
    case[field].as_str().expect("a text")
}

fn words(case: &Value, field: &str) -> BTreeSet<String> {
    let words = case[field].as_array().expect("a list").iter();
    words
        .map(|word| word.as_str().expect("a word").to_owned())
        .collect()
}

/// The words of the enum as they stand in a scope: `ReadSelf` is `read_self`.
fn names<T: std::fmt::Debug>(items: &BTreeSet<T>) -> BTreeSet<String> {
    let name = |item| match format!("{item:?}").as_str() {
        "ReadSelf" => "read_self".to_owned(),
        name => name.to_lowercase(),
    };
    items.iter().map(name).collect()
}

#[test]
fn space_scopes_are_read_and_written() {
    let Some(file) = shared::read("vectors/space_scopes.json") else {
        return;
    };
    let file: Value = serde_json::from_str(&file).expect("a JSON file");
    for case in cases(&file, "parse") {
        let scope = text(case, "scope");
        let parsed = &case["parsed"];
        let read = match scope.parse() {
            Ok(Scope::Space(read)) => read,
            Ok(other) => panic!("{scope} is read as {other}"),
            Err(error) => {
                assert!(parsed.is_null(), "{scope}: {error}");
                continue;
            }
        };
        assert!(!parsed.is_null(), "{scope} should be refused");
        let space_type = match read.space_type() {
            Choice::Any => "*",
            Choice::One(space_type) => space_type.as_str(),
        };
        assert_eq!(space_type, text(parsed, "type"), "{scope}");
        let authority = match read.authority() {
            SpaceAuthority::Granter => "self",
            SpaceAuthority::Any => "*",
            SpaceAuthority::Did(did) => did.as_str(),
        };
        assert_eq!(authority, text(parsed, "authority"), "{scope}");
        let skey = match read.skey() {
            Choice::Any => "*",
            Choice::One(skey) => skey.as_str(),
        };
        assert_eq!(skey, text(parsed, "skey"), "{scope}");
        let collections = match read.collections() {
            Choices::Any => BTreeSet::from(["*".to_owned()]),
            Choices::Of(these) => these.iter().map(ToString::to_string).collect(),
        };
        assert_eq!(collections, words(parsed, "collection"), "{scope}");
        assert_eq!(names(read.actions()), words(parsed, "action"), "{scope}");
        assert_eq!(names(read.manage()), words(parsed, "manage"), "{scope}");
        assert_eq!(read.to_string(), text(parsed, "canonical"), "{scope}");
    }
    assert_eq!(cases(&file, "parse").len(), 20);
}

#[test]
fn space_scopes_allow_what_they_say() {
    let Some(file) = shared::read("vectors/space_scopes.json") else {
        return;
    };
    let file: Value = serde_json::from_str(&file).expect("a JSON file");
    let target = &file["target"];
    let space = format!(
        "at://{}/space/{}/{}",
        text(target, "authority"),
        text(target, "type"),
        text(target, "skey")
    );
    let space = SpaceRef::new(space).expect("a space");
    let mut asked = 0;
    for case in cases(&file, "match") {
        let scopes = Scopes::parse(text(case, "scope")).expect("a short claim");
        for result in cases(case, "results") {
            let collection = collection(result);
            let need = SpaceNeed::of(&space, access(result, &collection));
            assert_eq!(
                scopes.allows(&Need::Space(need)),
                result["allowed"] == true,
                "{} {result}",
                case["scope"]
            );
            asked += 1;
        }
    }
    assert_eq!(asked, 9 * 8);

    for case in cases(&file, "scope_needed_for") {
        let collection = collection(case);
        let need = Need::Space(SpaceNeed::of(&space, access(case, &collection)));
        let refusal = Scopes::default().require(&need).expect_err("no scopes");
        assert_eq!(refusal.scope(), text(case, "scope_needed"));
        let granted = Scopes::parse(refusal.scope()).expect("a short claim");
        assert!(granted.allows(&need), "{refusal}");
    }
}

fn collection(case: &Value) -> Nsid {
    let collection = case["collection"].as_str().unwrap_or("com.example.none");
    Nsid::new(collection).expect("a collection")
}

fn access<'a>(case: &Value, collection: &'a Nsid) -> SpaceAccess<'a> {
    match (case["action"].as_str(), case["manage"].as_str()) {
        (Some("read"), None) => SpaceAccess::Read,
        (Some("read_self"), None) => SpaceAccess::ReadSelf,
        (Some("create"), None) => SpaceAccess::Create(collection),
        (Some("update"), None) => SpaceAccess::Update(collection),
        (Some("delete"), None) => SpaceAccess::Delete(collection),
        (None, Some("create")) => SpaceAccess::Manage(ManageOp::Create),
        (None, Some("update")) => SpaceAccess::Manage(ManageOp::Update),
        (None, Some("delete")) => SpaceAccess::Manage(ManageOp::Delete),
        other => panic!("an unknown case: {other:?}"),
    }
}
