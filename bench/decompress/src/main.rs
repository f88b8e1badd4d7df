//! `decompress FILE`: decompresses a `.gz` or `.zst` as `infer` does, in the same chunks, and prints the number of bytes.

use std::fs::File;
use std::io::{BufReader, Read};

use flate2::bufread::MultiGzDecoder;

/// What `infer` reads at once.
const CHUNK: usize = 1 << 18;

fn main() -> std::io::Result<()> {
    let file = std::env::args().nth(1).expect("decompress FILE");
    let input = BufReader::with_capacity(CHUNK, File::open(&file)?);
    let mut input: Box<dyn Read> = match file.ends_with(".gz") {
        true => Box::new(MultiGzDecoder::new(input)),
        false => Box::new(zstd::Decoder::with_buffer(input)?),
    };
    let (mut chunk, mut all) = (vec![0; CHUNK], 0);
    loop {
        match input.read(&mut chunk)? {
            0 => break,
            read => all += read,
        }
    }
    println!("{all}");
    Ok(())
}
