//! `peers FILE ITEMS COLUMNS`: the speed of each Rust peer on a file of items, one a line, beside [`schema::Reader`] and the bounds
//! of the machine. `peers.py` does the same for those that come as Python packages.

use std::hint::black_box;
use std::io::{BufReader, Read, Write};
use std::time::Instant;

use genson_rs::BuildConfig;
use schema::{Policy, Reader};

/// The best of so many runs counts: the machine is shared.
const RUNS: usize = 3;
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

    let print = |name: &str, threads: &str, answer: usize, mut work: Box<dyn FnMut() -> (f64, usize) + '_>| {
        let best = (0..RUNS).map(|_| {
            let (seconds, answered) = work();
            assert_eq!(answered, answer, "{name}");
            seconds
        });
        let best = best.fold(f64::INFINITY, f64::min);
        println!("{name:<38} {threads:>8} {:>9.0}", text.len() as f64 / 1e6 / best);
    };
    print("schema::Reader, whole Shape", "1", columns, timed(|| {
        let shape = read(&text[..]);
        assert_eq!(shape.items(), items as u64);
        shape.settle(&[], &Default::default(), &Policy::default()).columns.len()
    }));
    print("bound: memchr for newlines", "1", items, timed(|| memchr::memchr_iter(b'\n', &text).count()));
    print("bound: gunzip alone (zlib-rs)", "1", text.len(), timed(|| {
        let mut buffer = vec![0; CHUNK];
        let mut input = flate2::read::GzDecoder::new(&gzip[..]);
        let mut all = 0;
        loop {
            match input.read(&mut buffer).expect("it was just compressed") {
                0 => return all,
                read => all += read,
            }
        }
    }));
    print("serde_json::Value of each line", "1", items, timed(|| {
        lines().map(|line| black_box(serde_json::from_slice::<serde_json::Value>(line)).expect("JSON")).count()
    }));
    print("sonic-rs Value of each line", "1", items, timed(|| {
        lines().map(|line| black_box(sonic_rs::from_slice::<sonic_rs::Value>(line)).expect("JSON")).count()
    }));
    print("simd-json tape of each line", "1", items, Box::new(|| {
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
    }));
    print("arrow-json infer_json_schema", "1", columns, timed(|| {
        let (schema, records) = arrow_json::reader::infer_json_schema(BufReader::new(&text[..]), None).expect("JSON");
        assert_eq!(records, items);
        schema.fields().len()
    }));
    print("genson-rs", "all", columns, Box::new(|| {
        let mut text = text.clone();
        let mut builder = genson_rs::get_builder(None);
        let config = BuildConfig { delimiter: Some(b'\n'), ignore_outer_array: false };
        let start = Instant::now();
        let schema = genson_rs::build_json_schema(&mut builder, &mut text, &config);
        (start.elapsed().as_secs_f64(), schema["properties"].as_object().map_or(0, |columns| columns.len()))
    }));
}

fn timed<'a>(work: impl Fn() -> usize + 'a) -> Box<dyn FnMut() -> (f64, usize) + 'a> {
    Box::new(move || {
        let start = Instant::now();
        let answer = black_box(work());
        (start.elapsed().as_secs_f64(), answer)
    })
}

fn read(text: &[u8]) -> schema::Shape {
    let mut reader = Reader::new(&Policy::default());
    text.chunks(CHUNK).for_each(|chunk| reader.lines(chunk).expect("items"));
    reader.finish().expect("items")
}
