//! File descriptors: how many there may be, and how they are shared out.

/// Those of the process itself: its streams, the database, locks, the log, the runtime, and some to spare.
const RESERVED: usize = 40;

/// Where the system says nothing of a limit.
const UNLIMITED: usize = 65_536;

/// Raises the limit of this process as far as the system lets it. macOS starts programs with 256.
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

/// Connections that may be open at once. Each costs a descriptor here, may have a file of a table open, and costs one more at
/// its other end if that is in this process, as it is for crawls.
pub(crate) fn connections() -> usize {
    (limit().saturating_sub(RESERVED) / 3).max(4)
}

/// Crawls that may be worked on at once: each has a few connections.
pub(crate) fn crawls() -> usize {
    (connections() / 4).max(1)
}
