//! Whose writes a space takes note of, and whom its managing app lets in.

use jiff::Timestamp;
use loggia_storage::{HostedSpace, RepoName, SpacePolicy, StorageError, Write};
use loggia_syntax::{Did, SpaceRef};

use super::SpaceHost;
use super::managing_app::{Access, Question};

/// What a managing app said of an author's writes: which one was asked, and whether they count.
pub(crate) type Asked = Option<(String, bool)>;

impl SpaceHost {
    /// What the managing app says of this author's writes, if the space goes by it. Before the
    /// transaction, in which nothing waits for others.
    pub(crate) async fn ask_to_write(
        &self,
        repo: &RepoName,
        now: Timestamp,
    ) -> Result<Asked, StorageError> {
        let RepoName { author, space } = repo;
        if space.authority() == *author {
            return Ok(None);
        }
        let found = self.storage.spaces().find(space).await?;
        let Some(SpacePolicy::ManagingApp(app)) = found.map(|space| space.write_policy) else {
            return Ok(None);
        };
        let question = Question {
            space,
            user: author,
            access: Access::Write,
            client: None,
        };
        let lets_in = self.ask(&app, &question, now).await;
        Ok(Some((app, lets_in)))
    }

    /// Whether a managing app lets an account read.
    pub(crate) async fn ask_to_read(
        &self,
        app: &str,
        space: &SpaceRef,
        user: &Did,
        now: Timestamp,
    ) -> bool {
        let question = Question {
            space,
            user,
            access: Access::Read,
            client: None,
        };
        self.ask(app, &question, now).await
    }

    /// Whether the space takes note of this author's writes. That of somebody else is left to its own
    /// host, except for those who have registered here.
    pub(crate) async fn counts(
        &self,
        tx: &mut Write,
        repo: &RepoName,
        space: Option<&HostedSpace>,
        asked: Asked,
    ) -> Result<bool, StorageError> {
        let author = &repo.author;
        let Some(space) = space.filter(|space| space.uri.authority() != *author) else {
            return Ok(true);
        };
        match &space.write_policy {
            SpacePolicy::Public => Ok(true),
            SpacePolicy::MemberList => {
                let spaces = self.storage.spaces();
                let member = spaces.member_in(tx, &space.uri, author).await?;
                Ok(member.is_some_and(|member| member.write))
            }
            SpacePolicy::ManagingApp(app) => {
                Ok(asked.is_some_and(|(asked, lets_in)| asked == *app && lets_in))
            }
        }
    }
}
