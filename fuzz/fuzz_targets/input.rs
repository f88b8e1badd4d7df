//! A file of whatever form. Read at once, a few bytes at a time and in a file on two threads it is the same, or an error each time;
//! as definitions of tables it is some, or an error.

#![no_main]

use std::io::{self, Read};
use std::num::NonZero;
use std::sync::atomic::AtomicU64;

use input::definition::Definitions;
use input::{Error, Options, Shaping, Summary, read_files};
use libfuzzer_sys::fuzz_target;
use schema::{Shape, TypeOptions};

/// Gives a few bytes at a time.
struct Trickle<'t>(&'t [u8], usize);

impl Read for Trickle<'_> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        let few = self.0.len().min(self.1).min(to.len());
        to[..few].copy_from_slice(&self.0[..few]);
        self.0 = &self.0[few..];
        Ok(few)
    }
}

fn read(reader: impl Read) -> Result<(Shape, Summary), Error> {
    input::shape(input::open(reader)?, None, &TypeOptions::default())
}

/// What was read. Of several errors any may be told.
fn told(result: &Result<(Shape, Summary), Error>) -> Option<(Vec<u8>, &Summary)> {
    result.as_ref().ok().map(|(shape, summary)| (shape.to_bytes(), summary))
}

fuzz_target!(|bytes: &[u8]| {
    let at_once = read(bytes);
    let step = bytes.first().map_or(1, |first| usize::from(first % 7) + 1);
    assert_eq!(told(&at_once), told(&read(Trickle(bytes, step))));
    if bytes.len() % 64 == 0 {
        let file = std::env::temp_dir().join(format!("fuzz-input-{}", std::process::id()));
        std::fs::write(&file, bytes).expect("a file");
        let options = Options { table: None, threads: NonZero::new(2).expect("two"), read: &AtomicU64::new(0) };
        let in_file = read_files(std::slice::from_ref(&file), options, || Shaping::new(&TypeOptions::default()));
        let in_file = in_file.map(|(sink, summaries)| (sink.finish().expect("few places"), summaries[0].clone()));
        assert_eq!(told(&at_once), told(&in_file.map_err(|error| error.error)));
    }
    let _ = Definitions::read(bytes);
});
