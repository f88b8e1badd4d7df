//! What hostile input may take of memory: 64 MB for a table, beside what the program takes for one of a single item.
//! Each run says on standard error what it took.
#![cfg(target_os = "linux")]

use std::io::Write;
use std::process::Stdio;
use std::time::Duration;

use crate::run::{Shell, command};

/// Kilobytes for a table, whatever its items.
const MOST: u64 = 64 << 10;

/// Runs the binary; its exit code, what it wrote to standard error, and the most memory that it had, in kilobytes.
fn run(shell: &Shell, args: &[&str]) -> (i32, String, u64) {
    let mut child = command(shell.folder.path())
        .args(args)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(std::fs::File::create(shell.path("stderr")).unwrap())
        .spawn()
        .unwrap();
    let status = format!("/proc/{}/status", child.id());
    let mut most = 0;
    let code = loop {
        // The peak so far, which is gone once the process has ended.
        let peak = std::fs::read_to_string(&status).unwrap_or_default();
        let peak = peak.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB")?.parse().ok());
        most = most.max(peak.unwrap_or(0));
        if let Some(status) = child.try_wait().unwrap() {
            break status.code().unwrap_or(-1);
        }
        std::thread::sleep(Duration::from_millis(1));
    };
    (code, std::fs::read_to_string(shell.path("stderr")).unwrap(), most)
}

/// About so many bytes of items with maps in maps in maps: `width` names in each, of 150 on each level.
fn maps_in_maps(bytes: usize, width: usize) -> String {
    fn map(levels: u32, width: usize, at: &mut u64, text: &mut String) {
        if levels == 0 {
            return text.push_str("{\"S\":\"\"}");
        }
        text.push_str("{\"M\":{");
        *at = at.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let first = (*at >> 33) as usize;
        for name in 0..width {
            text.push_str(&format!("{}\"{levels}{}\":", if name == 0 { "" } else { "," }, (first + name) % 150));
            map(levels - 1, width, at, text);
        }
        text.push_str("}}");
    }
    let (mut text, mut at) = (String::new(), 1);
    for item in 0.. {
        if text.len() >= bytes {
            break;
        }
        text.push_str(&format!("{{\"id\":{{\"S\":\"{item}\"}},\"m\":"));
        map(4, width, &mut at, &mut text);
        text.push_str("}\n");
    }
    text
}

#[test]
fn maps_in_maps_stay_within_64_mb() {
    let shell = Shell::new();
    shell.table("tame", "table", &[r#"{"id":{"S":"1"}}"#]);
    // Many short items; some that are longer than what is read at once.
    for (name, bytes, width) in [("short", 10_000_000, 2), ("long", 3_000_000, 14)] {
        shell.table(name, "table", &[&maps_in_maps(bytes, width)]);
        let crawl = |folder| run(&shell, &["crawl", "--local", folder, "--state", &format!("state-{folder}"), "-q"]);
        let infer = |folder| run(&shell, &["infer", &format!("{folder}/table.jsonl")]);
        for (command, (tame, hostile)) in
            [("infer", (infer("tame"), infer(name))), ("crawl", (crawl("tame"), crawl(name)))]
        {
            eprintln!("{command} {name}: {} kB, {} kB with a single item", hostile.2, tame.2);
            assert_eq!((hostile.0, hostile.1.as_str()), (0, ""), "{command} {name}");
            assert!(hostile.2 < tame.2 + MOST, "{command} {name}: {} kB, {} kB", hostile.2, tame.2);
        }
    }
}

/// The answer of a Scan that is packed well: it is never in memory as a whole, nor is an item that has no end.
#[test]
fn answers_of_scan_stay_within_64_mb() {
    let shell = Shell::new();
    shell.write("tame.json", r#"{"Items":[{"id":{"S":"1"}}],"Count":1}"#);
    let item = format!(r#"{{"id":{{"S":"{}"}}}}"#, "x".repeat(100_000));
    let pack = |name: &str, parts: &mut dyn Iterator<Item = &str>| {
        let mut zst = zstd::Encoder::new(Vec::new(), 1).unwrap();
        parts.for_each(|part| zst.write_all(part.as_bytes()).unwrap());
        shell.write(name, zst.finish().unwrap());
    };
    let items = std::iter::repeat_n([item.as_str(), ","], 1_000).flatten().take(1_999);
    pack("many.json.zst", &mut ["{\"Items\":["].into_iter().chain(items).chain(["],\"Count\":1000}"]));
    pack(
        "endless.json.zst",
        &mut [r#"{"Items":[{"id":{"S":""#]
            .into_iter()
            .chain(std::iter::repeat_n(item.as_str().get(20..90_000).unwrap(), 1_000)),
    );
    pack(
        "beside.json.zst",
        &mut [r#"{"Items":[],"Count":0,"more":""#]
            .into_iter()
            .chain(std::iter::repeat_n(item.as_str().get(20..90_000).unwrap(), 1_000)),
    );
    let (_, _, tame) = run(&shell, &["infer", "tame.json"]);
    for (file, code, message) in [
        ("many.json.zst", 0, ""),
        (
            "endless.json.zst",
            1,
            "glue-ddb-crawler: endless.json.zst: line 1 (byte 10 of the input): an object of more than 16777216 bytes, which no item is\n",
        ),
        (
            "beside.json.zst",
            1,
            "glue-ddb-crawler: beside.json.zst: line 1 (byte 29 of the input): more than 1048576 bytes that are no items, under one name\n",
        ),
    ] {
        let (exit, told, most) = run(&shell, &["infer", file]);
        eprintln!("infer {file}: {most} kB, {tame} kB with a single item");
        assert_eq!((exit, told.as_str()), (code, message));
        assert!(most < tame + MOST, "{file}: {most} kB, {tame} kB with a single item");
    }
}
