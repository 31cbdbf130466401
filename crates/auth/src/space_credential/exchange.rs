//! A delegation token becomes a credential (`getSpaceCredential`): what is verified before the host
//! decides.

use loggia_identity::ResolveDid;

use super::verifier::dpop_proof;
use super::{CredentialError, CredentialRequest, KeyBinding, Profiles};
use crate::delegation::{Delegation, DelegationError, Delegations, bearer};
use crate::http_signature::{Components, verify_with_keyid};
use crate::refusal::Refusal;
use crate::replay::ReplayStore;

/// Verifies exchanges.
#[derive(Clone, Debug)]
pub struct Exchange<D, S> {
    delegations: Delegations<D, S>,
    profiles: Profiles,
}

/// What an exchange has proved. The host still compares the space with that of the request, sees to
/// the client's attestation, and asks the space's policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exchanged {
    /// Who delegates, and what.
    pub delegation: Delegation,
    /// The key that the credential is to be bound to, which the caller has shown to hold.
    pub binding: KeyBinding,
}

/// Why there is no exchange.
#[derive(Debug, thiserror::Error)]
pub enum ExchangeError {
    /// The delegation token delegates nothing.
    #[error(transparent)]
    Delegation(DelegationError),
    /// The caller shows no key to bind a credential to.
    #[error(transparent)]
    Key(CredentialError),
}

impl<D: ResolveDid, S: ReplayStore> Exchange<D, S> {
    /// A verifier that binds in the forms of `profiles`.
    pub fn new(delegations: Delegations<D, S>, profiles: Profiles) -> Self {
        Self {
            delegations,
            profiles,
        }
    }

    /// Verifies the delegation token and the key. Then both the DPoP proof, if there is one, and the
    /// delegation token are used up, even if the host refuses later.
    pub async fn verify(
        &self,
        request: &CredentialRequest<'_>,
    ) -> Result<Exchanged, ExchangeError> {
        let of_token = ExchangeError::Delegation;
        let token = bearer(request.fields.authorization).map_err(of_token)?;
        let delegation = self
            .delegations
            .verify(token, request.now)
            .await
            .map_err(of_token)?;
        let binding = self.binding(request).await.map_err(ExchangeError::Key)?;
        self.delegations
            .use_up(&delegation, request.now)
            .await
            .map_err(of_token)?;
        Ok(Exchanged {
            delegation,
            binding,
        })
    }

    /// A proof is August's way and a signature October's. Where both are enabled, a request with a
    /// signature is one of October.
    async fn binding(
        &self,
        request: &CredentialRequest<'_>,
    ) -> Result<KeyBinding, CredentialError> {
        let is_signed = !request.fields.signature_input.is_empty();
        if self.profiles.october && (is_signed || !self.profiles.august) {
            let key = verify_with_keyid(&request.fields, Components::Exchange)?;
            return Ok(KeyBinding::HttpSignature(key));
        }
        if !self.profiles.august {
            return Err(CredentialError::Scheme);
        }
        let proof = dpop_proof(request, None)?;
        proof.use_up(self.delegations.used(), request.now).await?;
        Ok(KeyBinding::Dpop(proof.thumbprint().to_owned()))
    }
}

impl ExchangeError {
    fn inner(&self) -> &dyn Refusal {
        match self {
            Self::Delegation(error) => error,
            Self::Key(error) => error,
        }
    }
}

impl Refusal for ExchangeError {
    fn status(&self) -> u16 {
        self.inner().status()
    }

    fn name(&self) -> &'static str {
        self.inner().name()
    }

    fn message(&self) -> String {
        self.inner().message()
    }

    fn challenge(&self) -> Option<String> {
        self.inner().challenge()
    }
}
