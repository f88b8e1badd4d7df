//! Bounded concurrency: only so many tables are worked on at once.

use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit};

use crawl::cut_off;
use crawl::error::Error;

/// A table's turn to be worked on. It is kept from step to step, so that the first tables are done before the last have
/// begun, and given away for as long as there is nothing to do but wait.
#[derive(Debug)]
pub struct Turn<'a> {
    turns: &'a Semaphore,
    /// How long it may wait for IAM and Glue to know everywhere what was just made.
    pub(crate) patience: Duration,
    held: Option<SemaphorePermit<'a>>,
}

impl<'a> Turn<'a> {
    /// Waits for a turn. `turns` is closed when the run has to end.
    ///
    /// # Errors
    /// [`crawl::Kind::Deadline`] then.
    pub async fn take(turns: &'a Semaphore, patience: Duration) -> Result<Turn<'a>, Error> {
        let held = Some(turns.acquire().await.map_err(|_| cut_off())?);
        Ok(Turn { turns, patience, held })
    }

    /// Waits for `pause` while others have the turn, and then for another turn.
    ///
    /// # Errors
    /// As [`Turn::take`].
    pub(crate) async fn pause(&mut self, pause: Duration) -> Result<(), Error> {
        self.lend(tokio::time::sleep(pause)).await
    }

    /// Waits for `work` while others have the turn, and then for another turn.
    ///
    /// # Errors
    /// As [`Turn::take`], and those of `work` are its own.
    pub(crate) async fn lend<T>(&mut self, work: impl Future<Output = T>) -> Result<T, Error> {
        self.held = None;
        let done = work.await;
        *self = Turn::take(self.turns, self.patience).await?;
        Ok(done)
    }
}
