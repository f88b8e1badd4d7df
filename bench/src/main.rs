//! Reads generated corpora with [`schema::Reader`], checks what it found, and prints its speed beside others' on the same bytes.

mod allocator;
mod corpus;

use std::collections::BTreeMap;
use std::hint::black_box;
use std::time::Instant;

use corpus::Corpus;
use schema::{Reader, Shape, TypeOptions};

/// The best of so many runs counts: the machine is shared.
const RUNS: usize = 7;
/// What `infer` reads at once.
const CHUNK: usize = 1 << 18;

fn main() {
    let mut arguments = std::env::args().skip(1);
    let wanted = arguments.next();
    if wanted.as_deref() == Some("write") {
        return write(&arguments.next().unwrap_or_default(), arguments.next().and_then(|n| n.parse().ok()));
    }
    if wanted.as_deref() == Some("once") {
        return once(&arguments.next().unwrap_or_default());
    }
    if wanted.as_deref() == Some("allocations") {
        return corpus::ALL.iter().for_each(allocations);
    }
    let runs = arguments.next().and_then(|runs| runs.parse().ok()).unwrap_or(RUNS);
    println!(
        "{:<10} {:>8} {:>6} {:>12} {:>8} {:>12} {:>8}",
        "corpus", "items", "MB", "reader MB/s", "ns/item", "x serde_json", "% memchr"
    );
    for corpus in corpus::ALL.iter().filter(|corpus| wanted.as_deref().is_none_or(|name| name == corpus.name)) {
        let text = corpus.text();
        check(corpus, &read(&text));
        let reader = best(runs, || read(&text).items());
        let value = best(runs.min(2), || values(&text));
        let newlines = best(runs, || memchr::memchr_iter(b'\n', &text).count() as u64);
        let bytes = text.len() as f64;
        println!(
            "{:<10} {:>8} {:>6.0} {:>12.0} {:>8.0} {:>12.1} {:>8.1}",
            corpus.name,
            corpus.items,
            bytes / 1e6,
            bytes / 1e6 / reader,
            reader * 1e9 / corpus.items as f64,
            value / reader,
            100.0 * newlines / reader
        );
    }
}

/// `write CORPUS [ITEMS]`: the corpus on stdout, for benchmarks of whole commands.
fn write(name: &str, items: Option<u64>) {
    let corpus = named(name);
    let stdout = std::io::BufWriter::with_capacity(1 << 20, std::io::stdout().lock());
    corpus.write(items.unwrap_or(corpus.items), stdout).expect("stdout takes all");
}

fn named(name: &str) -> &'static Corpus {
    corpus::ALL.iter().find(|corpus| corpus.name == name).expect("a corpus of that name")
}

/// `once CORPUS`: reads a hundredth of the corpus, whose name and bytes it prints; for counting the instructions of `read`.
fn once(name: &str) {
    let corpus = named(name);
    let text = corpus.start(corpus.items / 100);
    black_box(read(&text));
    println!("{name} {}", text.len());
}

/// How often reading allocates once its Shape knows all names: hardly ever, and never for an item.
fn allocations(corpus: &Corpus) {
    let text = corpus.start(corpus.items / 10);
    let mut reader = Reader::new(&TypeOptions::default());
    let mut all = || text.chunks(CHUNK).for_each(|chunk| reader.lines(chunk).expect("a corpus is valid"));
    all();
    let before = allocator::count();
    all();
    let per_item = (allocator::count() - before) as f64 / (corpus.items / 10) as f64;
    println!("{:<10} {per_item:.4} allocations per item", corpus.name);
    assert!(per_item < 0.05, "{}: reading allocates", corpus.name);
}

/// In chunks, as a file is read.
#[inline(never)]
fn read(text: &[u8]) -> Shape {
    let mut reader = Reader::new(&TypeOptions::default());
    for chunk in text.chunks(CHUNK) {
        reader.lines(chunk).expect("a corpus is valid");
    }
    reader.finish().expect("a corpus is valid")
}

fn check(corpus: &Corpus, shape: &Shape) {
    let schema = shape.settle(&[], &BTreeMap::new(), &TypeOptions::default());
    let columns: Vec<String> = schema.columns.iter().map(|c| format!("{} {}", c.attribute, c.glue_type)).collect();
    assert_eq!(shape.items(), corpus.items, "{}", corpus.name);
    assert_eq!(columns.join("\n"), corpus.columns(), "{}", corpus.name);
}

fn values(text: &[u8]) -> u64 {
    let lines = text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    let value =
        |line: &&[u8]| drop(black_box(serde_json::from_slice::<serde_json::Value>(line).expect("a corpus is valid")));
    lines.inspect(value).count() as u64
}

/// The seconds of the fastest run.
fn best(runs: usize, mut work: impl FnMut() -> u64) -> f64 {
    let run = |_| {
        let start = Instant::now();
        black_box(work());
        start.elapsed().as_secs_f64()
    };
    (0..runs).map(run).fold(f64::INFINITY, f64::min)
}
