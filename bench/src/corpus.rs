//! The corpora: the same bytes on every machine.

use std::fmt::Write;

/// A generated table.
pub struct Corpus {
    /// What it is called in the records.
    pub name: &'static str,
    /// How many items it has.
    pub items: u64,
    write: fn(&mut String, &mut Random, u64),
    columns: fn() -> String,
}

/// All of them.
pub const ALL: &[Corpus] = &[
    Corpus { name: "orders", items: 400_000, write: order, columns: order_columns },
    Corpus { name: "tiny", items: 1_500_000, write: tiny, columns: || "pk string\nv bigint".to_owned() },
    Corpus { name: "columns", items: 12_000, write: wide, columns: wide_columns },
    Corpus { name: "sparse", items: 80_000, write: sparse, columns: wide_columns },
    Corpus { name: "deep", items: 60_000, write: deep, columns: deep_columns },
    Corpus { name: "escaped", items: 60_000, write: escaped, columns: || "body string\npk string".to_owned() },
    Corpus { name: "numbers", items: 20_000, write: numbers, columns: || "pk string\nv array<double>".to_owned() },
    Corpus { name: "doubles", items: 20_000, write: doubles, columns: || "pk string\nv array<double>".to_owned() },
    Corpus { name: "keys", items: 60_000, write: keys, columns: || "m map<string,bigint>\npk string".to_owned() },
    Corpus { name: "binary", items: 60_000, write: binary, columns: || "b binary\npk string".to_owned() },
];

impl Corpus {
    /// One item a line.
    pub fn text(&self) -> Vec<u8> {
        self.start(self.items)
    }

    /// The first items.
    pub fn start(&self, items: u64) -> Vec<u8> {
        let mut text = Vec::new();
        self.write(items, &mut text).expect("memory takes all");
        text
    }

    /// The same, with another number of items, into `out`: a corpus of any size in little memory.
    pub fn write(&self, items: u64, mut out: impl std::io::Write) -> std::io::Result<()> {
        let mut random = Random(20261122);
        let mut line = String::new();
        for i in 0..items {
            line.clear();
            (self.write)(&mut line, &mut random, i);
            line.push('\n');
            out.write_all(line.as_bytes())?;
        }
        out.flush()
    }

    /// The right answer: `attribute type`, one a line.
    pub fn columns(&self) -> String {
        (self.columns)()
    }
}

/// splitmix64.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    fn of<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.below(all.len() as u64) as usize]
    }

    /// Two digits after the point, none at its end.
    fn price(&mut self) -> String {
        format!("{}", self.below(100_000) as f64 / 100.0)
    }
}

macro_rules! put {
    ($out:expr, $($argument:tt)*) => { let _ = write!($out, $($argument)*); };
}

const CITIES: [&str; 6] = ["Berlin", "Köln", "Paris", "New York", "São Paulo", "Oslo"];
const TAGS: [&str; 6] = ["gift", "express", "fragile", "bulky", "returned", "b2b"];

fn order(out: &mut String, r: &mut Random, i: u64) {
    put!(out, r#"{{"pk":{{"S":"CUSTOMER#{:08}"}},"sk":{{"S":"ORDER#2026#{i:09}"}}"#, r.below(90_000_000));
    put!(
        out,
        r#","created":{{"S":"2026-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z"}}"#,
        1 + r.below(12),
        1 + r.below(28),
        r.below(24),
        r.below(60),
        r.below(60),
        r.below(1000)
    );
    put!(
        out,
        r#","version":{{"N":"{}"}},"points":{{"N":"{}"}},"paid":{{"BOOL":{}}}"#,
        r.below(40),
        r.below(100_000),
        r.below(3) > 0
    );
    put!(out, r#","total":{{"N":"{}"}},"tax":{{"N":"{}"}},"shipping":{{"N":"{}"}}"#, r.price(), r.price(), r.price());
    put!(
        out,
        r#","customer":{{"M":{{"name":{{"S":"{} {}"}},"email":{{"S":"user{}@mail.example.com"}},"phone":{{"S":"+49 30 {:07}"}},"address":{{"M":{{"street":{{"S":"{} {}"}},"city":{{"S":"{}"}},"zip":{{"S":"{:05}"}},"geo":{{"L":[{{"N":"{:.6}"}},{{"N":"{:.6}"}}]}}}}}}}}}}"#,
        r.of(&["Ada", "Grace", "Edsger", "Barbara", "Donald"]),
        r.of(&["Lovelace", "Hopper", "Dijkstra", "Liskov", "Knuth"]),
        r.below(1_000_000),
        r.below(10_000_000),
        r.of(&["Main Street", "Hauptstraße", "Rue de la Paix", "Broadway"]),
        r.below(300),
        r.of(&CITIES),
        r.below(100_000),
        r.below(180_000_000) as f64 / 1e6 - 90.0,
        r.below(360_000_000) as f64 / 1e6 - 180.0
    );
    put!(out, r#","lines":{{"L":["#);
    for line in 0..1 + r.below(4) {
        let comma = if line > 0 { "," } else { "" };
        put!(
            out,
            r#"{comma}{{"M":{{"sku":{{"S":"SKU-{:06}-{:07x}"}},"qty":{{"N":"{}"}},"price":{{"N":"{}"}},"note":{{"S":"{}"}}}}}}"#,
            r.below(1_000_000),
            r.below(1 << 28),
            1 + r.below(9),
            r.price(),
            r.of(&["", "leave at door", "ring twice", "second floor"])
        );
    }
    put!(out, r#"]}},"tags":{{"SS":["{}","{}"]}}"#, r.of(&TAGS[..3]), r.of(&TAGS[3..]));
    match r.below(4) {
        0 => {
            put!(out, r#","discount":{{"NULL":true}}"#);
        }
        1 => {
            put!(out, r#","discount":{{"N":"{}"}}"#, r.below(50));
        }
        _ => {}
    }
    if r.below(50) == 0 {
        put!(out, r#","extras":{{"M":{{"campaign":{{"S":"autumn-{}"}}}}}}"#, r.below(100));
    }
    if r.below(20) == 0 {
        put!(out, r#","remark":{{"S":"said \"call first\"\nthen {}"}}"#, r.below(100));
    }
    out.push('}');
}

fn order_columns() -> String {
    "created string\ncustomer struct<address:struct<city:string,geo:array<double>,street:string,zip:string>,email:string,name:string,phone:string>\n\
     discount bigint\nextras struct<campaign:string>\nlines array<struct<note:string,price:double,qty:bigint,sku:string>>\npaid boolean\n\
     pk string\npoints bigint\nremark string\nshipping double\nsk string\ntags array<string>\ntax double\ntotal double\nversion bigint"
        .to_owned()
}

fn tiny(out: &mut String, r: &mut Random, i: u64) {
    put!(out, r#"{{"pk":{{"S":"{i:x}"}},"v":{{"N":"{}"}}}}"#, r.below(1000));
}

/// 200 columns, all there.
fn wide(out: &mut String, r: &mut Random, _: u64) {
    columns(out, r, 1);
}

/// 200 columns, of which an item has every eighth, at random.
fn sparse(out: &mut String, r: &mut Random, _: u64) {
    columns(out, r, 8);
}

fn columns(out: &mut String, r: &mut Random, one_of: u64) {
    let mut open = '{';
    for column in 0..200 {
        if r.below(one_of) == 0 || column == 0 {
            match column % 4 {
                0 => {
                    put!(out, r#"{open}"column_{column:03}":{{"S":"value {}"}}"#, r.below(100_000));
                }
                1 => {
                    put!(out, r#"{open}"column_{column:03}":{{"N":"{}"}}"#, r.below(100_000));
                }
                2 => {
                    put!(out, r#"{open}"column_{column:03}":{{"BOOL":{}}}"#, r.below(2) == 0);
                }
                _ => {
                    put!(out, r#"{open}"column_{column:03}":{{"N":"{}"}}"#, r.price());
                }
            }
            open = ',';
        }
    }
    out.push('}');
}

fn wide_columns() -> String {
    let types = ["string", "bigint", "boolean", "double"];
    (0..200).map(|i| format!("column_{i:03} {}", types[i % 4])).collect::<Vec<_>>().join("\n")
}

const LEVELS: usize = 30;

fn deep(out: &mut String, r: &mut Random, i: u64) {
    put!(
        out,
        r#"{{"pk":{{"S":"{i}"}},"d":{}{{"N":"{}"}}{}}}"#,
        r#"{"M":{"a":"#.repeat(LEVELS),
        r.below(100),
        "}}".repeat(LEVELS)
    );
}

fn deep_columns() -> String {
    format!("d {}bigint{}\npk string", "struct<a:".repeat(LEVELS), ">".repeat(LEVELS))
}

fn escaped(out: &mut String, r: &mut Random, i: u64) {
    put!(out, r#"{{"pk":{{"S":"{i}"}},"body":{{"S":""#);
    for _ in 0..40 {
        out.push_str(r.of(&[
            r#"<p class=\"x\">\n"#,
            "some plain words between, ",
            r"\u00fc\u00df \t",
            "größer, schöner ",
            r"C:\\temp\\",
        ]));
    }
    out.push_str("\"}}");
}

fn numbers(out: &mut String, r: &mut Random, i: u64) {
    list(out, r, i, |r| r.price());
}

/// The 16 and 17 digits of real doubles.
fn doubles(out: &mut String, r: &mut Random, i: u64) {
    list(out, r, i, |r| (r.next() as f64 / 1e16).to_string());
}

fn list(out: &mut String, r: &mut Random, i: u64, number: impl Fn(&mut Random) -> String) {
    put!(out, r#"{{"pk":{{"S":"{i}"}},"v":{{"L":[{{"N":"0.5"}}"#);
    for _ in 0..150 {
        put!(out, r#",{{"N":"{}"}}"#, number(r));
    }
    out.push_str("]}}");
}

/// A map whose keys are data.
fn keys(out: &mut String, r: &mut Random, i: u64) {
    put!(out, r#"{{"pk":{{"S":"{i}"}},"m":{{"M":{{"first":{{"N":"1"}}"#);
    for key in 0..20 {
        put!(out, r#","{:08x}-{key}":{{"N":"{}"}}"#, r.below(1 << 32), r.below(1000));
    }
    out.push_str("}}}");
}

fn binary(out: &mut String, r: &mut Random, i: u64) {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    put!(out, r#"{{"pk":{{"S":"{i}"}},"b":{{"B":""#);
    out.extend((0..1000).map(|_| char::from(r.of(ALPHABET))));
    out.push_str("\"}}");
}
