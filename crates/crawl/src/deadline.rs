//! When a run has to end.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use crate::error::{Error, Kind};

/// A run starts nothing new this long before its end.
const RESERVE: Duration = Duration::from_secs(30);
/// A run gives up what is still under way this long before its end, so that the report can be written.
const CUT: Duration = Duration::from_secs(10);
/// How long what is under way may go on after an interrupt: Docker kills a process 10 s after it told it to end.
const GRACE: Duration = Duration::from_secs(8);

/// When a run has to end, if it has to: a Lambda function is killed when its time is up, and people interrupt runs.
///
/// Nothing new is started in the last 30 s, and what is still under way is given up 10 s before the end. Both leave a table
/// `deferred`. Like any interruption that does no harm: the next run goes on from there.
#[derive(Debug, Clone)]
pub struct Deadline(watch::Receiver<Option<Times>>);

#[derive(Debug, Clone, Copy)]
struct Times {
    /// Nothing new from here on.
    stop: Instant,
    /// What is under way is given up.
    cut: Instant,
    /// Somebody interrupted; else the time is up.
    interrupted: bool,
}

/// Ends the runs that have its [`Deadline`].
#[derive(Debug)]
pub struct Interrupt(watch::Sender<Option<Times>>);

impl Interrupt {
    /// From now on nothing new is started; what is under way is given up after 8 s.
    pub fn now(&self) {
        let stop = Instant::now();
        self.0.send_replace(Some(Times { stop, cut: stop + GRACE, interrupted: true }));
    }
}

impl Deadline {
    /// Take as long as it takes.
    pub fn none() -> Deadline {
        Deadline(watch::channel(None).1)
    }

    /// Be done by `end`.
    pub fn at(end: Instant) -> Deadline {
        let before = |time| end.checked_sub(time).unwrap_or_else(Instant::now);
        Deadline::times(before(RESERVE), before(CUT))
    }

    /// Take as long as it takes, until somebody interrupts.
    pub fn on_interrupt() -> (Interrupt, Deadline) {
        let (sender, receiver) = watch::channel(None);
        (Interrupt(sender), Deadline(receiver))
    }

    fn times(stop: Instant, cut: Instant) -> Deadline {
        Deadline(watch::channel(Some(Times { stop, cut, interrupted: false })).1)
    }

    /// Whether it is too late to start anything.
    pub fn passed(&self) -> bool {
        self.0.borrow().is_some_and(|times| times.stop <= Instant::now())
    }

    /// Whether somebody has interrupted.
    pub fn interrupted(&self) -> bool {
        self.0.borrow().is_some_and(|times| times.interrupted)
    }

    /// Returns when it is too late to start anything; never, without a deadline.
    pub async fn reached(&self) {
        sleep_until(self.known().await.stop).await;
    }

    /// Runs `work` unless it is too late to start it. Gives it up when time is up.
    ///
    /// # Errors
    /// [`Kind::Deadline`] if there was no time, or not enough; else those of `work`.
    pub async fn limit<T>(&self, work: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
        if self.passed() {
            return Err(cut_off());
        }
        self.finish(work).await
    }

    /// Runs `work`, the end of something that was begun in time. Gives it up when time is up.
    ///
    /// # Errors
    /// As [`Deadline::limit`].
    pub async fn finish<T>(&self, work: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
        let cut = async { sleep_until(self.known().await.cut).await };
        tokio::select! {
            biased;
            done = work => done,
            () = cut => Err(cut_off()),
        }
    }

    /// Waits until there is an end.
    async fn known(&self) -> Times {
        let mut receiver = self.0.clone();
        let times = receiver.wait_for(Option::is_some).await.ok().and_then(|times| *times);
        match times {
            Some(times) => times,
            // Nothing is left that could set one.
            None => std::future::pending().await,
        }
    }
}

/// The error of what is left undone because the run has to end.
pub fn cut_off() -> Error {
    Error::new(Kind::Deadline, "the run was cut off before this was done; a later run does it")
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
        let deadline = Deadline::times(now + 100 * MS, now + 200 * MS);
        deadline.limit(work(MS)).await.unwrap();
        assert_eq!(deadline.limit(work(10_000 * MS)).await.unwrap_err().kind, Kind::Deadline);
        assert!((200..2000).contains(&now.elapsed().as_millis()), "cut off");
        assert_eq!(deadline.limit(work(MS)).await.unwrap_err().kind, Kind::Deadline, "not even begun");
        deadline.reached().await;
        let late = Deadline::times(now, Instant::now() + 1000 * MS);
        late.finish(work(MS)).await.unwrap();
        Deadline::none().limit(work(MS)).await.unwrap();
    }

    #[tokio::test]
    async fn half_a_minute_is_kept_back() {
        let deadline = |seconds| Deadline::at(Instant::now() + Duration::from_secs(seconds));
        assert!(deadline(30).passed() && deadline(0).passed());
        assert!(!deadline(31).passed() && !Deadline::none().passed());
    }

    #[tokio::test(start_paused = true)]
    async fn an_interrupt_leaves_a_few_seconds_to_what_is_under_way() {
        let (interrupt, deadline) = Deadline::on_interrupt();
        let under_way = |seconds| deadline.limit(work(Duration::from_secs(seconds)));
        let begin = Instant::now();
        let interrupting = async {
            tokio::time::sleep(60 * 1000 * MS).await;
            assert!(!deadline.passed() && !deadline.interrupted());
            interrupt.now();
        };
        let (short, long, (), ()) = tokio::join!(under_way(67), under_way(600), deadline.reached(), interrupting);
        short.unwrap();
        assert_eq!(long.unwrap_err().kind, Kind::Deadline);
        assert_eq!(begin.elapsed().as_secs(), 68);
        assert!(deadline.passed() && deadline.interrupted() && under_way(0).await.is_err());
    }
}
