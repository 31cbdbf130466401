//! Secrets that webhooks name, and what becomes of those webhooks when a secret comes, changes or goes.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jiff::Timestamp;
use loggia_delivery::{DisableReason, EndpointId, Handle, Secret, Secrets};
use loggia_storage::{
    NewWispSecret, Storage, StorageError, WispRefusal, WispSecret, WispSecretId,
    WispSecretInserted, WispState, WispWebhook, Write,
};
use loggia_syntax::Did;
use zeroize::Zeroizing;

use super::webhook::is_secret_name;
use crate::chance;
use crate::wisp_registry::{self, Bell};

/// What the handlers of `place.wisp.v2.secret.*` and `/api/secret` need.
#[derive(Clone)]
pub struct SecretDesk {
    storage: Storage,
    engine: Handle,
    bell: Bell,
}

/// Why nothing came of it.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// No secret can have this name.
    #[error("a secret's name has 1 to 64 letters, digits and `.`, `_`, `-`")]
    Name,
    /// The account has one of this name.
    #[error("there is a secret of this name: rotate it, or choose another name")]
    Exists,
    /// The account has as many as it may have.
    #[error("an account can have {} secrets: delete one first", SecretDesk::MOST)]
    TooMany,
    /// The account has none of this name.
    #[error("there is no secret of this name")]
    NotFound,
    /// The store.
    #[error("the store failed")]
    Storage(#[from] StorageError),
}

/// A secret's token, shown this once.
pub type Token = Zeroizing<String>;

impl SecretDesk {
    /// Most secrets of one account: as many as it may have webhooks.
    pub const MOST: u32 = 100;

    /// The secrets of a store. The engine hears of endpoints that change, the bell of webhooks to be
    /// read again.
    pub(crate) fn new(storage: Storage, engine: Handle, bell: Bell) -> Self {
        Self {
            storage,
            engine,
            bell,
        }
    }

    /// Makes a secret. Webhooks that were refused for want of it are read again.
    ///
    /// # Errors
    /// Why there is none.
    pub async fn create(
        &self,
        owner: &Did,
        name: &str,
        now: Timestamp,
    ) -> Result<Token, SecretError> {
        if !is_secret_name(name) {
            return Err(SecretError::Name);
        }
        let new = NewWispSecret {
            id: WispSecretId::new(now, chance::bytes()),
            owner: owner.clone(),
            name: name.to_owned(),
            token: token(),
        };
        let mut tx = self.storage.begin().await?;
        let secrets = self.storage.wisp_secrets();
        match secrets.insert(&mut tx, &new, Self::MOST, now).await? {
            WispSecretInserted::Done => {}
            WispSecretInserted::Duplicate => return Err(SecretError::Exists),
            WispSecretInserted::TooMany => return Err(SecretError::TooMany),
        }
        let waiting = self.naming(&mut tx, owner, name).await?;
        let waiting: Vec<_> = waiting
            .into_iter()
            .filter(|webhook| wants_secret(&webhook.state))
            .map(|webhook| (webhook.owner, webhook.rkey))
            .collect();
        wisp_registry::reread(&self.storage, &mut tx, &waiting, now).await?;
        tx.commit().await?;
        self.bell.ring();
        Ok(new.token.to_text())
    }

    /// All of an account's, without their tokens.
    ///
    /// # Errors
    /// The store failed.
    pub async fn list(&self, owner: &Did) -> Result<Vec<WispSecret>, StorageError> {
        self.storage.wisp_secrets().list(owner).await
    }

    /// Replaces a secret. The very next attempt to each webhook that names it is signed with the new
    /// one; the old one signs nothing more.
    ///
    /// # Errors
    /// Why it stays as it is.
    pub async fn rotate(
        &self,
        owner: &Did,
        name: &str,
        now: Timestamp,
    ) -> Result<Token, SecretError> {
        check_known(name)?;
        let token = token();
        let mut tx = self.storage.begin().await?;
        let secrets = self.storage.wisp_secrets();
        if !secrets.rotate(&mut tx, owner, name, &token, now).await? {
            return Err(SecretError::NotFound);
        }
        let told = endpoints(&self.naming(&mut tx, owner, name).await?);
        for endpoint in &told {
            let secrets = Secrets::one(token.clone());
            let endpoints = self.storage.endpoints();
            endpoints
                .put_secrets(&mut tx, *endpoint, secrets, now)
                .await?;
        }
        tx.commit().await?;
        self.drop_from_memory(told).await;
        Ok(token.to_text())
    }

    /// Throws a secret away. Webhooks that name it are not told any more, since they would go out
    /// unsigned; one of the same name, or another record, wakes them.
    ///
    /// # Errors
    /// Why it stays.
    pub async fn delete(&self, owner: &Did, name: &str, now: Timestamp) -> Result<(), SecretError> {
        check_known(name)?;
        let mut tx = self.storage.begin().await?;
        let secrets = self.storage.wisp_secrets();
        if !secrets.delete(&mut tx, owner, name).await? {
            return Err(SecretError::NotFound);
        }
        let naming = self.naming(&mut tx, owner, name).await?;
        let told: Vec<_> = naming
            .into_iter()
            .filter(|webhook| webhook.state == WispState::Active)
            .collect();
        let silenced = endpoints(&told);
        for endpoint in &silenced {
            let (endpoints, reason) = (self.storage.endpoints(), DisableReason::NoSecret);
            endpoints.disable(&mut tx, *endpoint, reason, now).await?;
        }
        for webhook in told {
            let webhook = refused(webhook, name);
            let webhooks = self.storage.wisp_webhooks();
            webhooks.put(&mut tx, &webhook, now).await?;
        }
        tx.commit().await?;
        self.drop_from_memory(silenced).await;
        Ok(())
    }

    async fn naming(
        &self,
        tx: &mut Write,
        owner: &Did,
        name: &str,
    ) -> Result<Vec<WispWebhook>, StorageError> {
        let webhooks = self.storage.wisp_webhooks();
        webhooks.signed_with(tx, owner, name).await
    }

    async fn drop_from_memory(&self, endpoints: Vec<EndpointId>) {
        for endpoint in endpoints {
            self.engine.endpoint_dropped(endpoint).await;
        }
    }
}

/// What no secret can be called, none is; the store is not asked, since PostgreSQL would fail at a NUL.
fn check_known(name: &str) -> Result<(), SecretError> {
    match is_secret_name(name) {
        true => Ok(()),
        false => Err(SecretError::NotFound),
    }
}

/// A new token: 24 random bytes, as Wisp's service makes them.
fn token() -> Secret {
    let bytes = Zeroizing::new(chance::bytes::<24>());
    let text = Zeroizing::new(format!("wsk_{}", BASE64_URL_SAFE_NO_PAD.encode(&bytes[..])));
    Secret::plain(&text).expect("36 bytes are a secret")
}

fn wants_secret(state: &WispState) -> bool {
    matches!(state, WispState::Refused { kind, .. } if *kind == WispRefusal::NoSecret)
}

/// Those of webhooks that have one, in one order for everybody who changes several.
fn endpoints(webhooks: &[WispWebhook]) -> Vec<EndpointId> {
    let endpoints = webhooks.iter().filter_map(|webhook| webhook.endpoint);
    let mut endpoints: Vec<_> = endpoints.collect();
    endpoints.sort_unstable();
    endpoints
}

fn refused(webhook: WispWebhook, name: &str) -> WispWebhook {
    WispWebhook {
        state: WispState::Refused {
            kind: WispRefusal::NoSecret,
            reason: format!("there is no secret `{name}`"),
        },
        ..webhook
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_told_apart_and_read_as_wisp_writes_them() {
        let [one, other] = [token().to_text(), token().to_text()];
        assert_ne!(one, other);
        let bytes = one.strip_prefix("wsk_").expect("the prefix");
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(bytes).expect("base64url");
        assert_eq!(bytes.len(), 24);
    }
}
