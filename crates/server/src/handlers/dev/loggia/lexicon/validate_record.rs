//! `dev.loggia.lexicon.validateRecord`

use std::collections::BTreeSet;

use axum::extract::State;
use loggia_api::dev::loggia::lexicon::validate_record::{
    Error, Input, Output, ValidateRecord, Violation, ViolationCode,
};
use loggia_lexicon::document::{Def, Document};
use loggia_lexicon::validate::Validator;
use loggia_syntax::data::{Data, Object};
use loggia_syntax::{Nsid, check};
use loggia_xrpc::{Declared, Reply, declared};

use crate::computing::Computing;
use crate::lexicons::Lexicons;

/// Bytes of JSON of all `schemas` together. Large lexicons take some 20 KiB, and anybody may send these.
const MOST_SCHEMA_BYTES: usize = 512 << 10;

/// Invalid data is an answer; only what keeps it from being checked at all is an error. Computes only,
/// and so on a thread of its own.
pub async fn handle(
    State(computing): State<Computing>,
    State(lexicons): State<Lexicons>,
    input: Input,
) -> Reply<ValidateRecord> {
    computing.run(move || validate(&lexicons, input)).await?
}

fn validate(lexicons: &Lexicons, input: Input) -> Reply<ValidateRecord> {
    let nsid = type_of(&input)?;
    let given = given_documents(&input.schemas.unwrap_or_default())?;
    let everything = input.resolve_external.unwrap_or(false);
    let lexicons = lexicons.reached_from(&nsid, given, everything);
    let catalog = lexicons.catalog();
    let document = catalog.document(nsid.as_str()).ok_or_else(|| {
        declared(Error::SchemaNotFound).message(format!("this server has no lexicon {nsid}"))
    })?;
    let allow = input.allow_unresolved.unwrap_or(false);
    let validator = lexicons.validator().clone().allow_unresolved(allow);
    let violations = match check(&validator, document, &Data::Object(input.record)) {
        Some(result) => result.err().unwrap_or_default(),
        None => {
            let message = format!("{nsid} describes neither a record nor a body");
            return Err(declared(Error::InvalidSchema).message(message).into());
        }
    };
    Ok(Output {
        valid: violations.is_empty(),
        unresolved: catalog.unresolved_from(nsid.as_str()),
        violations: violations.into_iter().map(shown).collect(),
        r#type: nsid,
        extra: Default::default(),
    })
}

/// The type that the caller names, the data names, or both.
fn type_of(input: &Input) -> Result<Nsid, Declared<Error>> {
    let mismatch = |message: String| declared(Error::TypeMismatch).message(message);
    let own = match input.record.get("$type") {
        None => None,
        Some(Data::String(text)) => Some(
            text.parse::<Nsid>()
                .map_err(|error| mismatch(format!("`$type`: {error}")))?,
        ),
        Some(_) => return Err(mismatch("`$type` must be a string".to_owned())),
    };
    match (own, input.r#type.clone()) {
        (Some(own), Some(named)) if own != named => Err(mismatch(format!(
            "`type` is {named}, but the data's `$type` is {own}"
        ))),
        (Some(nsid), _) | (None, Some(nsid)) => Ok(nsid),
        (None, None) => Err(mismatch(
            "the data has no `$type`: say which type it is in `type`".to_owned(),
        )),
    }
}

/// Reads the documents that came along.
fn given_documents(schemas: &[Object]) -> Result<Vec<Document>, Declared<Error>> {
    let mut bytes = 0;
    let read = |(index, schema): (usize, &Object)| {
        let invalid = |reason: &dyn std::fmt::Display| {
            declared(Error::InvalidSchema).message(format!("schemas[{index}]: {reason}"))
        };
        let text = serde_json::to_string(schema).map_err(|error| invalid(&error))?;
        bytes += text.len();
        if bytes > MOST_SCHEMA_BYTES {
            let most = format!("from here on, `schemas` is longer than {MOST_SCHEMA_BYTES} bytes");
            return Err(invalid(&most));
        }
        let (document, diagnostics) =
            loggia_lexicon::read::read(&text).map_err(|error| invalid(&error))?;
        match diagnostics.iter().find(|diagnostic| diagnostic.is_error()) {
            Some(error) => Err(invalid(error)),
            None => Ok(document),
        }
    };
    let documents: Vec<Document> = schemas
        .iter()
        .enumerate()
        .map(read)
        .collect::<Result<_, _>>()?;
    let mut known = BTreeSet::new();
    match documents
        .iter()
        .position(|document| !known.insert(&document.id))
    {
        None => Ok(documents),
        Some(index) => {
            let id = &documents[index].id;
            let message = format!("schemas[{index}]: there is another one of {id} before it");
            Err(declared(Error::InvalidSchema).message(message))
        }
    }
}

type Checked = Result<(), Vec<check::Violation>>;

/// Checks by the main definition: a record, an object, or the input of a procedure.
fn check(validator: &Validator, document: &Document, data: &Data) -> Option<Checked> {
    let nsid = document.id.as_str();
    match document.defs.get("main")? {
        Def::Record(_) => Some(validator.record(nsid, data).map(drop)),
        Def::Procedure(_) => Some(validator.input(nsid, data)),
        Def::Schema(_) => Some(validator.value(nsid, data)),
        _ => None,
    }
}

fn shown(violation: check::Violation) -> Violation {
    Violation {
        path: violation.path,
        code: ViolationCode::from(violation.code.as_str()),
        message: violation.message,
        extra: Default::default(),
    }
}
