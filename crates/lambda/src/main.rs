//! `sys-glue-ddb-crawler`: the Lambda function. An event becomes a job, the crate `sync` does it, and its report is the answer.

mod answer;
mod event;
mod function;
mod log;
mod metrics;

use lambda_runtime::{Error, service_fn};

// The work is waiting for the network. A second thread would only cost memory and start-up time.
#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    log::start();
    let function = &function::Function::from_environment().await;
    lambda_runtime::run(service_fn(|event| function.invoke(event))).await
}
