//! Reading a live table: segments side by side, within a read budget.

pub(crate) mod budget;
mod page;
pub(crate) mod sample;
pub(crate) mod scan;
pub(crate) mod segments;

pub use budget::units_per_second;
pub use scan::{SegmentShare, read_first_page, read_segments};
pub use segments::segments_for_machines;
