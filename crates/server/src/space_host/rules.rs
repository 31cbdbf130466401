//! The rules of spaces between lexicon and store.

use loggia_api::com::atproto::simplespace::defs::{
    AllowList, ManagingAppPolicy, MemberListPolicy, Open, PublicPolicy,
};
use loggia_api::com::atproto::simplespace::{create_space, get_space, update_space};
use loggia_storage::{AppAccess, SpacePolicy};
use loggia_syntax::Did;
use loggia_xrpc::Rejection;

use super::limits;

/// A policy as a method has it; none if it is of a kind that is not known here.
pub(crate) trait Policy {
    /// What it says.
    fn known(self) -> Option<SpacePolicy>;
}

/// A rule for apps as a method has it.
pub(crate) trait Apps {
    /// What it says.
    fn known(self) -> Option<AppAccess>;
}

/// A rule in the words of `getSpace`.
pub(crate) trait Shown<R> {
    /// The rule that is stored.
    fn shown(rule: R) -> Self;
}

macro_rules! policies {
    ($($module:ident::$policy:ident),* $(,)?) => { $(
        impl Policy for $module::$policy {
            fn known(self) -> Option<SpacePolicy> {
                match self {
                    Self::PublicPolicy(_) => Some(SpacePolicy::Public),
                    Self::MemberListPolicy(_) => Some(SpacePolicy::MemberList),
                    Self::ManagingAppPolicy(policy) => {
                        Some(SpacePolicy::ManagingApp(policy.managing_app))
                    }
                    Self::Unknown(_) => None,
                }
            }
        }
    )* };
}

macro_rules! apps {
    ($($module:ident::$apps:ident),* $(,)?) => { $(
        impl Apps for $module::$apps {
            fn known(self) -> Option<AppAccess> {
                match self {
                    Self::Open(_) => Some(AppAccess::Open),
                    Self::AllowList(list) => Some(AppAccess::AllowList(list.allowed)),
                    Self::Unknown(_) => None,
                }
            }
        }
    )* };
}

macro_rules! shown {
    ($($policy:ident),* $(,)?) => { $(
        impl Shown<SpacePolicy> for get_space::$policy {
            fn shown(policy: SpacePolicy) -> Self {
                let extra = Default::default();
                match policy {
                    SpacePolicy::Public => Self::PublicPolicy(PublicPolicy { extra }),
                    SpacePolicy::MemberList => Self::MemberListPolicy(MemberListPolicy { extra }),
                    SpacePolicy::ManagingApp(managing_app) => {
                        Self::ManagingAppPolicy(ManagingAppPolicy { managing_app, extra })
                    }
                }
            }
        }
    )* };
}

policies!(
    create_space::InputReadPolicy,
    create_space::InputWritePolicy,
    update_space::InputReadPolicy,
    update_space::InputWritePolicy,
);
apps!(create_space::InputAppAccess, update_space::InputAppAccess);
shown!(OutputReadPolicy, OutputWritePolicy);

impl Shown<AppAccess> for get_space::OutputAppAccess {
    fn shown(access: AppAccess) -> Self {
        let extra = Default::default();
        match access {
            AppAccess::Open => Self::Open(Open { extra }),
            AppAccess::AllowList(allowed) => Self::AllowList(AllowList { allowed, extra }),
        }
    }
}

/// The policy, if it can be enforced; none if it is of an unknown kind.
///
/// # Errors
/// 400: it names no app that could be asked.
pub(crate) fn policy_of(policy: impl Policy) -> Result<Option<SpacePolicy>, Rejection> {
    let policy = policy.known();
    if let Some(SpacePolicy::ManagingApp(app)) = &policy {
        let (did, fragment) = app.split_once('#').unwrap_or((app, ""));
        if Did::check(did).is_err() || fragment.is_empty() || app.len() > limits::CLIENT_ID_BYTES {
            return Err(Rejection::invalid_request(
                "`managingApp` is a DID, and after `#` the entry of its document to call",
            ));
        }
    }
    Ok(policy)
}

/// The rule for apps, if it can be enforced; none if it is of an unknown kind.
///
/// # Errors
/// 400: the list is too long.
pub(crate) fn allowed_apps(apps: impl Apps) -> Result<Option<AppAccess>, Rejection> {
    let apps = apps.known();
    if let Some(AppAccess::AllowList(allowed)) = &apps {
        let (most, longest) = (limits::CLIENT_IDS, limits::CLIENT_ID_BYTES);
        if allowed.len() > most || allowed.iter().any(|id| id.len() > longest) {
            let message = format!("`allowed` has at most {most} client ids of {longest} bytes");
            return Err(Rejection::invalid_request(message));
        }
    }
    Ok(apps)
}
