//! Bounded concurrency: only so many tables are worked on at once.

use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit};

use crawl::cut_off;
use crawl::error::Error;

/// The permit to work on a table. It is kept from step to step, so that the first tables are done before the last begin, and
/// released while there is nothing to do but wait.
#[derive(Debug)]
pub struct Permit<'a> {
    permits: &'a Semaphore,
    /// The longest time for IAM and Glue to propagate a change.
    pub(crate) propagation_limit: Duration,
    held: Option<SemaphorePermit<'a>>,
}

impl<'a> Permit<'a> {
    /// Waits for a permit. `permits` is closed when the run must end.
    ///
    /// # Errors
    /// [`crawl::Kind::Deadline`] once `permits` is closed.
    pub async fn acquire(permits: &'a Semaphore, propagation_limit: Duration) -> Result<Permit<'a>, Error> {
        let held = Some(permits.acquire().await.map_err(|_| cut_off())?);
        Ok(Permit { permits, propagation_limit, held })
    }

    /// Releases the permit for the length of `pause`, then waits for another one.
    ///
    /// # Errors
    /// As [`Permit::acquire`].
    pub(crate) async fn pause(&mut self, pause: Duration) -> Result<(), Error> {
        self.release_during(tokio::time::sleep(pause)).await
    }

    /// Releases the permit while `work` runs, then waits for another one.
    ///
    /// # Errors
    /// As [`Permit::acquire`]. Errors of `work` are part of `T`.
    pub(crate) async fn release_during<T>(&mut self, work: impl Future<Output = T>) -> Result<T, Error> {
        self.held = None;
        let done = work.await;
        *self = Permit::acquire(self.permits, self.propagation_limit).await?;
        Ok(done)
    }
}
