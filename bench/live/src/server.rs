//! A DynamoDB of one table of prepared pages, and as much of Glue as a crawl needs.

use std::fmt::Write as _;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Read units of a full page.
pub const PAGE_UNITS: f64 = 128.0;

/// Columns of the items that are served.
pub const COLUMNS: usize = 14;

/// What is served: the same pages in every segment.
pub struct Table {
    pub pages: u64,
    /// Of a page.
    pub items: u64,
    /// Of a page.
    pub units: f64,
    /// From when on after the first scan, and for how long, all scans are throttled.
    pub throttled: Option<(Duration, Duration)>,
}

impl Table {
    pub fn arguments(&self) -> Vec<String> {
        let (from, time) = self.throttled.unwrap_or_default();
        [self.pages as f64, self.items as f64, self.units, from.as_secs_f64(), time.as_secs_f64()]
            .map(|number| number.to_string())
            .to_vec()
    }

    pub fn parse(arguments: &[String]) -> Result<Table, Box<dyn std::error::Error>> {
        let numbers = arguments.iter().map(|argument| argument.parse::<f64>()).collect::<Result<Vec<_>, _>>()?;
        let [pages, items, units, from, time] = numbers[..] else { return Err("five numbers".into()) };
        let throttled = Some((Duration::from_secs_f64(from), Duration::from_secs_f64(time)));
        Ok(Table { pages: pages as u64, items: items as u64, units, throttled })
    }

    /// Bytes of a segment.
    pub fn bytes(&self) -> usize {
        (0..self.pages).map(|page| self.page(page).len()).sum()
    }

    /// The body of a page: order-like items of about 850 bytes.
    fn page(&self, page: u64) -> String {
        let mut body = format!(r#"{{"Count":{0},"ScannedCount":{0},"Items":["#, self.items);
        for number in 0..self.items {
            if number > 0 {
                body.push(',');
            }
            item(page * self.items + number, &mut body);
        }
        write!(body, r#"],"ConsumedCapacity":{{"TableName":"orders","CapacityUnits":{}}}"#, self.units).unwrap();
        if page + 1 < self.pages {
            write!(body, r#","LastEvaluatedKey":{{"pk":{{"S":"{page}"}}}}"#).unwrap();
        }
        body.push('}');
        body
    }
}

fn item(n: u64, out: &mut String) {
    let hash = n.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let lines: Vec<String> = (0..n % 4 + 1)
        .map(|line| {
            format!(
                r#"{{"M":{{"sku":{{"S":"SKU-{:06}"}},"quantity":{{"N":"{}"}},"price":{{"N":"{}.{:02}"}},"title":{{"S":"Article {}"}}}}}}"#,
                (hash >> 8) % 1_000_000, line + 1, hash % 500, hash % 100, hash % 9999
            )
        })
        .collect();
    write!(
        out,
        r#"{{"pk":{{"S":"ORDER#{hash:016x}"}},"sk":{{"S":"2026-11-{:02}T10:{:02}:00Z"}},"created":{{"S":"2026-11-{:02}T10:{:02}:00.000Z"}},"version":{{"N":"{}"}},"total":{{"N":"{}.{:02}"}},"paid":{{"BOOL":{}}},"customer":{{"M":{{"id":{{"S":"C{:08}"}},"name":{{"S":"Customer \u00e9 {}"}},"address":{{"M":{{"street":{{"S":"{} Long Street"}},"city":{{"S":"Utrecht"}},"zip":{{"S":"{:05}"}}}}}},"position":{{"L":[{{"N":"52.{:06}"}},{{"N":"5.{:06}"}}]}}}}}},"lines":{{"L":[{}]}},"tags":{{"SS":["new","gift","express"]}},"discount":{{{}}},"channel":{{"S":"web"}},"currency":{{"S":"EUR"}},"weight":{{"N":"{}"}},"note":{{"S":"line\nbreak \"quoted\""}}}}"#,
        n % 28 + 1, n % 60, n % 28 + 1, n % 60, n % 7, hash % 10_000, hash % 100, n.is_multiple_of(2),
        hash % 100_000_000, hash % 1000, hash % 200, hash % 100_000, hash % 1_000_000, (hash >> 20) % 1_000_000,
        lines.join(","), if n.is_multiple_of(3) { r#""NULL":true"#.to_owned() } else { format!(r#""N":"{}""#, n % 50) }, hash % 5000,
    )
    .unwrap();
}

struct Prepared {
    /// With their CRC32s.
    pages: Vec<(String, u32)>,
    throttled: Option<(Duration, Duration)>,
    first_scan: std::sync::OnceLock<Instant>,
}

/// Serves until the process ends; the first line on stdout is the URL.
pub fn serve(table: &Table) -> Result<(), Box<dyn std::error::Error>> {
    let pages = (0..table.pages).map(|number| {
        let page = table.page(number);
        let crc32 = crc32fast::hash(page.as_bytes());
        (page, crc32)
    });
    let prepared = Prepared { pages: pages.collect(), throttled: table.throttled, first_scan: Default::default() };
    let prepared = Arc::new(prepared);
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    println!("http://{}", listener.local_addr()?);
    for stream in listener.incoming() {
        let (stream, prepared) = (stream?, Arc::clone(&prepared));
        std::thread::spawn(move || connection(stream, &prepared));
    }
    Ok(())
}

fn connection(stream: TcpStream, prepared: &Prepared) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut output = stream.try_clone()?;
    let mut input = BufReader::new(stream);
    loop {
        let (mut operation, mut length, mut line) = (String::new(), 0, String::new());
        loop {
            line.clear();
            if input.read_line(&mut line)? == 0 {
                return Ok(());
            }
            let header = line.trim_end();
            if header.is_empty() {
                break;
            }
            if let Some((name, value)) = header.split_once(": ") {
                match name.to_ascii_lowercase().as_str() {
                    "content-length" => length = value.parse().unwrap_or(0),
                    "x-amz-target" => operation = value.rsplit('.').next().unwrap_or_default().to_owned(),
                    _ => {}
                }
            }
        }
        let mut body = vec![0; length];
        input.read_exact(&mut body)?;
        let (status, answer, crc32) = prepared.answer(&operation, &String::from_utf8_lossy(&body));
        let head = format!(
            "HTTP/1.1 {status}\r\ncontent-type: application/x-amz-json-1.0\r\nx-amz-crc32: {crc32}\r\ncontent-length: {}\r\n\r\n",
            answer.len()
        );
        output.write_all(head.as_bytes())?;
        output.write_all(answer.as_bytes())?;
    }
}

const DESCRIBED: &str = r#"{"Table":{"TableName":"orders","TableStatus":"ACTIVE","ItemCount":1000000,"TableSizeBytes":1000000000,
    "BillingModeSummary":{"BillingMode":"PAY_PER_REQUEST"},"KeySchema":[{"AttributeName":"pk","KeyType":"HASH"}],
    "AttributeDefinitions":[{"AttributeName":"pk","AttributeType":"S"}]}}"#;

impl Prepared {
    fn answer<'a>(&'a self, operation: &str, request: &str) -> (&'static str, &'a str, u32) {
        let plain = |status, body: &'a str| (status, body, crc32fast::hash(body.as_bytes()));
        match operation {
            "Scan" if self.is_throttled() => plain(
                "400 Bad Request",
                r#"{"__type":"com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException","message":"slow down"}"#,
            ),
            "Scan" => {
                let after = request.split_once(r#""pk":{"S":""#).and_then(|(_, rest)| rest.split('"').next());
                let next = after.map_or(0, |after| after.parse::<usize>().expect("a key that was served") + 1);
                let (page, crc32) = &self.pages[next];
                ("200 OK", page, *crc32)
            }
            "CreateTable" if request.matches(r#""Type":""#).count() != COLUMNS => plain(
                "400 Bad Request",
                r#"{"__type":"InvalidInputException","Message":"not the columns of the items that were served"}"#,
            ),
            "DescribeTable" => plain("200 OK", DESCRIBED),
            "GetTable" => plain("400 Bad Request", r#"{"__type":"EntityNotFoundException","Message":"not found"}"#),
            _ => plain("200 OK", "{}"),
        }
    }

    fn is_throttled(&self) -> bool {
        let since = self.first_scan.get_or_init(Instant::now).elapsed();
        self.throttled.is_some_and(|(from, time)| since >= from && since < from + time)
    }
}
