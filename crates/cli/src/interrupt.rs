//! Ctrl-C and SIGTERM.

use std::io;

use crawl::Deadline;

/// A deadline that the first Ctrl-C or SIGTERM triggers, after calling `notify`. The second ends the process at once.
///
/// # Errors
/// If the system refuses to register signal handlers.
pub(crate) fn deadline(notify: impl Fn() + Send + 'static) -> io::Result<Deadline> {
    let (interrupt, deadline) = Deadline::on_interrupt();
    let mut signals = Signals::new()?;
    tokio::spawn(async move {
        signals.next().await;
        notify();
        interrupt.now();
        signals.next().await;
        std::process::exit(crate::INTERRUPTED.into());
    });
    Ok(deadline)
}

/// Receives Ctrl-C and SIGTERM, which then no longer end the process by themselves.
#[cfg(unix)]
pub(crate) struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    /// From now on.
    ///
    /// # Errors
    /// If the system refuses.
    pub(crate) fn new() -> io::Result<Signals> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Signals { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    /// Returns at the next one.
    pub(crate) async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

/// Receives Ctrl-C, which then no longer ends the process by itself.
#[cfg(windows)]
pub(crate) struct Signals(tokio::signal::windows::CtrlC);

#[cfg(windows)]
impl Signals {
    /// From now on.
    ///
    /// # Errors
    /// If the system refuses.
    pub(crate) fn new() -> io::Result<Signals> {
        Ok(Signals(tokio::signal::windows::ctrl_c()?))
    }

    /// Returns at the next one.
    pub(crate) async fn next(&mut self) {
        self.0.recv().await;
    }
}
