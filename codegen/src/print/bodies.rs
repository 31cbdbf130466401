//! Bodies that are not an object or a union of their own.

use super::Printer;
use super::checks::{Place, checks, needs_check};
use super::docs;
use super::text::Text;
use crate::model::{Body, BodyShape, Module};

impl Printer<'_> {
    pub(crate) fn body(&self, module: &Module, body: &Body, to: &mut Text) {
        docs::item(to, &body.docs);
        let name = body.name;
        match &body.shape {
            BodyShape::Named(id) => {
                to.fitting(&format!("pub type {name} = "), &self.path(module, id), ";");
            }
            BodyShape::Data => to.line(&format!("pub type {name} = syntax::data::Data;")),
            BodyShape::Binary(encoding) => {
                to.line("#[derive(Debug)]");
                to.line(&format!("pub struct {name}(pub xrpc::Binary);"));
                to.blank();
                to.call("xrpc::binary_body!", &[name, &format!("{encoding:?}")], ";");
            }
            BodyShape::Value(ty) => {
                to.line("#[derive(Clone, Debug, PartialEq)]");
                let inner = format!("pub {}", self.type_name(module, ty));
                to.call(&format!("pub struct {name}"), &[&inner], ";");
                to.blank();
                to.line(&format!("xrpc::value_body!({name});"));
                to.blank();
                to.open(&format!("impl xrpc::Validate for {name} {{"));
                if needs_check(ty) {
                    to.open("fn check(&self, at: &xrpc::At<'_>, report: &mut xrpc::Report) {");
                    checks(ty, &Place::of_self("0"), "*at", to);
                    to.close("}");
                } else {
                    to.line("fn check(&self, _: &xrpc::At<'_>, _: &mut xrpc::Report) {}");
                }
                to.close("}");
            }
        }
    }
}
