//! Space credentials of both forms.

use loggia_auth::dpop::{NewProof, Target, mint as mint_proof};
use loggia_auth::http_signature::{AUDIENCE_HEADER, SCHEME, SignatureFields, SignedFields, sign};
use loggia_auth::space_credential::{
    CredentialRequest, KeyBinding, MemoryRevocations, NewCredential, Profiles, SpaceAudience, mint,
};
use loggia_auth::{Jwk, MemoryReplayStore, SigningKey, SpaceCredentials};
use loggia_identity::{CachedResolver, DidDocument};
use loggia_syntax::{Did, SpaceRef};
use tokio::runtime::Runtime;

use super::bare::{Signed, k256, p256};
use super::service::{One, directory};
use super::{Ids, NOW};

const AUTHORITY_TEXT: &str = "did:plc:ewvi7nxzyoun6zhxrhs64oiz";
const AUTHORITY: Did = Did::from_static(AUTHORITY_TEXT);
const SPACE: SpaceRef = SpaceRef::from_static(
    "at://did:plc:ewvi7nxzyoun6zhxrhs64oiz/space/app.example.group/3lz2k4wq5xs2a",
);
const URL: &str = "https://api.loggia.example/xrpc/com.atproto.space.registerNotify";

/// What a request carries in its header: a signature in October, a proof in August.
struct Request {
    authorization: String,
    signature: Option<SignatureFields>,
    proof: Option<String>,
}

/// An authority with its key, and a reader with theirs.
struct World {
    authority: SigningKey,
    reader: SigningKey,
    target: Target,
    verifier: SpaceCredentials<CachedResolver<One>, MemoryRevocations, MemoryReplayStore>,
    ids: Ids,
}

pub fn contests(runtime: &Runtime) {
    let world = World::new();
    let key = world.reader.public();
    let october = KeyBinding::HttpSignature(key.clone());
    let august = KeyBinding::Dpop(Jwk::new(*key.multikey()).thumbprint());
    for (name, binding) in [("October", &october), ("August", &august)] {
        let token = world.token(binding);
        let shown = || world.bare(&world.request(binding, &token));
        let credential = || Signed::like(&world.authority, &world.token(binding));
        super::contest(
            runtime,
            &format!("space credential of {name} (P-256), first use"),
            || vec![shown(), credential()],
            || world.request(binding, &world.token(binding)),
            async |request| world.prove(request).await,
        );
        super::contest(
            runtime,
            &format!("the same credential of {name} again, with another signature"),
            || vec![shown()],
            || world.request(binding, &token),
            async |request| world.prove(request).await,
        );
    }
}

impl World {
    fn new() -> Self {
        let (authority, reader) = (p256(), p256());
        let document = DidDocument::new(AUTHORITY)
            .with_key("#atproto", *k256().public().multikey())
            .with_key("#atproto_space", *authority.public().multikey());
        let both = Profiles {
            october: true,
            august: true,
        };
        let verifier = SpaceCredentials::new(
            directory(document),
            MemoryRevocations::default(),
            MemoryReplayStore::default(),
            both,
        );
        Self {
            target: Target::parse(URL).expect("a URL"),
            ids: Ids::default(),
            authority,
            reader,
            verifier,
        }
    }

    fn token(&self, binding: &KeyBinding) -> String {
        let new = NewCredential {
            space: &SPACE,
            binding,
            fragment: "#atproto_space",
            now: NOW,
            lifetime: binding.usual_lifetime(),
            id: self.ids.next(),
        };
        mint(&self.authority, &new).expect("a credential")
    }

    fn request(&self, binding: &KeyBinding, token: &str) -> Request {
        match binding {
            KeyBinding::HttpSignature(_) => {
                let authorization = format!("{SCHEME} {token}");
                let made = sign(&self.reader, &authorization, Some(AUTHORITY_TEXT));
                Request {
                    authorization,
                    signature: Some(made.expect("a signature")),
                    proof: None,
                }
            }
            KeyBinding::Dpop(_) => Request {
                authorization: format!("DPoP {token}"),
                signature: None,
                proof: Some(self.proof(token)),
            },
        }
    }

    fn proof(&self, token: &str) -> String {
        let new = NewProof {
            method: "POST",
            target: &self.target,
            token: Some(token),
            nonce: None,
            now: NOW,
            id: self.ids.next(),
        };
        mint_proof(&self.reader, &new).expect("a proof")
    }

    /// What the reader signs, and nothing around it.
    fn bare(&self, request: &Request) -> Signed {
        match &request.proof {
            Some(proof) => Signed::like(&self.reader, proof),
            None => {
                let covered = format!(
                    "\"authorization\": {}\n\"{AUDIENCE_HEADER}\": {AUTHORITY_TEXT}\n\
                     \"@signature-params\": (\"authorization\" \"{AUDIENCE_HEADER}\")",
                    request.authorization
                );
                Signed::over(&self.reader, covered.as_bytes())
            }
        }
    }

    async fn prove(&self, request: &Request) {
        let signature = request.signature.as_ref();
        let input = signature.map(|fields| fields.input.as_str());
        let made = signature.map(|fields| fields.signature.as_str());
        let proof = request.proof.as_deref();
        let audience = signature.map(|_| AUTHORITY_TEXT);
        let request = CredentialRequest {
            fields: SignedFields {
                authorization: &[&request.authorization],
                audience: audience.as_slice(),
                signature_input: input.as_slice(),
                signature: made.as_slice(),
            },
            dpop: proof.as_slice(),
            method: "POST",
            target: &self.target,
            now: NOW,
        };
        let reader = self.verifier.verify(&request, SpaceAudience::Authority);
        let reader = reader.await.expect("it is genuine");
        assert_eq!(*reader.credential().authority(), AUTHORITY);
    }
}
