//! Signatures by the key that a DID document publishes under one fragment, and no other.

use jiff::Timestamp;
use loggia_identity::{DidDocument, KeyLookupError, Multikey, ResolveDid, ResolveError};
use loggia_syntax::Did;

use crate::key::{BadSignature, PublicKey};

/// Who is said to have signed, and with which of their keys.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Signer<'a> {
    pub(crate) did: &'a Did,
    /// With its `#`.
    pub(crate) fragment: &'a str,
}

/// Why it was not them.
#[derive(Debug)]
pub(crate) enum SignerFault {
    Resolve(ResolveError),
    Key(KeyLookupError),
    Signature(BadSignature),
}

impl Signer<'_> {
    /// Verifies with the known key and, if that fails, once more with the document fetched anew: the
    /// key may have been changed. Gives what `verify` gives, and the key.
    pub(crate) async fn find<V>(
        &self,
        documents: &impl ResolveDid,
        now: Timestamp,
        verify: impl Fn(&PublicKey) -> Result<V, BadSignature>,
    ) -> Result<(V, Multikey), SignerFault> {
        let known = self.known(documents, now).await?;
        let key = known.signing_key(self.fragment);
        let failure = match self.try_key(key.clone(), &verify) {
            Ok(verified) => return Ok(verified),
            Err(failure) => failure,
        };
        match documents.refresh(self.did, now).await {
            Ok(Some(fresh)) if fresh.signing_key(self.fragment) != key => {
                self.try_key(fresh.signing_key(self.fragment), &verify)
            }
            // The same key, or no newer document to be had: the first answer stands.
            Ok(_) => Err(failure),
            Err(error) if error.is_transient() => Err(failure),
            Err(error) => Err(SignerFault::Resolve(error)),
        }
    }

    /// Whether this is still the key, as far as is known.
    pub(crate) async fn has_key(
        &self,
        documents: &impl ResolveDid,
        now: Timestamp,
        key: &Multikey,
    ) -> Result<bool, SignerFault> {
        let known = self.known(documents, now).await?;
        Ok(known.signing_key(self.fragment).as_ref() == Ok(key))
    }

    async fn known(
        &self,
        documents: &impl ResolveDid,
        now: Timestamp,
    ) -> Result<std::sync::Arc<DidDocument>, SignerFault> {
        documents
            .resolve(self.did, now)
            .await
            .map_err(SignerFault::Resolve)
    }

    fn try_key<V>(
        &self,
        key: Result<Multikey, KeyLookupError>,
        verify: impl Fn(&PublicKey) -> Result<V, BadSignature>,
    ) -> Result<(V, Multikey), SignerFault> {
        let multikey = key.map_err(SignerFault::Key)?;
        let key = PublicKey::new(multikey).map_err(|source| {
            SignerFault::Key(KeyLookupError::Unusable {
                fragment: self.fragment.into(),
                source,
            })
        })?;
        let verified = verify(&key).map_err(SignerFault::Signature)?;
        Ok((verified, multikey))
    }
}
