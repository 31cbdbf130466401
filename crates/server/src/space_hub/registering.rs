//! Registering a service, in either shape.

use jiff::Timestamp;
use loggia_api::com::atproto::space::register_notify as official;
use loggia_api::dev::loggia::compat::register_notify as compat;
use loggia_delivery::{Endpoint, EndpointId, Parties, Profile, Secret, Secrets, Target};
use loggia_storage::{
    NewRegistration, Registered, Registration, RegistrationId, RegistrationShape, StorageError,
};
use loggia_syntax::data::Data;
use loggia_syntax::{Did, SpaceRef};
use loggia_xrpc::Rejection;
use loggia_xrpc_client::Url;

use super::draft;
use super::service::{Service, Unreachable};
use crate::chance;
use crate::registrant::Right;
use crate::space_host::SpaceHost;
use crate::space_notices::{REGISTRATION_LASTS, read_space};

/// A wish to be told.
#[derive(Clone, Debug)]
pub(crate) struct Wish {
    pub space: SpaceRef,
    older_spelling: bool,
    /// Whose writes to be told of; everybody's if nobody is named.
    author: Option<Did>,
    told: Told,
}

/// Who is to be told, and how.
#[derive(Clone, Debug)]
enum Told {
    /// A service, by calls of the protocol's methods.
    Service { name: String, service: Service },
    /// A URL, of each record.
    Webhook { service: Did, url: String },
    /// Whoever registers, by calls of the protocol's methods at this URL.
    Draft { url: String },
}

/// Why a service is not registered.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotRegistered {
    /// The space is not here, and nobody could tell a service of the protocol in its authority's name.
    #[error("there is no such space")]
    Space,
    /// Where the service is cannot be found out, or it may not be called.
    #[error(transparent)]
    Service(#[from] Unreachable),
    /// It is not known who registers, and so whom tokens would be for.
    #[error("the credential does not say whose it is, and no service is named")]
    Nameless,
    /// The URL may not be called.
    #[error("the URL may not be called")]
    Url(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// Nothing shows that the service wants to be told.
    #[error("nothing shows that the service wants to be told")]
    Consent,
    /// The service has answered 410: it takes its own word, or the authority's, to tell it again.
    #[error("the service has said that it wants to be told no more")]
    Gone,
    /// What gave the right was taken back just now.
    #[error("the right to be told of this space has just ended")]
    Ended,
    /// There are too many already: whose.
    #[error("{0} cannot have more registrations: let some expire first")]
    TooMany(&'static str),
    /// The store failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

impl Told {
    fn shape(&self) -> RegistrationShape {
        match self {
            Self::Service { .. } => RegistrationShape::Protocol,
            Self::Webhook { .. } => RegistrationShape::Webhook,
            Self::Draft { .. } => RegistrationShape::Draft,
        }
    }
}

impl Wish {
    /// What the protocol's shape wishes. For one author only, it names them as `repo`, as the proposal
    /// does.
    pub(crate) fn of_official(input: official::Input, drafts: bool) -> Result<Self, Rejection> {
        if input.service.is_empty() && !drafts {
            return Err(draft::refused("a registration without `service`"));
        }
        let author = match input.extra.get("repo") {
            None => None,
            Some(Data::String(text)) => Some(
                Did::new(text.as_str())
                    .map_err(|error| Rejection::invalid_request(format!("`repo`: {error}")))?,
            ),
            Some(_) => return Err(Rejection::invalid_request("`repo` is a DID")),
        };
        if input.service.is_empty() {
            return Ok(Self {
                told: Told::Draft {
                    url: draft::endpoint(&input.extra)?,
                },
                space: input.space,
                older_spelling: false,
                author,
            });
        }
        Ok(Self {
            space: input.space,
            older_spelling: false,
            author,
            told: Told::Service {
                service: Service::read(&input.service)?,
                name: input.service,
            },
        })
    }

    /// What the webhook shape wishes. For one author only, it names them as `author`.
    pub(crate) fn of_compat(input: compat::Input) -> Result<Self, Rejection> {
        Ok(Self {
            space: read_space(&input.space)?,
            older_spelling: input.space.starts_with("ats://"),
            author: input.author,
            told: Told::Webhook {
                service: input.service_did,
                url: input.endpoint.as_str().to_owned(),
            },
        })
    }

    /// Registers it, or renews it; the secret is there for whoever registers a URL for the first time.
    pub(crate) async fn register(
        self,
        host: &SpaceHost,
        right: &Right,
        now: Timestamp,
    ) -> Result<(Registration, Option<Secret>), NotRegistered> {
        let secret = Secret::generate(chance::bytes());
        let (service, endpoint) = self.endpoint(host, right, &secret, now).await?;
        let shape = self.told.shape();
        let lasts = now + REGISTRATION_LASTS;
        let new = NewRegistration {
            id: RegistrationId::new(now, chance::bytes()),
            space: self.space,
            service,
            shape,
            author: self.author,
            older_spelling: self.older_spelling,
            endpoint,
            created_by: right.created_by().clone(),
            reader: right.reader.clone(),
            credential: right.credential.clone(),
            expires_at: right.until.map_or(lasts, |until| until.min(lasts)),
        };
        let (notices, mut tx) = (&host.notices, host.storage.begin().await?);
        let registrations = host.storage.registrations();
        let registered = registrations.register(&mut tx, new, &notices.caps, now);
        let (registration, secret) = match registered.await? {
            Registered::New(registration) => {
                let is_webhook = shape == RegistrationShape::Webhook;
                (registration, is_webhook.then_some(secret))
            }
            Registered::Renewed(registration) => (registration, None),
            Registered::SpaceFull => return Err(NotRegistered::TooMany(right.of_the_space())),
            Registered::AuthorityFull => {
                return Err(NotRegistered::TooMany(right.of_the_authority()));
            }
            Registered::Gone => return Err(NotRegistered::Gone),
            Registered::Ended => return Err(NotRegistered::Ended),
            Registered::CallerFull => return Err(NotRegistered::TooMany(right.of_the_caller())),
        };
        tx.commit().await?;
        if shape == RegistrationShape::Protocol {
            // It may be told at another place from now on.
            notices.engine.endpoint_dropped(registration.endpoint).await;
        }
        Ok((registration, secret))
    }

    /// The service by its name, and where and how it is told.
    async fn endpoint(
        &self,
        host: &SpaceHost,
        right: &Right,
        secret: &Secret,
        now: Timestamp,
    ) -> Result<(String, Endpoint), NotRegistered> {
        let (notices, id) = (&host.notices, EndpointId::new(now, chance::bytes()));
        let endpoint = |target, profile, secrets| {
            Endpoint::new(id, right.authority.clone(), target, profile, secrets, now)
        };
        match &self.told {
            Told::Webhook { service, url } => {
                let url = notices.guard.read_url(url).map_err(not_called)?;
                let target = Target::new(url.as_str()).map_err(not_called)?;
                self.check_consent(host, right, service, Some(&url))?;
                let secrets = Secrets::one(secret.clone());
                Ok((
                    service.to_string(),
                    endpoint(target, Profile::SpaceWebhook, secrets),
                ))
            }
            Told::Service { name, service } => {
                self.check_here(host).await?;
                self.check_consent(host, right, &service.did, None)?;
                let target = service.find(host, now).await?;
                let endpoint = endpoint(target, Profile::SpaceProtocol, Secrets::default());
                Ok((name.clone(), called(endpoint, right, name)))
            }
            Told::Draft { url } => {
                self.check_here(host).await?;
                let url = notices.guard.read_url(url).map_err(not_called)?;
                let target = Target::new(url.as_str()).map_err(not_called)?;
                let caller = right.caller().ok_or(NotRegistered::Nameless)?;
                // Who calls is known, and not whether the URL is theirs.
                if !notices.consent.is_given(caller, None, Some(&url)) {
                    return Err(NotRegistered::Consent);
                }
                let endpoint = endpoint(target, Profile::SpaceProtocol, Secrets::default());
                let name = caller.to_string();
                Ok((name.clone(), called(endpoint, right, &name)))
            }
        }
    }

    /// That the space is here, in whose authority's name services are called.
    async fn check_here(&self, host: &SpaceHost) -> Result<(), NotRegistered> {
        match host.storage.spaces().find(&self.space).await? {
            Some(_) => Ok(()),
            None => Err(NotRegistered::Space),
        }
    }

    fn check_consent(
        &self,
        host: &SpaceHost,
        right: &Right,
        service: &Did,
        url: Option<&Url>,
    ) -> Result<(), NotRegistered> {
        match host.notices.consent.is_given(service, right.caller(), url) {
            true => Ok(()),
            false => Err(NotRegistered::Consent),
        }
    }
}

/// An endpoint of calls in the authority's name, to a service of this name.
fn called(mut endpoint: Endpoint, right: &Right, name: &str) -> Endpoint {
    // So that what a service hears has gaps only where something was superseded.
    endpoint.in_order = true;
    endpoint.parties = Some(Parties {
        issuer: right.authority.clone(),
        audience: name.to_owned(),
    });
    endpoint
}

fn not_called(error: impl std::error::Error + Send + Sync + 'static) -> NotRegistered {
    NotRegistered::Url(Box::new(error))
}
