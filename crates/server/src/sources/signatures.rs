//! Accounts' signing keys, out of their DID documents.

use std::sync::Arc;

use loggia_auth::PublicKey;
use loggia_auth::key::LowS;
use loggia_delivery::{Clock as _, SystemClock};
use loggia_firehose::{SignatureError, Signatures, Soon};
use loggia_identity::{DidDocument, ResolveDid};
use loggia_syntax::Did;

/// Checks signatures by the keys that accounts publish.
pub struct AccountKeys<R>(pub R);

impl<R: ResolveDid> Signatures for AccountKeys<R> {
    fn check<'a>(
        &'a self,
        account: &'a Did,
        signed: &'a [u8],
        signature: &'a [u8],
    ) -> Soon<'a, Result<(), SignatureError>> {
        Box::pin(self.look(account, signed, signature))
    }
}

impl<R: ResolveDid> AccountKeys<R> {
    async fn look(
        &self,
        account: &Did,
        signed: &[u8],
        signature: &[u8],
    ) -> Result<(), SignatureError> {
        let no_key = |error| SignatureError::NoKey(Box::new(error));
        let now = SystemClock.now();
        let known = self.0.resolve(account, now).await.map_err(no_key)?;
        let checked = check(&known, signed, signature);
        if checked.is_ok() {
            return checked;
        }
        // The key may have changed since.
        match self.0.refresh(account, now).await.map_err(no_key)? {
            Some(document) => check(&document, signed, signature),
            None => checked,
        }
    }
}

fn check(
    document: &Arc<DidDocument>,
    signed: &[u8],
    signature: &[u8],
) -> Result<(), SignatureError> {
    let key = document
        .signing_key(DidDocument::ACCOUNT_KEY)
        .map_err(|error| SignatureError::NoKey(Box::new(error)))?;
    let key = PublicKey::new(key).map_err(|error| SignatureError::NoKey(Box::new(error)))?;
    key.verify(signed, signature, LowS::Required)
        .map_err(|_| SignatureError::Bad)
}
