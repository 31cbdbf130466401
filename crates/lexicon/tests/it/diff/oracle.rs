//! The validator as the judge of the comparison: what is called compatible takes the same data on
//! both sides, and what is called tightened or loosened takes the data of one side at least.

use std::cell::Cell;

use loggia_lexicon::catalog::Catalog;
use loggia_lexicon::diff::{Change, Direction, Kind, diff};
use loggia_lexicon::validate::Validator;
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use serde_json::Value;

use crate::documents::document;
use crate::generate::{Case, versions};

fn catalog(case: &Case) -> Catalog {
    Catalog::from_documents(case.documents.iter().map(document))
}

/// Whether every value that `one` takes is also taken by `other`; how many there were.
fn is_within(
    one: &Validator,
    other: &Validator,
    values: &[Value],
    changes: &[Change],
) -> Result<u32, TestCaseError> {
    let name = "com.example.thing#root";
    let mut taken = 0;
    for value in values
        .iter()
        .filter(|value| one.value(name, *value).is_ok())
    {
        taken += 1;
        if let Err(violations) = other.value(name, value) {
            let message = format!("{value}\n{violations:?}\n{changes:#?}");
            return Err(TestCaseError::fail(message));
        }
    }
    Ok(taken)
}

#[test]
fn directions_hold_for_data() {
    let counts = [const { Cell::new(0_u32) }; 3];
    let config = Config {
        cases: 1000,
        max_shrink_iters: 200,
        failure_persistence: None,
        ..Config::default()
    };
    let result = TestRunner::new(config).run(&versions(), |(old, new)| {
        let (before, after) = (catalog(&old), catalog(&new));
        let changes = diff(before.documents(), after.documents());
        let moved = |way: Direction| {
            changes
                .iter()
                .any(|c| c.direction == way || c.direction == Direction::Changed)
        };
        // What was nobody's may become a field or a variant: the rules allow it, although some
        // stranger's data may be in the way.
        let claimed = changes
            .iter()
            .any(|c| !c.breaking && matches!(c.kind, Kind::FieldAdded | Kind::UnionOpenRefs));
        let tightened = moved(Direction::Tightened) || claimed;
        let loosened = moved(Direction::Loosened);
        let (before, after) = (Validator::new(&before), Validator::new(&after));
        let values: Vec<_> = old.values.iter().chain(&new.values).cloned().collect();
        let mut judged = 0;
        if !tightened {
            judged += is_within(&before, &after, &values, &changes)?;
        }
        if !loosened {
            judged += is_within(&after, &before, &values, &changes)?;
        }
        let count = match (tightened, loosened) {
            (false, false) => &counts[0],
            (true, false) => &counts[1],
            (false, true) => &counts[2],
            (true, true) => return Ok(()),
        };
        count.set(count.get() + judged);
        Ok(())
    });
    if let Err(error) = result {
        panic!("{error}");
    }
    let counts = counts.map(Cell::into_inner);
    println!("values judged: {counts:?} (compatible, tightened, loosened)");
    assert!(
        counts.iter().all(|count| *count > 50),
        "{counts:?}: too few to mean anything"
    );
}
