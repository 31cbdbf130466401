//! `loggia lexicon diff OLD NEW`.

use std::path::Path;

use loggia_lexicon::diff::{Change, diff};
use miette::Result;
use serde_json::json;

use super::documents;
use crate::{Outcome, output};

pub fn run(old: &Path, new: &Path, as_json: bool) -> Result<Outcome> {
    let (old, new) = (documents(old)?, documents(new)?);
    let changes = diff(&old, &new);
    for change in &changes {
        if as_json {
            output::line(object(change))?;
        } else {
            output::line(line(change))?;
            for harm in &change.harms {
                output::line(format_args!("    breaks {harm}"))?;
            }
        }
    }
    let breaking = changes.iter().filter(|change| change.breaking).count();
    if !as_json {
        let compatible = changes.len() - breaking;
        output::line(format_args!("{breaking} breaking, {compatible} compatible"))?;
    }
    Ok(if breaking == 0 {
        Outcome::Fine
    } else {
        Outcome::Found
    })
}

fn line(change: &Change) -> String {
    let weight = if change.breaking {
        "breaking"
    } else {
        "compatible"
    };
    format!(
        "{weight}: {} {}: {}",
        change.nsid, change.pointer, change.message
    )
}

fn object(change: &Change) -> serde_json::Value {
    let breaks: Vec<_> = change.breaks.iter().map(|party| party.as_str()).collect();
    json!({
        "nsid": change.nsid.as_str(),
        "pointer": change.pointer,
        "kind": change.kind.as_str(),
        "direction": change.direction.as_str(),
        "breaking": change.breaking,
        "breaks": breaks,
        "message": change.message,
    })
}
