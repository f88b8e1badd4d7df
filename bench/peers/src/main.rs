//! `peers FILE ITEMS COLUMNS`: the speed of each Rust peer on a file of items, one a line, beside [`schema::Reader`] and the bounds
//! of the machine. `peers.py` does the same for those that come as Python packages.

use std::hint::black_box;
use std::io::{BufReader, Read, Write};
use std::time::Instant;

use genson_rs::BuildConfig;
use schema::{Reader, TypeOptions};

/// The best of so many runs counts: the machine is shared.
const RUNS: usize = 7;
const CHUNK: usize = 1 << 18;

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, file, items, columns] = &arguments[..] else { panic!("peers FILE ITEMS COLUMNS") };
    let text = std::fs::read(file).expect("the file of items");
    let items: usize = items.parse().expect("the number of items");
    let columns: usize = columns.parse().expect("the number of columns");
    let lines = || text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(&text).expect("memory takes all");
    let gzip = gzip.finish().expect("memory takes all");

    let mut peers: Vec<Peer> = Vec::new();
    let mut peer = |name, threads, answer, work| peers.push(Peer { name, threads, answer, work, best: f64::INFINITY });
    peer(
        "schema::Reader, whole Shape",
        "1",
        columns,
        timed(|| {
            let shape = read(&text[..]);
            assert_eq!(shape.items(), items as u64);
            shape.settle(&[], &Default::default(), &TypeOptions::default()).columns.len()
        }),
    );
    peer("bound: memchr for newlines", "1", items, timed(|| memchr::memchr_iter(b'\n', &text).count()));
    peer(
        "bound: gunzip alone (zlib-rs)",
        "1",
        text.len(),
        timed(|| {
            let mut buffer = vec![0; CHUNK];
            let mut input = flate2::read::GzDecoder::new(&gzip[..]);
            let mut all = 0;
            loop {
                match input.read(&mut buffer).expect("it was just compressed") {
                    0 => return all,
                    read => all += read,
                }
            }
        }),
    );
    peer(
        "serde_json::Value of each line",
        "1",
        items,
        timed(|| {
            let value =
                |line: &&[u8]| drop(black_box(serde_json::from_slice::<serde_json::Value>(line).expect("JSON")));
            lines().inspect(value).count()
        }),
    );
    peer(
        "sonic-rs Value of each line",
        "1",
        items,
        timed(|| {
            let value = |line: &&[u8]| drop(black_box(sonic_rs::from_slice::<sonic_rs::Value>(line).expect("JSON")));
            lines().inspect(value).count()
        }),
    );
    peer(
        "simd-json tape of each line",
        "1",
        items,
        Box::new(|| {
            // It writes into its input.
            let mut text = text.clone();
            let (mut buffers, mut count) = (simd_json::Buffers::new(4096), 0);
            let start = Instant::now();
            let mut tape = simd_json::Tape::null();
            for line in text.split_mut(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
                let mut reused = tape.reset();
                simd_json::fill_tape(line, &mut buffers, &mut reused).expect("JSON");
                count += 1;
                tape = black_box(reused).reset();
            }
            (start.elapsed().as_secs_f64(), count)
        }),
    );
    peer(
        "arrow-json infer_json_schema",
        "1",
        columns,
        timed(|| {
            let (schema, records) =
                arrow_json::reader::infer_json_schema(BufReader::new(&text[..]), None).expect("JSON");
            assert_eq!(records, items);
            schema.fields().len()
        }),
    );
    peer(
        "genson-rs",
        "all",
        columns,
        Box::new(|| {
            let mut text = text.clone();
            let mut builder = genson_rs::get_builder(None);
            let config = BuildConfig { delimiter: Some(b'\n'), ignore_outer_array: false };
            let start = Instant::now();
            let schema = genson_rs::build_json_schema(&mut builder, &mut text, &config);
            (start.elapsed().as_secs_f64(), schema["properties"].as_object().map_or(0, |columns| columns.len()))
        }),
    );
    // In turns, so that all have the same share of what else the machine does.
    for _ in 0..RUNS {
        for peer in &mut peers {
            let (seconds, answer) = (peer.work)();
            assert_eq!(answer, peer.answer, "{}", peer.name);
            peer.best = peer.best.min(seconds);
        }
    }
    for peer in peers {
        println!("{:<38} {:>8} {:>9.0}", peer.name, peer.threads, text.len() as f64 / 1e6 / peer.best);
    }
}

struct Peer<'a> {
    name: &'static str,
    threads: &'static str,
    /// What `work` has to give.
    answer: usize,
    /// Gives its seconds and its answer.
    work: Work<'a>,
    best: f64,
}

type Work<'a> = Box<dyn FnMut() -> (f64, usize) + 'a>;

fn timed<'a>(work: impl Fn() -> usize + 'a) -> Work<'a> {
    Box::new(move || {
        let start = Instant::now();
        let answer = black_box(work());
        (start.elapsed().as_secs_f64(), answer)
    })
}

fn read(text: &[u8]) -> schema::Shape {
    let mut reader = Reader::new(&TypeOptions::default());
    text.chunks(CHUNK).for_each(|chunk| reader.lines(chunk).expect("items"));
    reader.finish().expect("items")
}
