//! What may happen next.

use std::time::Duration;

use crawl::options::DeleteBehavior;
use local::faults::Fault;
use sync::Settings;
use sync::prune::Extent;
use sync::settings::{Engine, LinkBy};

use super::people::{EDITS, Edit};
use super::{ATTRIBUTES, TABLES};

/// splitmix64: a history is its seed.
pub(super) struct Random(u64);

impl Random {
    pub(super) fn new(seed: u64) -> Random {
        Random(seed)
    }

    pub(super) fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) % end as u64) as usize
    }

    fn of<T: Clone>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len())].clone()
    }
}

#[derive(Debug, Clone)]
pub(super) enum Step {
    /// A DynamoDB table is made, or gets other items: one for each of these attributes.
    Put(&'static str, Vec<usize>),
    /// A DynamoDB table is deleted.
    Drop(&'static str),
    /// People lay hands on what runs have made.
    Edit(Edit, &'static str),
    /// A call to come fails, or its answer is lost.
    Fail {
        call: u64,
        fault: Fault,
        answered: bool,
    },
    Run(Run),
    /// Both at once.
    Together(Run, Run),
}

#[derive(Debug, Clone)]
pub(super) enum Run {
    Sync(Sync),
    Continue,
    Event(&'static str, &'static str),
    Prune(Extent),
}

#[derive(Clone)]
pub(super) struct Sync {
    what: &'static str,
    pub settings: Box<Settings>,
}

impl std::fmt::Debug for Sync {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        f.write_str(self.what)
    }
}

impl Step {
    /// In `calm` times only what runs have to get right at once.
    pub(super) fn any(random: &mut Random, calm: bool) -> Step {
        match random.below(20) {
            6..=13 if calm => Step::Together(Run::any(random), Run::any(random)),
            0..=4 => {
                let seen = (0..ATTRIBUTES.len()).filter(|_| random.below(2) == 0).collect();
                Step::Put(random.of(&TABLES), seen)
            }
            5 => Step::Drop(random.of(&TABLES)),
            6..=10 => Step::Edit(random.of(&EDITS), random.of(&TABLES)),
            11..=13 => {
                let denied = Fault::Error { code: "AccessDeniedException", message: "not now".into() };
                let conflict = Fault::Error { code: "ConcurrentModificationException", message: "not now".into() };
                let delay = Fault::Delay(Duration::from_millis(50));
                let fault = random.of(&[Fault::Status(500), Fault::Reset, denied, conflict, delay]);
                let answered = matches!(fault, Fault::Reset | Fault::Delay(_)) && random.below(2) == 0;
                Step::Fail { call: 1 + random.below(60) as u64, fault, answered }
            }
            14..=17 => Step::Run(Run::any(random)),
            _ => Step::Together(Run::any(random), Run::any(random)),
        }
    }
}

impl Run {
    fn any(random: &mut Random) -> Run {
        let (what, settings) = match random.below(12) {
            0 => return Run::Continue,
            1 => return Run::Event(random.of(&TABLES), random.of(&["Succeeded", "Failed"])),
            2 => return Run::Prune(random.of(&[Extent::Vanished, Extent::Everything])),
            3 => ("native", Settings { engine: Engine::Native, ..settings() }),
            4 => ("no start", Settings { no_start: true, ..settings() }),
            5 => ("slower", Settings { scan_rate: Some(0.3), wait: true, ..settings() }),
            6 => {
                let table = random.of(&TABLES);
                (table, Settings { include: vec![table.into()], wait: true, ..settings() })
            }
            7 => ("by reference", Settings { link: LinkBy::Reference, wait: true, ..settings() }),
            8 => ("deleting", Settings { on_delete: DeleteBehavior::DeleteFromDatabase, ..settings() }),
            9 => ("one at a time", Settings { max_running: 1, ..settings() }),
            10 => ("not waiting", settings()),
            _ => ("waiting", Settings { wait: true, ..settings() }),
        };
        Run::Sync(Sync { what, settings: Box::new(settings) })
    }
}

/// Nobody waits for a denial to pass that was made up.
pub(super) fn settings() -> Settings {
    Settings { propagation_limit: 1, ..Settings::default() }
}
