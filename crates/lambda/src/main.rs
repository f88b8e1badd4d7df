//! `sys-glue-ddb-crawler`: the Lambda function. An event becomes a job, the `crawler` does it, and its report is the answer.

mod answer;
mod event;
mod function;
mod log;
mod metrics;

use lambda_runtime::{Error, service_fn};

// Calls wait for the network, and nothing is spawned that computes: a second thread would only cost memory and start time.
#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    log::start();
    let function = &function::Function::from_environment().await;
    lambda_runtime::run(service_fn(|event| function.invoke(event))).await
}
