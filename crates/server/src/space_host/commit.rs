//! Commits, signed anew for every reader.

use loggia_api::com::atproto::space::defs;
use loggia_auth::SigningKey;
use loggia_auth::key::SigningError;
use loggia_space::SignedCommit;
use loggia_storage::{RepoName, RepoState};

use crate::chance;

/// Signs what a repository is, for one reader.
pub(crate) fn signed(
    key: &SigningKey,
    name: &RepoName,
    state: &RepoState,
) -> Result<SignedCommit, SigningError> {
    let RepoName { author, space } = name;
    let digest = state.hash.digest();
    let sign = |bytes: &[u8]| key.sign(bytes);
    SignedCommit::sign(space, author, &state.rev, digest, chance::bytes(), sign)
}

/// The commit as the lexicon has it.
pub(crate) fn shown(commit: &SignedCommit, state: &RepoState) -> defs::SignedCommit {
    defs::SignedCommit {
        ver: 1,
        hash: commit.hash[..].into(),
        ikm: commit.ikm[..].into(),
        sig: commit.sig[..].into(),
        mac: commit.mac[..].into(),
        rev: state.rev.clone(),
        extra: Default::default(),
    }
}
