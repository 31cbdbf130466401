//! Who we are to authorization servers.

use jiff::Timestamp;
use loggia_auth::jws::SignError;
use loggia_auth::{JwkSet, SigningKey};
use serde_json::{Value, json};
use url::form_urlencoded::Serializer;

use super::{SCOPE, jwt, key};

/// The path under which a published client's metadata is; its URL is the client's id.
pub const METADATA_PATH: &str = "/oauth/client-metadata.json";

/// The path of a published client's public keys.
pub const JWKS_PATH: &str = "/oauth/jwks.json";

/// Where authorization servers send people back to.
pub const CALLBACK_PATH: &str = "/oauth/callback";

/// An OAuth client: its id, where people come back to, and how it proves itself.
pub struct Client {
    id: String,
    redirect_uri: String,
    published: Option<Published>,
}

/// What only a published client has.
struct Published {
    origin: String,
    key: SigningKey,
}

impl Client {
    /// A development client. Its metadata is in its id; it has nothing to prove itself with.
    ///
    /// `origin` names loopback by its address: the protocol does not take `localhost` here.
    pub fn loopback(origin: &str) -> Self {
        let redirect_uri = format!("{origin}{CALLBACK_PATH}");
        let query = Serializer::new(String::new())
            .append_pair("redirect_uri", &redirect_uri)
            .append_pair("scope", SCOPE)
            .finish();
        Self {
            id: format!("http://localhost?{query}"),
            redirect_uri,
            published: None,
        }
    }

    /// A client that others find under this https origin and that proves itself with this key.
    pub fn published(origin: &str, key: SigningKey) -> Self {
        Self {
            id: format!("{origin}{METADATA_PATH}"),
            redirect_uri: format!("{origin}{CALLBACK_PATH}"),
            published: Some(Published {
                origin: origin.to_owned(),
                key,
            }),
        }
    }

    /// Its `client_id`.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Where people come back to.
    pub fn redirect_uri(&self) -> &str {
        &self.redirect_uri
    }

    /// Its `token_endpoint_auth_method`.
    pub fn auth_method(&self) -> &'static str {
        match self.published {
            Some(_) => "private_key_jwt",
            None => "none",
        }
    }

    /// The form fields that say and prove who sends a request to `issuer`. For one request only.
    ///
    /// # Errors
    /// Signing failed.
    pub fn authenticate(
        &self,
        issuer: &str,
        now: Timestamp,
        id: [u8; 16],
    ) -> Result<Vec<(&'static str, String)>, SignError> {
        const KIND: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
        let mut fields = vec![("client_id", self.id.clone())];
        if let Some(published) = &self.published {
            let assertion = jwt::assertion(&published.key, &self.id, issuer, now, id)?;
            fields.push(("client_assertion_type", KIND.to_owned()));
            fields.push(("client_assertion", assertion));
        }
        Ok(fields)
    }

    /// The metadata document of a published client.
    pub fn metadata(&self) -> Option<Value> {
        let Published { origin, .. } = self.published.as_ref()?;
        let host = origin.split_once("://").map_or("", |(_, host)| host);
        Some(json!({
            "client_id": self.id,
            "client_name": format!("Loggia at {host}"),
            "client_uri": origin,
            "application_type": "web",
            "redirect_uris": [self.redirect_uri],
            "grant_types": ["authorization_code", "refresh_token"],
            "response_types": ["code"],
            "scope": SCOPE,
            "dpop_bound_access_tokens": true,
            "token_endpoint_auth_method": self.auth_method(),
            "token_endpoint_auth_signing_alg": "ES256",
            "jwks_uri": format!("{origin}{JWKS_PATH}"),
        }))
    }

    /// The public keys of a published client.
    pub fn jwks(&self) -> Option<Value> {
        let Published { key, .. } = self.published.as_ref()?;
        let keys = JwkSet::of([(key::thumbprint(key), key.public().clone())]);
        Some(json!(keys))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_loopback_client_is_its_id() {
        let client = Client::loopback("http://127.0.0.1:2510");
        assert_eq!(
            client.id(),
            "http://localhost?redirect_uri=http%3A%2F%2F127.0.0.1%3A2510%2Foauth%2Fcallback\
             &scope=atproto+repo%3Aplace.wisp.v2.wh"
        );
        assert_eq!((client.metadata(), client.jwks()), (None, None));
        let fields = client.authenticate("https://pds.example", Timestamp::UNIX_EPOCH, [0; 16]);
        let expected = vec![("client_id", client.id().to_owned())];
        assert_eq!(fields.expect("nothing to sign"), expected);
    }

    #[test]
    fn a_published_client_shows_its_public_key_alone() {
        let key = SigningKey::generate_p256().expect("a key");
        let client = Client::published("https://hub.example", key);
        let metadata = client.metadata().expect("published");
        assert_eq!(metadata["client_id"], client.id());
        assert_eq!(metadata["jwks_uri"], "https://hub.example/oauth/jwks.json");
        assert_eq!(metadata["client_name"], "Loggia at hub.example");
        let jwks = client.jwks().expect("published");
        assert!(jwks["keys"][0].get("d").is_none());
        let fields = client
            .authenticate("https://pds.example", Timestamp::UNIX_EPOCH, [0; 16])
            .expect("signed");
        let names: Vec<_> = fields.iter().map(|(name, _)| *name).collect();
        assert_eq!(
            names,
            ["client_id", "client_assertion_type", "client_assertion"]
        );
    }
}
