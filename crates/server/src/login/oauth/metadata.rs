//! What a PDS and its authorization server say about themselves (RFC 9728, RFC 8414), held to what
//! AT Protocol's profile asks of them.

use loggia_xrpc_client::{AddressGuard, UrlRefusal};
use serde::{Deserialize, Serialize};
use url::Url;

use super::exchange::one_line;

/// Where a PDS says which authorization server guards it.
pub const RESOURCE_PATH: &str = "/.well-known/oauth-protected-resource";

/// Where an authorization server describes itself.
pub const SERVER_PATH: &str = "/.well-known/oauth-authorization-server";

/// An authorization server whose description was checked.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub struct AuthorizationServer {
    /// Its identity: an origin.
    pub issuer: String,
    /// Where people log in.
    pub authorization_endpoint: String,
    /// Takes pushed authorization requests.
    pub par_endpoint: String,
    /// Gives tokens.
    pub token_endpoint: String,
    /// Takes tokens back.
    pub revocation_endpoint: Option<String>,
}

/// Why a server cannot be used for logging in.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MetadataError {
    /// Not a JSON object with the members that are needed.
    #[error("the description is not the JSON that is expected ({0})")]
    Json(String),
    /// It speaks for somebody else.
    #[error("the description is that of {0}")]
    OtherName(String),
    /// A PDS must name exactly one authorization server.
    #[error("it names {0} authorization servers where there must be exactly one")]
    Servers(usize),
    /// A URL that may not be used.
    #[error("its {name} cannot be used")]
    Url {
        /// Which member.
        name: &'static str,
        /// Why not.
        #[source]
        source: UrlRefusal,
    },
    /// Not an origin.
    #[error("its {0} is not an origin")]
    Origin(&'static str),
    /// It does not do what the profile asks for.
    #[error("its {name} does not have {value}")]
    Lacks {
        /// Which member.
        name: &'static str,
        /// What is missing in it.
        value: String,
    },
}

#[derive(Deserialize)]
struct Resource {
    resource: String,
    #[serde(default)]
    authorization_servers: Vec<String>,
}

#[derive(Deserialize)]
#[serde(default)]
#[derive(Default)]
struct Described {
    issuer: String,
    authorization_endpoint: String,
    token_endpoint: String,
    pushed_authorization_request_endpoint: String,
    revocation_endpoint: Option<String>,
    authorization_response_iss_parameter_supported: bool,
    response_types_supported: Vec<String>,
    grant_types_supported: Vec<String>,
    code_challenge_methods_supported: Vec<String>,
    token_endpoint_auth_methods_supported: Vec<String>,
    dpop_signing_alg_values_supported: Vec<String>,
    scopes_supported: Vec<String>,
    client_id_metadata_document_supported: bool,
    protected_resources: Option<Vec<String>>,
}

/// The issuer that a PDS of this origin names.
///
/// # Errors
/// What is wrong with its description.
pub fn read_resource(
    json: &[u8],
    pds: &str,
    guard: &AddressGuard,
) -> Result<String, MetadataError> {
    let resource: Resource = parse(json)?;
    if resource.resource.trim_end_matches('/') != pds {
        return Err(MetadataError::OtherName(one_line(&resource.resource)));
    }
    match resource.authorization_servers.as_slice() {
        [issuer] => {
            check_origin("authorization_servers", issuer, guard)?;
            Ok(issuer.clone())
        }
        others => Err(MetadataError::Servers(others.len())),
    }
}

impl AuthorizationServer {
    /// Reads the description that was found at `issuer`; `pds` is the server that it has to guard,
    /// `auth_method` how we prove ourselves.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn read(
        json: &[u8],
        issuer: &str,
        pds: &str,
        auth_method: &str,
        guard: &AddressGuard,
    ) -> Result<Self, MetadataError> {
        let found: Described = parse(json)?;
        if found.issuer != issuer {
            return Err(MetadataError::OtherName(one_line(&found.issuer)));
        }
        found.check_profile(auth_method)?;
        if let Some(resources) = &found.protected_resources
            && !resources
                .iter()
                .any(|resource| resource.trim_end_matches('/') == pds)
        {
            return Err(lacks("protected_resources", pds));
        }
        check_url(
            "authorization_endpoint",
            &found.authorization_endpoint,
            guard,
        )?;
        check_url("token_endpoint", &found.token_endpoint, guard)?;
        let par = &found.pushed_authorization_request_endpoint;
        check_url("pushed_authorization_request_endpoint", par, guard)?;
        if let Some(url) = &found.revocation_endpoint {
            check_url("revocation_endpoint", url, guard)?;
        }
        Ok(Self {
            issuer: found.issuer,
            authorization_endpoint: found.authorization_endpoint,
            par_endpoint: found.pushed_authorization_request_endpoint,
            token_endpoint: found.token_endpoint,
            revocation_endpoint: found.revocation_endpoint,
        })
    }
}

impl Described {
    fn check_profile(&self, auth_method: &str) -> Result<(), MetadataError> {
        let wanted = [
            (
                "response_types_supported",
                &self.response_types_supported,
                "code",
            ),
            (
                "grant_types_supported",
                &self.grant_types_supported,
                "authorization_code",
            ),
            (
                "grant_types_supported",
                &self.grant_types_supported,
                "refresh_token",
            ),
            (
                "code_challenge_methods_supported",
                &self.code_challenge_methods_supported,
                "S256",
            ),
            (
                "token_endpoint_auth_methods_supported",
                &self.token_endpoint_auth_methods_supported,
                auth_method,
            ),
            (
                "dpop_signing_alg_values_supported",
                &self.dpop_signing_alg_values_supported,
                "ES256",
            ),
            ("scopes_supported", &self.scopes_supported, "atproto"),
        ];
        for (name, found, value) in wanted {
            if !found.iter().any(|found| found == value) {
                return Err(lacks(name, value));
            }
        }
        let flags = [
            (
                "authorization_response_iss_parameter_supported",
                self.authorization_response_iss_parameter_supported,
            ),
            (
                "client_id_metadata_document_supported",
                self.client_id_metadata_document_supported,
            ),
        ];
        match flags.into_iter().find(|(_, set)| !set) {
            Some((name, _)) => Err(lacks(name, "true")),
            None => Ok(()),
        }
    }
}

/// A URL that is nothing but scheme, host and port, without a slash at the end.
///
/// # Errors
/// It is more, or may not be reached.
pub fn check_origin(
    name: &'static str,
    text: &str,
    guard: &AddressGuard,
) -> Result<Url, MetadataError> {
    let url = check_url(name, text, guard)?;
    if url.origin().ascii_serialization() != text {
        return Err(MetadataError::Origin(name));
    }
    Ok(url)
}

fn check_url(name: &'static str, text: &str, guard: &AddressGuard) -> Result<Url, MetadataError> {
    guard
        .read_url(text)
        .map_err(|source| MetadataError::Url { name, source })
}

fn parse<T: for<'de> Deserialize<'de>>(json: &[u8]) -> Result<T, MetadataError> {
    serde_json::from_slice(json).map_err(|error| {
        // serde's message may quote the text; where it stands is enough.
        MetadataError::Json(format!("line {}, column {}", error.line(), error.column()))
    })
}

fn lacks(name: &'static str, value: &str) -> MetadataError {
    let value = value.to_owned();
    MetadataError::Lacks { name, value }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const PDS: &str = "https://pds.example";

    fn described() -> Value {
        json!({
            "issuer": PDS,
            "authorization_endpoint": "https://pds.example/oauth/authorize",
            "token_endpoint": "https://pds.example/oauth/token",
            "pushed_authorization_request_endpoint": "https://pds.example/oauth/par",
            "revocation_endpoint": "https://pds.example/oauth/revoke",
            "authorization_response_iss_parameter_supported": true,
            "response_types_supported": ["code"],
            "grant_types_supported": ["authorization_code", "refresh_token"],
            "code_challenge_methods_supported": ["S256"],
            "token_endpoint_auth_methods_supported": ["none", "private_key_jwt"],
            "dpop_signing_alg_values_supported": ["ES256"],
            "scopes_supported": ["atproto"],
            "client_id_metadata_document_supported": true,
            "protected_resources": ["https://pds.example"],
        })
    }

    fn read(description: &Value) -> Result<AuthorizationServer, MetadataError> {
        let json = description.to_string();
        AuthorizationServer::read(json.as_bytes(), PDS, PDS, "none", &AddressGuard::new())
    }

    #[test]
    fn a_good_description_is_read() {
        let server = read(&described()).expect("good");
        assert_eq!(server.par_endpoint, "https://pds.example/oauth/par");
    }

    #[test]
    fn every_member_that_is_needed_is_missed() {
        for (name, _) in described().as_object().expect("an object") {
            let mut without = described();
            without.as_object_mut().expect("an object").remove(name);
            let optional = ["revocation_endpoint", "protected_resources"].contains(&name.as_str());
            assert_eq!(read(&without).is_ok(), optional, "{name}");
        }
    }

    #[test]
    fn other_names_and_urls_that_go_elsewhere_are_refused() {
        let urls = [
            "http://pds.example/oauth/x",
            "javascript:alert(1)",
            "https://user@pds.example/",
            "https://10.0.0.1/",
            "http://localhost/",
            "not a URL",
        ];
        for name in [
            "authorization_endpoint",
            "token_endpoint",
            "pushed_authorization_request_endpoint",
            "revocation_endpoint",
        ] {
            for url in urls {
                let mut changed = described();
                changed[name] = url.into();
                let refused = matches!(read(&changed), Err(MetadataError::Url { .. }));
                assert!(refused, "{name} {url}");
            }
        }
        let mut other = described();
        other["issuer"] = "https://evil.example".into();
        assert!(matches!(read(&other), Err(MetadataError::OtherName(_))));
        let mut other = described();
        other["protected_resources"] = json!(["https://other.example"]);
        assert!(matches!(read(&other), Err(MetadataError::Lacks { .. })));
    }

    #[test]
    fn a_pds_names_itself_and_one_server_that_is_an_origin() {
        let read = |resource: &str, servers: &[&str]| {
            let json = json!({ "resource": resource, "authorization_servers": servers });
            read_resource(json.to_string().as_bytes(), PDS, &AddressGuard::new())
        };
        let issuer = "https://entry.example";
        assert_eq!(read(PDS, &[issuer]), Ok(issuer.to_owned()));
        assert!(matches!(
            read("https://x.example", &[issuer]),
            Err(MetadataError::OtherName(_))
        ));
        assert_eq!(read(PDS, &[]), Err(MetadataError::Servers(0)));
        assert_eq!(read(PDS, &[issuer, PDS]), Err(MetadataError::Servers(2)));
        for issuer in [
            "https://a.example/",
            "https://a.example/b",
            "https://a.example:443",
        ] {
            assert!(
                matches!(read(PDS, &[issuer]), Err(MetadataError::Origin(_))),
                "{issuer}"
            );
        }
        for json in ["", "[]", "null", "{", "{\"resource\": 1}"] {
            let read = read_resource(json.as_bytes(), PDS, &AddressGuard::new());
            assert!(matches!(read, Err(MetadataError::Json(_))), "{json}");
        }
    }
}
