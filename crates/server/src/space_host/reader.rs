//! Who reads a repository: its owner, or somebody with a credential for the space.

use loggia_api::com::atproto::simplespace::get_space;
use loggia_api::com::atproto::space::{
    get_blob, get_latest_commit, get_record, get_repo, list_blobs, list_records, list_repo_ops,
    list_repos,
};
use loggia_callers::{Either, SpacePolicy, SpaceReader, Wanted};
use loggia_xrpc::NoBody;
use loggia_xrpc_server::{Arguments, Refusal};

use super::caller::SpaceAccount;

/// The owner of a repository, or a reader whose request is meant for them.
pub type RepoReader = Either<SpaceAccount, SpaceReader<InRepo>>;

/// The owner of a space, or a reader of it whose request is meant for its authority.
pub type SpaceViewer = Either<SpaceAccount, SpaceReader<InSpace>>;

/// The space and the repository that the params name.
#[derive(Debug)]
pub enum InRepo {}

/// The space that the params name.
#[derive(Debug)]
pub enum InSpace {}

macro_rules! in_repo {
    ($($method:ident),* $(,)?) => { $(
        impl<S> SpacePolicy<$method::Params, NoBody, S> for InRepo {
            fn wanted(
                arguments: Arguments<'_, $method::Params, NoBody>,
                _: &S,
            ) -> Result<Wanted, Refusal> {
                Ok(Wanted {
                    space: arguments.params.space.clone(),
                    repo: Some(arguments.params.repo.clone()),
                })
            }
        }
    )* };
}

in_repo!(
    get_blob,
    get_latest_commit,
    get_record,
    get_repo,
    list_blobs,
    list_records,
    list_repo_ops,
);

macro_rules! in_space {
    ($($method:ident),* $(,)?) => { $(
        impl<S> SpacePolicy<$method::Params, NoBody, S> for InSpace {
            fn wanted(
                arguments: Arguments<'_, $method::Params, NoBody>,
                _: &S,
            ) -> Result<Wanted, Refusal> {
                Ok(Wanted {
                    space: arguments.params.space.clone(),
                    repo: None,
                })
            }
        }
    )* };
}

in_space!(get_space, list_repos);
