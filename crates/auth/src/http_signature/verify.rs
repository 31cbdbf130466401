//! Verifying a signed request.

use loggia_identity::Curve;

use super::base::signature_base;
use super::fields::{Bare, Member, Parameters, dictionary, write_list};
use super::{ALGORITHM, LABEL, SignatureError as Error};
use crate::headers::single;
use crate::key::{LowS, PublicKey};

/// The header fields of a signed request, as lists of their values.
#[derive(Clone, Copy, Debug, Default)]
pub struct SignedFields<'a> {
    /// `Authorization`: once.
    pub authorization: &'a [&'a str],
    /// `Atproto-Space-Audience`: once where it is covered.
    pub audience: &'a [&'a str],
    /// `Signature-Input`: any number, which make one dictionary.
    pub signature_input: &'a [&'a str],
    /// `Signature`: any number, which make one dictionary.
    pub signature: &'a [&'a str],
}

/// What a signature must cover: exactly these fields, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Components {
    /// `authorization`: a delegation token is exchanged for a credential.
    Exchange,
    /// `authorization` and `atproto-space-audience`: a credential is used.
    Use,
}

impl Components {
    pub(super) fn names(self) -> &'static [&'static str] {
        match self {
            Self::Exchange => &["authorization"],
            Self::Use => &["authorization", "atproto-space-audience"],
        }
    }

    fn told(self) -> &'static str {
        match self {
            Self::Exchange => "\"authorization\"",
            Self::Use => "\"authorization\" and \"atproto-space-audience\", in this order",
        }
    }
}

/// Verifies a request whose signer is known: the key that a credential is bound to. Either s is
/// taken; `keyid` may be missing.
pub fn verify_for_key(
    fields: &SignedFields<'_>,
    components: Components,
    key: &PublicKey,
) -> Result<(), Error> {
    let input = Input::read(fields, components)?;
    if key.curve() != Curve::P256 {
        return Err(Error::Curve);
    }
    match input.parameter("keyid") {
        None => {}
        Some(Bare::String(keyid)) if *keyid == key.to_did_key() => {}
        Some(_) => return Err(Error::KeyId),
    }
    input.verify(fields, key)
}

/// Verifies a request that names its signer: gives the key that a credential is to be bound to.
pub fn verify_with_keyid(
    fields: &SignedFields<'_>,
    components: Components,
) -> Result<PublicKey, Error> {
    let input = Input::read(fields, components)?;
    let Some(Bare::String(keyid)) = input.parameter("keyid") else {
        return Err(Error::NoKeyId);
    };
    let key = PublicKey::from_did_key(keyid).map_err(Error::Key)?;
    if key.curve() != Curve::P256 {
        return Err(Error::Curve);
    }
    input.verify(fields, &key)?;
    Ok(key)
}

/// Our member of `Signature-Input`, which covers what it must.
struct Input<'a> {
    covered: Vec<(&'static str, &'a str)>,
    items: Vec<(Bare, Parameters)>,
    parameters: Parameters,
}

impl<'a> Input<'a> {
    fn read(fields: &SignedFields<'a>, components: Components) -> Result<Self, Error> {
        let covered = covered(fields, components)?;
        let Member::List(items, parameters) = member(fields.signature_input, "Signature-Input")?
        else {
            return Err(Error::Label("Signature-Input"));
        };
        let is = |(item, parameters): &(Bare, Parameters), name: &str| {
            parameters.is_empty() && matches!(item, Bare::String(text) if text == name)
        };
        let names = components.names();
        if items.len() != names.len() || !items.iter().zip(names).all(|(item, name)| is(item, name))
        {
            return Err(Error::Components(components.told()));
        }
        let input = Self {
            covered,
            items,
            parameters,
        };
        match input.parameter("alg") {
            None => Ok(input),
            Some(Bare::String(alg)) if alg == ALGORITHM => Ok(input),
            Some(_) => Err(Error::Algorithm),
        }
    }

    fn parameter(&self, name: &str) -> Option<&Bare> {
        self.parameters
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value)
    }

    fn verify(&self, fields: &SignedFields<'_>, key: &PublicKey) -> Result<(), Error> {
        let Member::Item(Bare::Bytes(signature), _) = member(fields.signature, "Signature")? else {
            return Err(Error::Label("Signature"));
        };
        let base = signature_base(&self.covered, &write_list(&self.items, &self.parameters));
        key.verify(base.as_bytes(), &signature, LowS::Preferred)
            .map_err(|_| Error::Signature)
    }
}

fn covered<'a>(
    fields: &SignedFields<'a>,
    components: Components,
) -> Result<Vec<(&'static str, &'a str)>, Error> {
    let all = [fields.authorization, fields.audience];
    let mut covered = Vec::with_capacity(2);
    for (name, values) in components.names().iter().zip(all) {
        let value = single(values).map_err(|fault| Error::Field(name, fault))?;
        // A line break in a value could be read as another line of what is signed.
        if !value
            .bytes()
            .all(|byte| matches!(byte, b' '..=b'~' | b'\t'))
        {
            return Err(Error::FieldText(name));
        }
        covered.push((*name, value));
    }
    Ok(covered)
}

/// Our member of a dictionary that may be spread over several fields (RFC 8941 §4.2).
fn member(values: &[&str], name: &'static str) -> Result<Member, Error> {
    if values.is_empty() {
        return Err(Error::Unsigned(name));
    }
    dictionary(&values.join(", "))
        .ok_or(Error::Form(name))?
        .into_iter()
        .find(|(label, _)| label == LABEL)
        .map(|(_, member)| member)
        .ok_or(Error::Label(name))
}
