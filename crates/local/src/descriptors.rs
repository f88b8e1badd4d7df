//! File descriptors: their limit, and how many connections and crawls share them.

/// Reserved for the process: streams, the database, locks, the log, the runtime, and some to spare.
const RESERVED: usize = 40;

/// The limit if the system states none.
const UNLIMITED: usize = 65_536;

/// Raises the limit of this process as far as the system allows. macOS starts programs with 256.
pub fn raise() {
    #[cfg(unix)]
    if let Err(error) = rlimit::increase_nofile_limit(u64::MAX) {
        tracing::debug!(%error, "the limit of open files stays as it is");
    }
}

fn limit() -> usize {
    #[cfg(unix)]
    if let Ok(soft) = rlimit::Resource::NOFILE.get_soft() {
        return usize::try_from(soft).unwrap_or(UNLIMITED).min(UNLIMITED);
    }
    UNLIMITED
}

/// How many connections may be open at once. Each needs a descriptor, may have a file of a table open, and needs another
/// descriptor if its other end is in this process, as for crawls.
pub(crate) fn connections() -> usize {
    (limit().saturating_sub(RESERVED) / 3).max(4)
}

/// How many crawls may work at once: each has a few connections.
pub(crate) fn crawls() -> usize {
    (connections() / 4).max(1)
}
