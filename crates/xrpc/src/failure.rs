//! How a handler says no: three kinds of failure that are never mixed.

use std::error::Error as StdError;
use std::fmt;

use crate::Method;

/// What a handler returns: the output of the method, or a [`Failure`].
pub type Reply<M> = Result<<M as Method>::Output, Failure<<M as Method>::Error>>;

/// The errors that a lexicon declares for one method. Generated as a closed enum.
pub trait DeclaredError: fmt::Debug + Send + Sync + 'static {
    /// The name on the wire.
    fn name(&self) -> &'static str;
    /// The lexicon's own words for when it happens.
    fn description(&self) -> Option<&'static str>;
}

/// The declared errors of a method that declares none: there is no value of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoError {}

impl DeclaredError for NoError {
    fn name(&self) -> &'static str {
        match *self {}
    }
    fn description(&self) -> Option<&'static str> {
        match *self {}
    }
}

/// Why a call did not succeed.
#[derive(Debug)]
pub enum Failure<E> {
    /// The lexicon names it and the caller can act on it.
    Declared(Declared<E>),
    /// Bad input or bad credentials.
    Rejected(Rejection),
    /// Anything else: logged once with its causes, answered as `InternalServerError` and nothing more.
    Internal(Box<dyn StdError + Send + Sync>),
}

/// A declared error with its HTTP status and a message for people.
#[derive(Debug)]
pub struct Declared<E> {
    /// Which of the declared errors.
    pub error: E,
    /// HTTP status; 400 unless the handler says otherwise.
    pub status: u16,
    /// For people; the lexicon's description unless the handler says otherwise.
    pub message: Option<String>,
}

/// Says no with an error that the lexicon declares.
pub fn declared<E: DeclaredError>(error: E) -> Declared<E> {
    Declared {
        error,
        status: 400,
        message: None,
    }
}

impl<E> Declared<E> {
    /// Answers with this HTTP status instead of 400.
    #[must_use]
    pub fn status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    /// Says this instead of the lexicon's description.
    #[must_use]
    pub fn message(mut self, message: impl Into<String>) -> Self {
        self.message = Some(message.into());
        self
    }
}

impl<E> From<Declared<E>> for Failure<E> {
    fn from(declared: Declared<E>) -> Self {
        Self::Declared(declared)
    }
}

/// A refusal that no lexicon needs to declare: bad params, a bad body, missing credentials.
///
/// Deliberately not a [`std::error::Error`], so that `?` never turns one into an internal error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejection {
    /// HTTP status.
    pub status: u16,
    /// The error name on the wire, without white space.
    pub error: &'static str,
    /// What was wrong, where, and what to do.
    pub message: String,
    /// Extra response headers, e.g. `WWW-Authenticate`.
    pub headers: Vec<(&'static str, String)>,
}

impl Rejection {
    /// A refusal with this status, name and message.
    pub fn new(status: u16, error: &'static str, message: impl Into<String>) -> Self {
        Self {
            status,
            error,
            message: message.into(),
            headers: Vec::new(),
        }
    }

    /// 400 `InvalidRequest`.
    pub fn invalid_request(message: impl Into<String>) -> Self {
        Self::new(400, "InvalidRequest", message)
    }

    /// 403 `Forbidden`.
    pub fn forbidden(message: impl Into<String>) -> Self {
        Self::new(403, "Forbidden", message)
    }

    /// The same refusal with one more response header.
    #[must_use]
    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }
}

impl<E> From<Rejection> for Failure<E> {
    fn from(rejection: Rejection) -> Self {
        Self::Rejected(rejection)
    }
}

impl<E, X: StdError + Send + Sync + 'static> From<X> for Failure<E> {
    fn from(error: X) -> Self {
        Self::Internal(Box::new(error))
    }
}
