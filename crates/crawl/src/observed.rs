//! What was read of a table, or of its export.

use schema::{Shape, TooManyPlaces};

/// What was read of a table, or of its export, before anything is made of it.
#[derive(Debug, Clone, Default)]
pub struct Observed {
    /// What its items look like.
    pub shape: Shape,
    /// Items, or changes of an incremental export.
    pub records: u64,
    /// What that cost, in read units; 0 for an export.
    pub read_units: f64,
    /// How much of the table that is.
    pub coverage: Coverage,
}

/// How much of a table was read.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum Coverage {
    /// Every item of the table, or of the part of it that was asked for.
    #[default]
    Full,
    /// Some items.
    Sample {
        /// An attribute that a smaller share of the items has may have been missed, with a chance of 1 %.
        missed_below: f64,
    },
    /// The items that changed since an earlier export.
    Changes,
    /// Those that could be read before the crawl was cut off.
    CutOff,
}

impl Observed {
    /// Of live items, each of which is a record.
    pub fn from_items(shape: Shape, read_units: f64, coverage: Coverage) -> Observed {
        Observed { records: shape.items(), shape, read_units, coverage }
    }

    /// Adds what was read of another part of the same table. The coverage stays: it is that of the whole, for whoever knows the
    /// whole to say.
    ///
    /// # Errors
    /// If the two have too many places for one Shape.
    pub fn merge(&mut self, other: Observed) -> Result<(), TooManyPlaces> {
        self.shape.merge(other.shape)?;
        self.records += other.records;
        self.read_units += other.read_units;
        Ok(())
    }

    /// Whether every item of the table was read.
    pub fn is_complete(&self) -> bool {
        self.coverage == Coverage::Full
    }

    /// Of a sample: an attribute that a smaller share of the items has may have been missed, with a chance of 1 %.
    pub fn missed_below(&self) -> Option<f64> {
        match self.coverage {
            Coverage::Sample { missed_below } => Some(missed_below),
            _ => None,
        }
    }
}
