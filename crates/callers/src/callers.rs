//! What verification needs, shared by all extractors.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use jiff::Timestamp;
use loggia_auth::access_token::AccessRequest;
use loggia_auth::dpop::{PublicUrl, Target};
use loggia_auth::http_signature::SignedFields;
use loggia_auth::service_auth::{Audiences, Expected, Limits, Unverified, Verified};
use loggia_auth::space_credential::{
    CredentialRequest, Exchange, ExchangeError, Exchanged, Revocations, SpaceAudience, SpaceReader,
};
use loggia_auth::{
    AccessError, AccessToken, CredentialError, DpopAccess, ReplayStore, ServiceAuth,
    ServiceAuthError, SpaceCredentials,
};
use loggia_identity::ResolveDid;
use loggia_syntax::{Did, Nsid};
use loggia_xrpc_server::Refusal;

use crate::account::AccessClaim;
use crate::challenge;
use crate::presented::borrowed;
use crate::space::SpaceClaim;

/// What verification needs, as a slice of the service's state. Cheap to clone.
#[derive(Clone)]
pub struct Callers(Arc<Shared>);

struct Shared {
    audiences: Arc<[String]>,
    limits: Limits,
    service: Box<dyn ProveService>,
    access: Option<Bound<dyn ProveAccess>>,
    spaces: Option<Bound<dyn ProveReader>>,
    exchange: Option<Bound<dyn ProveExchange>>,
    admins: Vec<Did>,
    clock: Box<dyn Fn() -> Timestamp + Send + Sync>,
}

/// A verifier of proofs that are bound to the URL of a request.
struct Bound<V: ?Sized> {
    verifier: Box<V>,
    public_url: PublicUrl,
}

impl<V: ?Sized> Bound<V> {
    /// The URL of a request as its caller sees it.
    fn target(&self, claim: &AccessClaim) -> Result<Target, Refusal> {
        let target = self.public_url.target(&claim.path);
        target.map_err(|error| Refusal::internal(&error))
    }
}

/// Puts [`Callers`] together.
pub struct Builder(Shared);

impl Callers {
    /// Verifies tokens for these audiences (`did` and `did#service` are distinct, so that both are
    /// named if both are taken), with keys from `documents`; what was used once is kept in `used`,
    /// which all processes that answer for these audiences share.
    pub fn builder(
        audiences: impl IntoIterator<Item = String>,
        documents: impl ResolveDid,
        used: impl ReplayStore,
    ) -> Builder {
        Builder(Shared {
            audiences: audiences.into_iter().collect(),
            limits: Limits::default(),
            service: Box::new(ServiceAuth::new(documents, used)),
            access: None,
            spaces: None,
            exchange: None,
            admins: Vec::new(),
            clock: Box::new(system_time),
        })
    }

    /// The audiences that tokens for this service may name.
    pub fn audiences(&self) -> Arc<[String]> {
        self.0.audiences.clone()
    }

    /// Looks at what a service token claims, whose audience is not decided yet. Asks nobody.
    ///
    /// # Errors
    /// As for the whole proof, of which this is the first part.
    pub fn check_service_claims(
        &self,
        token: &str,
        method: &'static str,
    ) -> Result<(), ServiceAuthError> {
        let method = Nsid::from_static(method);
        let expected = self.expected(Audiences::Handler, &method);
        Unverified::parse(token)?.check_claims(&expected).map(drop)
    }

    /// Verifies a service token for one of these audiences, however it came, and uses it up.
    ///
    /// # Errors
    /// Why the token proves nothing here.
    pub async fn prove_service(
        &self,
        token: &str,
        method: &'static str,
        audiences: &[String],
    ) -> Result<Verified, ServiceAuthError> {
        let audiences = Audiences::OneOf(audiences);
        self.prove_for(token, method, audiences).await
    }

    pub(crate) async fn prove_for(
        &self,
        token: &str,
        method: &'static str,
        audiences: Audiences<'_>,
    ) -> Result<Verified, ServiceAuthError> {
        let method = Nsid::from_static(method);
        let expected = self.expected(audiences, &method);
        self.0.service.prove(token, expected).await
    }

    /// Verifies an access token and the proof that goes with it, and uses the proof up.
    pub(crate) async fn prove_access(
        &self,
        claim: &AccessClaim,
    ) -> Result<Arc<AccessToken>, Refusal> {
        let Some(access) = &self.0.access else {
            return Err(challenge::refuse(&AccessError::UntrustedIssuer));
        };
        let request = AccessRequest {
            authorization: &borrowed(&claim.authorization),
            dpop: &borrowed(&claim.dpop),
            method: &claim.method,
            target: &access.target(claim)?,
            now: self.now(),
        };
        let proved = access.verifier.prove(request).await;
        proved.map_err(|error| challenge::refuse(&error))
    }

    /// Verifies a space credential and the proof of its holder, for the owner of this repository or
    /// else for the authority of the space.
    pub(crate) async fn prove_reader(
        &self,
        claim: &SpaceClaim,
        repo: Option<&Did>,
    ) -> Result<SpaceReader, Refusal> {
        let Some(spaces) = &self.0.spaces else {
            return Err(challenge::no_credentials_taken());
        };
        let target = spaces.target(&claim.access)?;
        let fields = Fields::of(claim);
        let request = fields.request(claim, &target, self.now());
        let audience = repo.map_or(SpaceAudience::Authority, SpaceAudience::Is);
        let proved = spaces.verifier.prove(request, audience).await;
        proved.map_err(|error| challenge::refuse(&error))
    }

    /// Verifies a delegation token and the key that goes with it, and uses both up.
    pub(crate) async fn prove_exchange(&self, claim: &SpaceClaim) -> Result<Exchanged, Refusal> {
        let Some(exchange) = &self.0.exchange else {
            return Err(challenge::no_credentials_taken());
        };
        let target = exchange.target(&claim.access)?;
        let fields = Fields::of(claim);
        let request = fields.request(claim, &target, self.now());
        let proved = exchange.verifier.prove(request).await;
        proved.map_err(|error| challenge::refuse(&error))
    }

    /// The nonce that DPoP proofs must carry from now on, if access tokens are taken at all.
    pub(crate) fn nonce(&self) -> Option<String> {
        let access = self.0.access.as_ref()?;
        Some(access.verifier.nonce(self.now()))
    }

    pub(crate) fn is_admin(&self, did: &Did) -> bool {
        self.0.admins.contains(did)
    }

    fn now(&self) -> Timestamp {
        (self.0.clock)()
    }

    fn expected<'a>(&self, audiences: Audiences<'a>, method: &'a Nsid) -> Expected<'a> {
        Expected {
            audiences,
            method,
            now: self.now(),
            limits: self.0.limits,
        }
    }
}

impl Builder {
    /// How far clocks may differ and how long service tokens may live. 5 s and 300 s.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.0.limits = limits;
        self
    }

    /// Takes access tokens as well, of the issuers that `access` trusts. Proofs are for URLs below
    /// `public_url`, whatever the `Host` header says.
    #[must_use]
    pub fn access_tokens(
        mut self,
        access: DpopAccess<impl ReplayStore>,
        public_url: PublicUrl,
    ) -> Self {
        self.0.access = Some(Bound {
            verifier: Box::new(access),
            public_url,
        });
        self
    }

    /// Takes space credentials as well. Proofs in the form of August 2026 are for URLs below
    /// `public_url`.
    #[must_use]
    pub fn space_credentials<D, R, S>(
        mut self,
        credentials: SpaceCredentials<D, R, S>,
        public_url: PublicUrl,
    ) -> Self
    where
        D: ResolveDid,
        R: Revocations,
        S: ReplayStore,
    {
        self.0.spaces = Some(Bound {
            verifier: Box::new(credentials),
            public_url,
        });
        self
    }

    /// Trades delegation tokens for credentials as well, see
    /// [`CredentialSeeker`](crate::CredentialSeeker).
    #[must_use]
    pub fn exchange<D, S>(mut self, exchange: Exchange<D, S>, public_url: PublicUrl) -> Self
    where
        D: ResolveDid,
        S: ReplayStore,
    {
        self.0.exchange = Some(Bound {
            verifier: Box::new(exchange),
            public_url,
        });
        self
    }

    /// Who may call what [`Admin`](crate::Admin) guards. Nobody.
    #[must_use]
    pub fn admins(mut self, admins: impl IntoIterator<Item = Did>) -> Self {
        self.0.admins = admins.into_iter().collect();
        self
    }

    /// Another clock than the system's.
    #[must_use]
    pub fn clock(mut self, clock: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        self.0.clock = Box::new(clock);
        self
    }

    /// The finished slice of state.
    pub fn build(self) -> Callers {
        Callers(Arc::new(self.0))
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "requests arrive here; everything below takes the time as an argument"
)]
fn system_time() -> Timestamp {
    Timestamp::now()
}

/// The header fields of a request, borrowed from what was kept of it.
struct Fields<'a> {
    authorization: Vec<&'a str>,
    dpop: Vec<&'a str>,
    audience: Vec<&'a str>,
    signature_input: Vec<&'a str>,
    signature: Vec<&'a str>,
}

impl<'a> Fields<'a> {
    fn of(claim: &'a SpaceClaim) -> Self {
        Self {
            authorization: borrowed(&claim.access.authorization),
            dpop: borrowed(&claim.access.dpop),
            audience: borrowed(&claim.audience),
            signature_input: borrowed(&claim.signature_input),
            signature: borrowed(&claim.signature),
        }
    }

    fn request<'b>(
        &'b self,
        claim: &'b SpaceClaim,
        target: &'b Target,
        now: Timestamp,
    ) -> CredentialRequest<'b> {
        CredentialRequest {
            fields: SignedFields {
                authorization: &self.authorization,
                audience: &self.audience,
                signature_input: &self.signature_input,
                signature: &self.signature,
            },
            dpop: &self.dpop,
            method: &claim.access.method,
            target,
            now,
        }
    }
}

/// [`ServiceAuth`] with its resolver and store forgotten.
trait ProveService: Send + Sync {
    fn prove<'a>(
        &'a self,
        token: &'a str,
        expected: Expected<'a>,
    ) -> BoxFuture<'a, Result<Verified, ServiceAuthError>>;
}

impl<D: ResolveDid, S: ReplayStore> ProveService for ServiceAuth<D, S> {
    fn prove<'a>(
        &'a self,
        token: &'a str,
        expected: Expected<'a>,
    ) -> BoxFuture<'a, Result<Verified, ServiceAuthError>> {
        Box::pin(async move { self.verify(token, &expected).await })
    }
}

/// [`DpopAccess`] with its store forgotten.
trait ProveAccess: Send + Sync {
    fn prove<'a>(
        &'a self,
        request: AccessRequest<'a>,
    ) -> BoxFuture<'a, Result<Arc<AccessToken>, AccessError>>;

    fn nonce(&self, now: Timestamp) -> String;
}

impl<S: ReplayStore> ProveAccess for DpopAccess<S> {
    fn prove<'a>(
        &'a self,
        request: AccessRequest<'a>,
    ) -> BoxFuture<'a, Result<Arc<AccessToken>, AccessError>> {
        Box::pin(async move { self.verify(&request).await })
    }

    fn nonce(&self, now: Timestamp) -> String {
        DpopAccess::nonce(self, now)
    }
}

/// [`SpaceCredentials`] with its resolver and stores forgotten.
trait ProveReader: Send + Sync {
    fn prove<'a>(
        &'a self,
        request: CredentialRequest<'a>,
        audience: SpaceAudience<'a>,
    ) -> BoxFuture<'a, Result<SpaceReader, CredentialError>>;
}

impl<D: ResolveDid, R: Revocations, S: ReplayStore> ProveReader for SpaceCredentials<D, R, S> {
    fn prove<'a>(
        &'a self,
        request: CredentialRequest<'a>,
        audience: SpaceAudience<'a>,
    ) -> BoxFuture<'a, Result<SpaceReader, CredentialError>> {
        Box::pin(async move { self.verify(&request, audience).await })
    }
}

/// [`Exchange`] with its resolver and store forgotten.
trait ProveExchange: Send + Sync {
    fn prove<'a>(
        &'a self,
        request: CredentialRequest<'a>,
    ) -> BoxFuture<'a, Result<Exchanged, ExchangeError>>;
}

impl<D: ResolveDid, S: ReplayStore> ProveExchange for Exchange<D, S> {
    fn prove<'a>(
        &'a self,
        request: CredentialRequest<'a>,
    ) -> BoxFuture<'a, Result<Exchanged, ExchangeError>> {
        Box::pin(async move { self.verify(&request).await })
    }
}
