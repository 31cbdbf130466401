//! Some methods, as generated code would look.

use loggia_xrpc::syntax::check::{At, Code, Report};
use loggia_xrpc::{
    Binary, Body, BodyError, BodyKind, DeclaredError, JsonBody, Kind, Message, Method, NoBody,
    NoError, ParamError, Params, Payload, Query, Subscription, Validate, shape,
};
use serde::{Deserialize, Serialize};

/// `dev.test.greet`: a query with params and a declared error.
pub struct Greet;

#[derive(Debug)]
pub struct GreetParams {
    pub name: String,
    pub times: i64,
}

impl Params for GreetParams {
    fn read(query: &Query) -> Result<Self, ParamError> {
        let find = |wanted: &str| {
            query
                .pairs()
                .find(|(name, _)| *name == wanted)
                .map(|(_, value)| value.to_owned())
        };
        let wrong = |name: &str, reason: &str| ParamError {
            name: name.to_owned(),
            reason: reason.to_owned(),
        };
        let times = find("times").map(|times| times.parse()).transpose();
        Ok(Self {
            name: find("name").ok_or_else(|| wrong("name", "is required"))?,
            times: times
                .map_err(|_| wrong("times", "must be an integer"))?
                .unwrap_or(1),
        })
    }

    fn write(&self, _: &mut Query) {}

    fn check(&self, report: &mut Report) {
        if self.name.len() > 5 {
            report.push(&At::ROOT.field("name"), Code::TooBig, "longer than 5 bytes");
        }
        if self.times > 9 {
            report.push(&At::ROOT.field("times"), Code::TooBig, "more than 9");
        }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Greeting {
    pub text: String,
}

impl Validate for Greeting {
    fn check(&self, at: &At<'_>, report: &mut Report) {
        if self.text.contains("bad") {
            report.push(&at.field("text"), Code::InvalidValue, "is bad");
        }
    }
}

impl JsonBody for Greeting {}

#[derive(Debug)]
pub enum GreetError {
    NameTaken,
}

impl DeclaredError for GreetError {
    fn name(&self) -> &'static str {
        "NameTaken"
    }
    fn description(&self) -> Option<&'static str> {
        Some("Somebody else has that name.")
    }
}

impl Method for Greet {
    const NSID: &'static str = "dev.test.greet";
    const KIND: Kind = Kind::Query;
    type Params = GreetParams;
    type Input = NoBody;
    type Output = Greeting;
    type Error = GreetError;
    type Shape = shape::ParamsOnly;
}

/// `dev.test.put`: a procedure with input.
pub struct Put;

#[derive(Debug, Serialize, Deserialize)]
pub struct PutInput {
    pub title: String,
    #[serde(default)]
    pub items: Vec<Item>,
    #[serde(default)]
    pub more: Option<serde_json::Value>,
}

#[derive(Debug, Serialize, Deserialize)]
pub struct Item {
    pub count: i64,
}

impl Validate for PutInput {
    fn check(&self, at: &At<'_>, report: &mut Report) {
        if self.title.is_empty() {
            report.push(&at.field("title"), Code::TooSmall, "shorter than 1 byte");
        }
        let items = at.field("items");
        for (index, item) in self.items.iter().enumerate() {
            if item.count < 0 {
                report.push(
                    &items.index(index).field("count"),
                    Code::TooSmall,
                    "less than 0",
                );
            }
        }
    }
}

impl JsonBody for PutInput {}

#[derive(Debug, Serialize, Deserialize)]
pub struct PutOutput {
    pub items: usize,
}

impl Validate for PutOutput {
    fn check(&self, _: &At<'_>, _: &mut Report) {}
}

impl JsonBody for PutOutput {}

impl Method for Put {
    const NSID: &'static str = "dev.test.put";
    const KIND: Kind = Kind::Procedure;
    type Params = ();
    type Input = PutInput;
    type Output = PutOutput;
    type Error = NoError;
    type Shape = shape::InputOnly;
}

/// `dev.test.upload`: a procedure with params, binary input and binary output.
pub struct Upload;

#[derive(Debug)]
pub struct Image(pub Binary);

impl Body for Image {
    const ENCODING: &'static str = "image/*";
    const KIND: BodyKind = BodyKind::Raw;

    fn decode(payload: Payload) -> Result<Self, BodyError> {
        payload.into_raw().map(Self)
    }
    fn encode(self) -> Result<Payload, BodyError> {
        Ok(Payload::Raw(self.0))
    }
    fn check(&self, _: &mut Report) {}
}

impl Method for Upload {
    const NSID: &'static str = "dev.test.upload";
    const KIND: Kind = Kind::Procedure;
    type Params = GreetParams;
    type Input = Image;
    type Output = Image;
    type Error = NoError;
    type Shape = shape::ParamsAndInput;
}

/// `dev.test.touch`: a procedure with neither.
pub struct Touch;

impl Method for Touch {
    const NSID: &'static str = "dev.test.touch";
    const KIND: Kind = Kind::Procedure;
    type Params = ();
    type Input = NoBody;
    type Output = NoBody;
    type Error = NoError;
    type Shape = shape::Nothing;
}

/// `dev.test.watch`: a subscription.
pub struct Watch;

#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum WatchMessage {
    Tick { seq: i64, text: String },
}

impl Message for WatchMessage {
    fn frame_type(&self) -> &str {
        "#tick"
    }
}

impl Subscription for Watch {
    const NSID: &'static str = "dev.test.watch";
    type Params = GreetParams;
    type Message = WatchMessage;
    type Error = GreetError;
    type Shape = shape::ParamsOnly;
}
