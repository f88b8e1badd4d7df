//! Bounded concurrency: only so many tables are worked on at once.

use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit};

use crawl::cut_off;
use crawl::error::Error;

/// The permit to work on a table. It is kept from step to step, so that the first tables are done before the last have
/// begun, and given back for as long as there is nothing to do but wait.
#[derive(Debug)]
pub struct Permit<'a> {
    permits: &'a Semaphore,
    /// How long this table may wait until IAM and Glue know everywhere what was just made.
    pub(crate) patience: Duration,
    held: Option<SemaphorePermit<'a>>,
}

impl<'a> Permit<'a> {
    /// Waits for a permit. `permits` is closed when the run has to end.
    ///
    /// # Errors
    /// [`crawl::Kind::Deadline`] once `permits` is closed.
    pub async fn acquire(permits: &'a Semaphore, patience: Duration) -> Result<Permit<'a>, Error> {
        let held = Some(permits.acquire().await.map_err(|_| cut_off())?);
        Ok(Permit { permits, patience, held })
    }

    /// Gives the permit back for the length of `pause`, then waits for another one.
    ///
    /// # Errors
    /// As [`Permit::acquire`].
    pub(crate) async fn pause(&mut self, pause: Duration) -> Result<(), Error> {
        self.release_during(tokio::time::sleep(pause)).await
    }

    /// Gives the permit back while `work` goes on, then waits for another one.
    ///
    /// # Errors
    /// As [`Permit::acquire`]. Those of `work` are its own.
    pub(crate) async fn release_during<T>(&mut self, work: impl Future<Output = T>) -> Result<T, Error> {
        self.held = None;
        let done = work.await;
        *self = Permit::acquire(self.permits, self.patience).await?;
        Ok(done)
    }
}
