//! `rpc:`, calls of other services in the account's name.

use std::fmt;

use loggia_syntax::{Did, Nsid};

use super::ScopeError;
use super::choice::{Choice, Choices, choice, choices};
use super::text::{Fields, Writer};

/// Which methods of which service may be called: `rpc:com.example.feed.get?aud=did:web:…%23feed`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RpcScope {
    methods: Choices<Nsid>,
    audience: Choice<Audience>,
}

/// A service of a DID that the protocol can resolve: `did:web:example.com#feed`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Audience(String);

/// One call, or one token for calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RpcNeed<'a> {
    /// The method.
    pub method: &'a Nsid,
    /// The service, as `did#service`. A bare DID is allowed by no scope but one for every service.
    pub audience: &'a str,
}

impl RpcScope {
    pub(super) fn read(text: &str) -> Result<Self, ScopeError> {
        let fields = Fields::read(text, &["lxm", "aud"])?;
        let methods = choices(fields.many("lxm"), "lxm")?;
        if matches!(&methods, Choices::Of(none) if none.is_empty()) {
            return Err(ScopeError::Missing { param: "lxm" });
        }
        let audience = choice(fields.required("aud")?, "aud")?;
        if (&methods, &audience) == (&Choices::Any, &Choice::Any) {
            return Err(ScopeError::Everything);
        }
        Ok(Self { methods, audience })
    }

    /// Every method of one service, `did#service`.
    ///
    /// # Errors
    /// The audience is not a service of a DID that the protocol can resolve.
    pub fn every_method_of(audience: &str) -> Result<Self, ScopeError> {
        let audience = Audience::try_from(audience)?;
        Ok(Self {
            methods: Choices::Any,
            audience: Choice::One(audience),
        })
    }

    /// The methods, at least one.
    pub fn methods(&self) -> &Choices<Nsid> {
        &self.methods
    }

    /// The service.
    pub fn audience(&self) -> &Choice<Audience> {
        &self.audience
    }

    /// Whether it allows this call.
    pub fn allows(&self, need: &RpcNeed<'_>) -> bool {
        self.audience.takes(Some(need.audience)) && self.methods.take(need.method.as_str())
    }
}

impl fmt::Display for RpcScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut writer = Writer::new(f, "rpc")?;
        writer.values("lxm", self.methods.as_strs().into_iter())?;
        writer.param("aud", self.audience.as_str())
    }
}

impl fmt::Display for RpcNeed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut writer = Writer::new(f, "rpc")?;
        writer.value(self.method.as_str())?;
        writer.param("aud", self.audience)
    }
}

impl Audience {
    /// The text, `did#service`.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl AsRef<str> for Audience {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl TryFrom<&str> for Audience {
    type Error = ScopeError;

    fn try_from(text: &str) -> Result<Self, ScopeError> {
        let error = ScopeError::Value { param: "aud" };
        let (did, service) = text.split_once('#').ok_or(error)?;
        let did = Did::new(did).map_err(|_| error)?;
        if !is_resolvable(&did) || !is_fragment(service) {
            return Err(error);
        }
        Ok(Self(text.to_owned()))
    }
}

/// A DID of one of the two methods of the protocol, in the form that the protocol resolves.
fn is_resolvable(did: &Did) -> bool {
    let id = did.identifier();
    match did.method() {
        "plc" => id.len() == 24 && id.bytes().all(|b| matches!(b, b'a'..=b'z' | b'2'..=b'7')),
        "web" => !id.contains(':'),
        _ => false,
    }
}

/// The characters of a URI's fragment (RFC 3986, section 3.5), but for `%`: a service has a plain name.
fn is_fragment(text: &str) -> bool {
    let is_plain = |b: u8| b.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@/?".contains(&b);
    !text.is_empty() && text.bytes().all(is_plain)
}
