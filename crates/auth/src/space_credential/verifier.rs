//! The whole way from a request to a proved reader.

use std::sync::Arc;

use jiff::Timestamp;
use loggia_identity::ResolveDid;
use loggia_syntax::{Did, SpaceRef};

use super::SEEN_CREDENTIALS;
use super::{Credential, CredentialError as Error, KeyBinding, Profiles, Revocations};
use crate::dpop::{Expected, Profile, Proof, Target};
use crate::hashed::HashedToken;
use crate::headers::{Authorization, FieldFault};
use crate::http_signature::{Components, SCHEME, SignedFields, verify_for_key};
use crate::jws::Compact;
use crate::key::LowS;
use crate::replay::ReplayStore;
use crate::seen::Seen;
use crate::signer::Signer;

/// What a request shows. Header fields are lists, so that a second one is seen.
#[derive(Clone, Copy, Debug)]
pub struct CredentialRequest<'a> {
    /// `Authorization`, and what October signs with it.
    pub fields: SignedFields<'a>,
    /// All `DPoP` fields, for August.
    pub dpop: &'a [&'a str],
    /// The HTTP method.
    pub method: &'a str,
    /// The URL as callers see it.
    pub target: &'a Target,
    /// The time.
    pub now: Timestamp,
}

/// Whom the caller must mean, in October's `Atproto-Space-Audience`. August does not say.
#[derive(Clone, Copy, Debug)]
pub enum SpaceAudience<'a> {
    /// The authority of the space, bare: methods of its host (`listRepos`, `registerNotify`,
    /// `unregisterNotify`, `getSpace`).
    Authority,
    /// This DID: the repository, for all methods with a `repo` parameter.
    Is(&'a Did),
    /// The handler decides, with [`SpaceReader::check_audience`].
    Handler,
}

/// A proved reader of a space.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpaceReader {
    credential: Arc<Credential>,
    audience: Option<String>,
}

impl SpaceReader {
    /// The credential that was shown.
    pub fn credential(&self) -> &Credential {
        &self.credential
    }

    /// Refuses the request unless it is meant for this DID. One of August does not say and passes.
    pub fn check_audience(&self, did: &Did) -> Result<(), Error> {
        match &self.audience {
            Some(audience) if *did != audience.as_str() => Err(Error::Audience),
            _ => Ok(()),
        }
    }

    /// Refuses the request unless it is about the space of its credential.
    pub fn check_space(&self, space: &SpaceRef) -> Result<(), Error> {
        self.credential.check_space(space)
    }
}

/// Verifies credentials and the proofs of their holders.
#[derive(Debug)]
pub struct SpaceCredentials<D, R, S> {
    documents: D,
    revocations: R,
    used: S,
    profiles: Profiles,
    seen: Seen<Credential>,
}

impl<D: ResolveDid, R: Revocations, S: ReplayStore> SpaceCredentials<D, R, S> {
    /// A verifier that asks `documents` for keys and `revocations` for what was taken back, and keeps
    /// used DPoP proofs in `used`.
    pub fn new(documents: D, revocations: R, used: S, profiles: Profiles) -> Self {
        Self {
            documents,
            revocations,
            used,
            profiles,
            seen: Seen::new(SEEN_CREDENTIALS),
        }
    }

    /// Proves the reader: two verifications, or one if the credential was seen before.
    ///
    /// The credential's own claims come first, then its signature, then the proof of its holder, the
    /// audience and the revocation list. A DPoP proof is used up last.
    pub async fn verify(
        &self,
        request: &CredentialRequest<'_>,
        audience: SpaceAudience<'_>,
    ) -> Result<SpaceReader, Error> {
        let authorization = self.authorization(request)?;
        let token = HashedToken::new(authorization.token);
        let credential = self.credential(&token, request.now).await?;
        let mut proof = None;
        let reader = match credential.binding() {
            KeyBinding::HttpSignature(key) if authorization.is(SCHEME) => {
                verify_for_key(&request.fields, Components::Use, key)?;
                let said = request.fields.audience.first().copied();
                SpaceReader {
                    audience: said.map(|audience| audience.trim().to_owned()),
                    credential,
                }
            }
            KeyBinding::Dpop(thumbprint) if authorization.is("DPoP") => {
                let shown = dpop_proof(request, Some(&token))?;
                shown.check_binding(thumbprint)?;
                proof = Some(shown);
                SpaceReader {
                    audience: None,
                    credential,
                }
            }
            _ => return Err(Error::Confirmation),
        };
        match audience {
            SpaceAudience::Authority => reader.check_audience(reader.credential.authority())?,
            SpaceAudience::Is(did) => reader.check_audience(did)?,
            SpaceAudience::Handler => {}
        }
        self.check_revocation(&reader.credential, request.now)
            .await?;
        if let Some(proof) = proof {
            proof.use_up(&self.used, request.now).await?;
        }
        Ok(reader)
    }

    fn authorization<'a>(
        &self,
        request: &CredentialRequest<'a>,
    ) -> Result<Authorization<'a>, Error> {
        let authorization =
            Authorization::parse(request.fields.authorization).map_err(|fault| match fault {
                FieldFault::Absent => Error::Absent,
                FieldFault::Repeated => Error::Repeated,
            })?;
        let is_taken = (self.profiles.october && authorization.is(SCHEME))
            || (self.profiles.august && authorization.is("DPoP"));
        if !is_taken {
            return Err(Error::Scheme);
        }
        if authorization.token.is_empty() {
            return Err(Error::Absent);
        }
        Ok(authorization)
    }

    /// The credential of this token, proved to be by its authority.
    async fn credential(
        &self,
        token: &HashedToken<'_>,
        now: Timestamp,
    ) -> Result<Arc<Credential>, Error> {
        if let Some(seen) = self.seen.get(token) {
            seen.value.check_still_valid(now)?;
            let signer = signer(&seen.value);
            let same_key = signer.has_key(&self.documents, now, &seen.key).await;
            if same_key.is_ok_and(|same| same) {
                return Ok(seen.value);
            }
            self.seen.remove(token);
        }
        let parsed = Compact::parse(token.text()).map_err(Error::Malformed)?;
        let credential = Credential::read(&parsed, now)?;
        let (_, key) = signer(&credential)
            .find(&self.documents, now, |key| {
                parsed.verify(key, LowS::Required)
            })
            .await
            .map_err(|fault| Error::of_signer(credential.authority(), fault))?;
        let credential = Arc::new(credential);
        self.seen.insert(token, &credential, key);
        Ok(credential)
    }

    async fn check_revocation(&self, credential: &Credential, now: Timestamp) -> Result<(), Error> {
        let revoked = self
            .revocations
            .is_revoked(credential.space(), credential.id(), now);
        match revoked.await {
            Ok(false) => Ok(()),
            Ok(true) => Err(Error::Revoked),
            Err(error) => Err(Error::Revocations(error)),
        }
    }
}

fn signer(credential: &Credential) -> Signer<'_> {
    Signer {
        did: credential.authority(),
        fragment: credential.fragment(),
    }
}

/// The DPoP proof of a request, with the token that it must speak of, if any.
pub(super) fn dpop_proof(
    request: &CredentialRequest<'_>,
    token: Option<&HashedToken<'_>>,
) -> Result<Proof, Error> {
    let expected = Expected {
        method: request.method,
        target: request.target,
        token: token.map(HashedToken::text),
        nonces: None,
        now: request.now,
    };
    Ok(Proof::verify_with(
        request.dpop,
        Profile::SPACE,
        &expected,
        token,
    )?)
}
