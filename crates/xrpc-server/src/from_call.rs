//! Extractors that see what a call says, its arguments included.

use futures_util::future::BoxFuture;
use http::request::Parts;

use crate::envelope::Refusal;
use crate::passage::MethodInfo;

/// What becomes of a claim: a future that owns everything it needs.
pub type Proof<T> = BoxFuture<'static, Result<T, Refusal>>;

/// The last extractor of a handler, if what it proves depends on the arguments: whether a token is
/// meant for the space that the body names, say.
///
/// `P` are the method's params, `I` its input, `S` is the service's state. It comes in two steps.
/// [`claim`](Self::claim) runs before the body is read, so that nobody's body is read who has nothing
/// to show. [`prove`](Self::prove) runs once the arguments are decoded and hold.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be extracted from a call with `{P}` and `{I}`",
    note = "its policy must know where these arguments say what it asks for"
)]
pub trait FromCall<P, I, S>: Sized + Send + 'static {
    /// What a request claims before it is proved.
    type Claim: Send + 'static;

    /// Takes the claim out of the request's head.
    ///
    /// # Errors
    /// What no arguments could mend.
    fn claim(parts: &mut Parts, state: &S) -> Result<Self::Claim, Refusal>;

    /// Proves the claim. Reads what it needs of the arguments at once: a streamed body cannot be
    /// shared with a future.
    fn prove(claim: Self::Claim, arguments: Arguments<'_, P, I>, state: &S) -> Proof<Self>;
}

/// The decoded arguments of a call.
#[derive(Debug)]
pub struct Arguments<'a, P, I> {
    /// Which method.
    pub method: MethodInfo,
    /// The params; `()` if the method has none.
    pub params: &'a P,
    /// The input; [`NoBody`](loggia_xrpc::NoBody) if the method has none.
    pub input: &'a I,
}

impl<P, I> Clone for Arguments<'_, P, I> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<P, I> Copy for Arguments<'_, P, I> {}

/// Marks, in the types of a handler, that its last extractor is a [`FromCall`].
#[derive(Debug)]
pub struct Late<T, L>(std::marker::PhantomData<fn() -> (T, L)>);
