//! What all requests and crawls share.

use std::sync::Arc;

use rusqlite::Transaction;

use crate::blocking::blocking;
use crate::context::{Caller, Context};
use crate::error::AwsError;
use crate::store::Store;
use crate::unknowns::Unknowns;

/// The state of the one account that is served, and the clock.
pub(crate) struct Backend {
    pub(crate) store: Store,
    /// Twelve digits.
    pub(crate) account: String,
    /// Milliseconds since 1970.
    pub(crate) clock: fn() -> i64,
    pub(crate) unknowns: Unknowns,
}

impl Backend {
    /// The context of a request of the account, or of a crawl, in `region`, now.
    pub(crate) fn context(&self, region: &str) -> Context {
        Context {
            account: self.account.clone(),
            region: region.to_owned(),
            now: (self.clock)(),
            endpoint: self.store.endpoint().to_owned(),
            caller: Caller::Account,
            unknowns: self.unknowns,
        }
    }

    /// Runs `work` as [`Store::read`] does, off the async threads, because the store may be busy.
    ///
    /// # Errors
    /// Whatever `work` returns, or the database's own failure as an internal error.
    pub(crate) async fn read<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(&Transaction) -> Result<T, AwsError> + Send + 'static,
    ) -> Result<T, AwsError> {
        let backend = Arc::clone(self);
        blocking(move || backend.store.read(work)).await
    }

    /// Runs `work` as [`Store::transaction`] does, off the async threads.
    ///
    /// # Errors
    /// Whatever `work` returns, or the database's own failure as an internal error.
    pub(crate) async fn transaction<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(&Transaction) -> Result<T, AwsError> + Send + 'static,
    ) -> Result<T, AwsError> {
        let backend = Arc::clone(self);
        blocking(move || backend.store.transaction(work)).await
    }
}
