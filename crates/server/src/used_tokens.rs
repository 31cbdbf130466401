//! Tokens that were used, in the store that all of this server's processes share.

use jiff::Timestamp;
use loggia_auth::replay::ReplayScope;
use loggia_auth::{Replay, ReplayError, ReplayStore};
use loggia_storage::{Replays, Used};

/// Tokens that were used.
pub struct UsedTokens(pub Replays);

impl ReplayStore for UsedTokens {
    async fn consume(
        &self,
        scope: ReplayScope,
        key: &str,
        not_after: Timestamp,
        _: Timestamp,
    ) -> Result<Replay, ReplayError> {
        match self.0.consume(scope.as_str(), key, not_after).await {
            Ok(Used::First) => Ok(Replay::Fresh),
            Ok(Used::Before) => Ok(Replay::Seen),
            Ok(Used::Full) => {
                let kept = self.0.most();
                tracing::warn!(
                    kept,
                    "no room for another used token: its caller is refused"
                );
                Err(ReplayError::Full(kept as usize))
            }
            Err(error) if error.is_outage() => {
                let cause = &error as &dyn std::error::Error;
                tracing::error!(
                    cause,
                    "used tokens cannot be kept: their callers are refused"
                );
                Err(ReplayError::Away(error.into()))
            }
            Err(error) => Err(ReplayError::Failed(error.into())),
        }
    }
}
