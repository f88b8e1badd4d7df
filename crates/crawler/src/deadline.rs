//! When a run has to end.

use std::time::Duration;

use tokio::time::{Instant, sleep_until, timeout_at};

use crate::error::{Error, Kind};

/// This long before its end a run starts nothing new.
const RESERVE: Duration = Duration::from_secs(30);
/// This long before its end what is still under way is given up, so that the report can be written.
const CUT: Duration = Duration::from_secs(10);

/// The end of a run, if it has one: a Lambda function is stopped dead when its time is over.
///
/// 30 s before it nothing new is started; 10 s before it what is still under way is given up. Both leave a table
/// `deferred`: like any interruption they do no harm, and the next run goes on from there.
#[derive(Debug, Clone, Copy)]
pub struct Deadline(Option<Times>);

#[derive(Debug, Clone, Copy)]
struct Times {
    /// Nothing new from here on.
    stop: Instant,
    /// What is under way is given up.
    cut: Instant,
}

impl Deadline {
    /// Take as long as it takes.
    pub fn none() -> Deadline {
        Deadline(None)
    }

    /// Be done by `end`.
    pub fn at(end: Instant) -> Deadline {
        let before = |time| end.checked_sub(time).unwrap_or_else(Instant::now);
        Deadline(Some(Times { stop: before(RESERVE), cut: before(CUT) }))
    }

    /// Whether it is too late to start anything.
    pub(crate) fn passed(&self) -> bool {
        self.0.is_some_and(|times| times.stop <= Instant::now())
    }

    /// Returns when it is too late to start anything; never, without a deadline.
    pub(crate) async fn reached(&self) {
        match self.0 {
            Some(times) => sleep_until(times.stop).await,
            None => std::future::pending().await,
        }
    }

    /// Runs `work` unless it is too late to start it, and for as long as there is time.
    ///
    /// # Errors
    /// [`Kind::Deadline`] if there was no time, or not enough; else those of `work`.
    pub(crate) async fn limit<T>(&self, work: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
        if self.passed() {
            return Err(time_is_up());
        }
        self.finish(work).await
    }

    /// Runs `work`, with which something ends that was begun in time, for as long as there is time.
    ///
    /// # Errors
    /// As [`Deadline::limit`].
    pub(crate) async fn finish<T>(&self, work: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
        match self.0 {
            None => work.await,
            Some(times) => timeout_at(times.cut, work).await.unwrap_or_else(|_| Err(time_is_up())),
        }
    }
}

/// What is left undone for want of time.
pub(crate) fn time_is_up() -> Error {
    Error::new(Kind::Deadline, "the run's time was up; a later run goes on")
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    async fn work(time: Duration) -> Result<(), Error> {
        tokio::time::sleep(time).await;
        Ok(())
    }

    #[tokio::test]
    async fn work_starts_in_time_and_is_given_up_in_time() {
        let now = Instant::now();
        let deadline = Deadline(Some(Times { stop: now + 100 * MS, cut: now + 200 * MS }));
        deadline.limit(work(MS)).await.unwrap();
        assert_eq!(deadline.limit(work(10_000 * MS)).await.unwrap_err().kind, Kind::Deadline);
        assert!((200..2000).contains(&now.elapsed().as_millis()), "cut off");
        assert_eq!(deadline.limit(work(MS)).await.unwrap_err().kind, Kind::Deadline, "not even begun");
        deadline.reached().await;
        let late = Deadline(Some(Times { stop: now, cut: Instant::now() + 1000 * MS }));
        late.finish(work(MS)).await.unwrap();
        Deadline::none().limit(work(MS)).await.unwrap();
    }

    #[tokio::test]
    async fn half_a_minute_is_kept_back() {
        let deadline = |seconds| Deadline::at(Instant::now() + Duration::from_secs(seconds));
        assert!(deadline(30).passed() && deadline(0).passed());
        assert!(!deadline(31).passed() && !Deadline::none().passed());
    }
}
