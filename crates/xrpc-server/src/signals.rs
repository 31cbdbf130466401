//! When a process is told to stop.

/// Ends when the process gets SIGINT, or SIGTERM where there is one.
///
/// # Panics
/// On a runtime without I/O, which cannot wait for signals.
pub async fn told_to_stop() {
    let interrupt = tokio::signal::ctrl_c();
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let mut terminate =
            signal(SignalKind::terminate()).expect("a runtime with I/O can wait for signals");
        tokio::select! {
            _ = interrupt => {}
            _ = terminate.recv() => {}
        }
    }
    #[cfg(not(unix))]
    interrupt
        .await
        .expect("a runtime with I/O can wait for signals");
}
