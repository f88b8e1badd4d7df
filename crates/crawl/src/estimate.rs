//! What reading a table would cost, by what DynamoDB says of it.

use aws_sdk_dynamodb::types::TableDescription;
use serde::Serialize;

use crate::Clients;
use crate::error::Error;
use crate::options::{ReadOptions, Sample};
use crate::read::budget::{is_on_demand, units, units_an_item, units_per_second};
use crate::read::{sample, segments};

/// Bytes of a GB that DynamoDB charges for.
const GB: f64 = (1u64 << 30) as f64;

/// What a crawl of a table would read. DynamoDB counts items and bytes every six hours; a new table says 0.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Estimate {
    /// Items, as DynamoDB counts them.
    pub items: u64,
    /// Their bytes, as DynamoDB counts them.
    pub bytes: u64,
    /// A crawl of every item.
    pub full: Cost,
    /// A crawl of a sample: of the size that is set, else `auto`. With a range key `auto` may need more: it counts partition
    /// keys, and nothing says how many there are.
    pub sampled: Cost,
    /// What DynamoDB charges for an export of the table, at the price that is set. Reading the export costs no read units.
    pub export_dollars: f64,
}

/// What reading costs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Cost {
    /// Items read.
    pub items: u64,
    /// Read units, eventually consistent: half a unit for every 4 KB.
    pub read_units: f64,
    /// For read request units, at the price that is set. 0 for a table with provisioned capacity, which is paid for anyway.
    pub dollars: f64,
    /// At the read budget.
    pub seconds: f64,
}

/// What AWS charges, in dollars.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Prices {
    /// For a million read request units.
    pub read: f64,
    /// For each GB of a table that is exported.
    pub export: f64,
}

/// Asks DynamoDB; `None` if the table does not exist.
///
/// # Errors
/// If DynamoDB refuses or does not answer.
///
/// # Cost
/// One DescribeTable.
pub async fn estimate(
    clients: &Clients,
    table: &str,
    options: &ReadOptions,
    prices: Prices,
) -> Result<Option<Estimate>, Error> {
    let description = crate::dynamodb::describe(clients, table).await?;
    Ok(description.map(|description| Estimate::new(&description, options, prices)))
}

impl Estimate {
    fn new(description: &TableDescription, options: &ReadOptions, prices: Prices) -> Estimate {
        let reported = |value: Option<i64>| value.and_then(|value| u64::try_from(value).ok()).unwrap_or(0);
        let (items, bytes) = (reported(description.item_count()), reported(description.table_size_bytes()));
        let rate = units_per_second(description, options.scan_rate, options.max_rcu);
        let price = if is_on_demand(description) { prices.read / 1e6 } else { 0.0 };
        let cost = |items: u64, read_units: f64| Cost {
            items,
            read_units,
            dollars: read_units * price,
            seconds: read_units / rate,
        };
        let full = cost(items, units(bytes));
        let wanted = match options.sample {
            Sample::Items(wanted) => wanted,
            Sample::All | Sample::Auto if segments::is_small(description) => items,
            Sample::All | Sample::Auto => sample::SAMPLES,
        };
        let sampled = match units_an_item(description) {
            Some(an_item) if wanted < items => cost(wanted, (wanted as f64 * an_item * 2.0).ceil() / 2.0),
            _ => full.clone(),
        };
        let export_dollars = bytes as f64 / GB * prices.export;
        Estimate { items, bytes, full, sampled, export_dollars }
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_dynamodb::types::ProvisionedThroughputDescription;

    use super::*;

    const PRICES: Prices = Prices { read: 0.125, export: 0.10 };

    fn table(items: i64, bytes: i64) -> TableDescription {
        TableDescription::builder().item_count(items).table_size_bytes(bytes).build()
    }

    #[test]
    fn a_gigabyte_costs_a_hundred_and_thirty_thousand_units() {
        let estimate = Estimate::new(&table(1 << 20, 1 << 30), &ReadOptions::default(), PRICES);
        insta::assert_json_snapshot!(estimate, @r#"
        {
          "items": 1048576,
          "bytes": 1073741824,
          "full": {
            "items": 1048576,
            "read_units": 131072.0,
            "dollars": 0.016384,
            "seconds": 13.1072
          },
          "sampled": {
            "items": 4603,
            "read_units": 575.5,
            "dollars": 0.0000719375,
            "seconds": 0.05755
          },
          "export_dollars": 0.1
        }
        "#);
    }

    #[test]
    fn a_small_table_is_its_own_sample() {
        let estimate = Estimate::new(&table(10_000, 1 << 20), &ReadOptions::default(), PRICES);
        assert_eq!(estimate.full, estimate.sampled);
        let some = ReadOptions { sample: Sample::Items(100), ..ReadOptions::default() };
        assert_eq!(Estimate::new(&table(1024, 1 << 20), &some, PRICES).sampled.read_units, 12.5);
        let nothing = Estimate::new(&table(0, 0), &ReadOptions::default(), PRICES);
        assert_eq!((nothing.full.read_units, nothing.sampled.dollars), (0.0, 0.0));
    }

    #[test]
    fn provisioned_capacity_is_paid_for_anyway() {
        let throughput = ProvisionedThroughputDescription::builder().read_capacity_units(100).build();
        let table = TableDescription::builder().item_count(1 << 20).table_size_bytes(1 << 30);
        let table = table.provisioned_throughput(throughput).build();
        let estimate = Estimate::new(&table, &ReadOptions { max_rcu: Some(10.0), ..ReadOptions::default() }, PRICES);
        assert_eq!((estimate.full.dollars, estimate.full.seconds), (0.0, 13107.2));
    }
}
