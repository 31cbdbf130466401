//! Calls whoever runs the errands.

use tokio::sync::watch;

/// Rings when there are errands. Cheap to clone. Nothing depends on its being heard: errands are looked
/// for now and then.
#[derive(Clone, Default)]
pub(crate) struct Bell(watch::Sender<()>);

/// Somebody who listens.
pub(crate) struct Ear {
    bell: Bell,
    news: watch::Receiver<()>,
}

impl Bell {
    /// There are errands.
    pub(crate) fn ring(&self) {
        self.0.send_replace(());
    }

    /// Listens from now on.
    pub(crate) fn ear(&self) -> Ear {
        Ear {
            bell: self.clone(),
            news: self.0.subscribe(),
        }
    }
}

impl Ear {
    /// Ends when the bell has rung since the last time.
    pub(crate) async fn heard(&mut self) {
        // The bell is held here, so it does not go away.
        if self.news.changed().await.is_err() {
            self.news = self.bell.0.subscribe();
        }
    }
}
