//! `Validate` impls: the calls that check what types cannot hold.

use proc_macro2::{Literal, TokenStream};
use quote::quote;

use super::places::{At, Place};
use super::source::ident;
use crate::model::{Field, Integer, Limits, Object, Type};

/// The calls for one value: each a function and its arguments before the place and the report, and
/// what has to stand above all of them.
#[derive(Default)]
struct Calls {
    before: TokenStream,
    calls: Vec<(TokenStream, TokenStream)>,
}

impl Calls {
    fn one(call: TokenStream, arguments: TokenStream) -> Self {
        Self {
            before: TokenStream::new(),
            calls: vec![(call, arguments)],
        }
    }

    fn check(&mut self, name: &str, arguments: TokenStream) {
        let name = ident(name);
        self.calls.push((quote!(xrpc::check::#name), arguments));
    }

    /// The limits of something that can be counted.
    fn counts<const N: usize>(&mut self, limits: [(&str, Option<u64>); N], counted: &TokenStream) {
        for (name, limit) in limits {
            if let Some(limit) = limit.map(Literal::u64_unsuffixed) {
                self.check(name, quote!(#counted, #limit));
            }
        }
    }
}

pub(crate) fn validate_object(object: &Object) -> TokenStream {
    let name = ident(&object.name);
    let checks = object.fields.iter().map(field_checks);
    quote! {
        impl xrpc::Validate for #name {
            fn check(&self, at: &xrpc::At<'_>, report: &mut xrpc::Report) {
                if !report.enter(at) {
                    return;
                }
                #(#checks)*
                xrpc::check_extra(&self.extra, at, report);
            }
        }
    }
}

fn field_checks(field: &Field) -> TokenStream {
    if !needs_check(&field.ty) {
        return TokenStream::new();
    }
    let at = At::field(&field.wire);
    let name = ident(&field.rust);
    let pattern = match (field.required, field.nullable) {
        (true, false) => return checks(&field.ty, &Place::of_self(quote!(#name)), &at),
        (true, true) => quote!(xrpc::Nullable::Value(value)),
        (false, false) => quote!(Some(value)),
        (false, true) => quote!(Some(xrpc::Nullable::Value(value))),
    };
    let checks = checks(&field.ty, &Place::variable(quote!(value)), &at);
    quote!(if let #pattern = &self.#name { #checks })
}

/// Whether values of this type can be wrong at all.
pub(crate) fn needs_check(ty: &Type) -> bool {
    match ty {
        Type::Boolean { constant } => constant.is_some(),
        Type::Integer(_) | Type::Blob { .. } | Type::Unknown | Type::Data | Type::Named(_) => true,
        Type::Text(limits) | Type::Format(_, limits) | Type::Strings(_, limits) => {
            *limits != Limits::default()
        }
        Type::Bytes { min, max } => min.is_some() || max.is_some(),
        Type::Link | Type::Null => false,
        Type::List { items, min, max } => min.is_some() || max.is_some() || needs_check(items),
    }
}

/// The checks of one value.
pub(crate) fn checks(ty: &Type, value: &Place, at: &At) -> TokenStream {
    let Calls { before, calls } = calls(ty, value);
    let items = match ty {
        Type::List { items, .. } if needs_check(items) => Some(items),
        _ => None,
    };
    // A place that is needed once stands where it is needed. Not so a list in a list: in the inner
    // loop, `index` is the inner one.
    let nested = matches!(at, At::Element(_)) && items.is_some();
    let shared = nested || calls.len() + usize::from(items.is_some()) > 1;
    let let_here = (shared || items.is_some()).then(|| {
        let at = at.by_value();
        quote!(let here = #at;)
    });
    let (above, inside) = if shared {
        (let_here, None)
    } else {
        (None, let_here)
    };
    let place = if shared { quote!(&here) } else { at.by_ref() };
    let calls = calls
        .iter()
        .map(|(call, arguments)| quote!(#call(#arguments, #place, report);));
    let each = items.map(|items| {
        let list = &value.plain;
        let item = Place::variable(quote!(item));
        let checks = checks(items, &item, &At::Element(quote!(here.index(index))));
        quote! {
            for (index, item) in #list.iter().enumerate() {
                #inside
                #checks
            }
        }
    });
    quote!(#before #above #(#calls)* #each)
}

fn calls(ty: &Type, value: &Place) -> Calls {
    let mut calls = Calls::default();
    let Place {
        by_ref,
        plain,
        copied,
    } = value;
    match ty {
        Type::Boolean { constant: None } | Type::Link | Type::Null => {}
        Type::Boolean {
            constant: Some(constant),
        } => calls.check("const_boolean", quote!(#copied, #constant)),
        Type::Integer(integer) => integer_calls(integer, copied, &mut calls),
        Type::Text(limits) => limit_calls(limits, by_ref, &mut calls),
        Type::Format(_, limits) | Type::Strings(_, limits) => {
            limit_calls(limits, &quote!(#plain.as_str()), &mut calls);
        }
        Type::Bytes { min, max } => {
            let limits = [("min_bytes", *min), ("max_bytes", *max)];
            calls.counts(limits, &quote!(#plain.len()));
        }
        Type::List { min, max, .. } => {
            let limits = [("min_items", *min), ("max_items", *max)];
            calls.counts(limits, &quote!(#plain.len()));
        }
        Type::Blob { accept, max_size } => {
            let accept = match accept {
                Some(accept) => {
                    calls.before = quote!(let accept = [#(#accept),*];);
                    quote!(Some(&accept[..]))
                }
                None => quote!(xrpc::check::ANY_TYPE),
            };
            let max_size = match max_size.map(Literal::u64_unsuffixed) {
                Some(size) => quote!(Some(#size)),
                None => quote!(None),
            };
            calls.check("blob", quote!(#by_ref, #accept, #max_size));
        }
        Type::Unknown => calls.check("unknown", by_ref.clone()),
        Type::Data | Type::Named(_) => {
            return Calls::one(quote!(xrpc::Validate::check), by_ref.clone());
        }
    }
    calls
}

fn integer_calls(integer: &Integer, value: &TokenStream, calls: &mut Calls) {
    calls.check("safe_integer", value.clone());
    for (name, limit) in [("minimum", integer.min), ("maximum", integer.max)] {
        if let Some(limit) = limit.map(Literal::i64_unsuffixed) {
            calls.check(name, quote!(#value, #limit));
        }
    }
    match integer.one_of.as_deref() {
        None => {}
        Some([]) => calls.check("enum_integer", quote!(#value, &[])),
        Some([only]) => {
            let only = Literal::i64_unsuffixed(*only);
            calls.check("const_integer", quote!(#value, #only));
        }
        Some(values) => {
            let values = values.iter().map(|value| Literal::i64_unsuffixed(*value));
            calls.before = quote!(let allowed = [#(#values),*];);
            calls.check("enum_integer", quote!(#value, &allowed));
        }
    }
}

fn limit_calls(limits: &Limits, text: &TokenStream, calls: &mut Calls) {
    let sizes = [
        ("min_length", limits.min_length),
        ("max_length", limits.max_length),
        ("min_graphemes", limits.min_graphemes),
        ("max_graphemes", limits.max_graphemes),
    ];
    calls.counts(sizes, text);
    if limits.nothing {
        let call = quote!(xrpc::check::enum_string::<&str>);
        calls.calls.push((call, quote!(#text, &[])));
    }
}
