//! The connections that are open, and which of them are idle.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use tokio::sync::Notify;

/// The open connections, by number.
#[derive(Default)]
pub(super) struct Open(Mutex<BTreeMap<u64, Arc<Connection>>>);

/// One connection.
pub(super) struct Connection {
    number: u64,
    /// `None` while a request is being handled.
    idle_since: Mutex<Option<Instant>>,
    pub(super) close: Notify,
}

/// Keeps its connection from counting as idle until dropped.
pub(super) struct Busy(Arc<Connection>);

impl Open {
    pub(super) fn enter(&self) -> Arc<Connection> {
        let mut open = lock(&self.0);
        let number = open.last_key_value().map_or(0, |(last, _)| last + 1);
        let idle_since = Mutex::new(Some(Instant::now()));
        let connection = Arc::new(Connection { number, idle_since, close: Notify::new() });
        open.insert(number, Arc::clone(&connection));
        connection
    }

    pub(super) fn leave(&self, connection: &Connection) {
        lock(&self.0).remove(&connection.number);
    }

    pub(super) fn close_one(&self) {
        let open = lock(&self.0);
        let idle = open.values().filter_map(|connection| Some((connection.idle_since()?, connection)));
        if let Some((_, connection)) = idle.min_by_key(|(since, _)| *since) {
            connection.close.notify_one();
        }
    }
}

impl Connection {
    pub(super) fn idle_since(&self) -> Option<Instant> {
        *lock(&self.idle_since)
    }

    pub(super) fn busy(self: &Arc<Self>) -> Busy {
        *lock(&self.idle_since) = None;
        Busy(Arc::clone(self))
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        *lock(&self.0.idle_since) = Some(Instant::now());
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
