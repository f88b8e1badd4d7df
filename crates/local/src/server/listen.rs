//! Accepts connections while file descriptors last, and closes idle ones.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::{Request, Response};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;

use super::connections::{Connection, Open};
use super::dispatch::{self, Endpoint};
use super::held::Held;
use crate::descriptors;

/// How long to wait before trying again when no descriptor is left.
const RETRY: Duration = Duration::from_millis(50);

/// Accepts connections until `closing` is true, then lets the requests in flight finish.
pub(super) async fn serve(
    listener: TcpListener,
    endpoint: Arc<Endpoint>,
    head: Duration,
    mut closing: watch::Receiver<bool>,
) {
    let room = Arc::new(Semaphore::new(descriptors::connections()));
    let open = Arc::new(Open::default());
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            accepted = accept(&listener, &room, &open) => accepted,
            _ = closing.wait_for(|closing| *closing) => break,
        };
        while connections.try_join_next().is_some() {}
        let (stream, permit) = accepted;
        let connection = open.enter();
        let (endpoint, open, closing) = (Arc::clone(&endpoint), Arc::clone(&open), closing.clone());
        connections.spawn(async move {
            talk(stream, endpoint, Arc::clone(&connection), head, closing).await;
            open.leave(&connection);
            drop(permit);
        });
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
}

/// The next connection, once there is room for it. The connection that has been idle longest is closed to make room.
async fn accept(listener: &TcpListener, room: &Arc<Semaphore>, open: &Open) -> (TcpStream, OwnedSemaphorePermit) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                drop(stream.set_nodelay(true));
                loop {
                    if let Ok(permit) = Arc::clone(room).try_acquire_owned() {
                        return (stream, permit);
                    }
                    open.close_one();
                    tokio::select! {
                        // The semaphore is never closed.
                        Ok(permit) = Arc::clone(room).acquire_owned() => return (stream, permit),
                        () = tokio::time::sleep(RETRY) => {}
                    }
                }
            }
            Err(error) => {
                tracing::debug!(%error, "a connection could not be accepted");
                open.close_one();
                tokio::time::sleep(RETRY).await;
            }
        }
    }
}

/// Answers the requests of one connection. How the connection ends does not matter to the endpoint.
async fn talk(
    stream: TcpStream,
    endpoint: Arc<Endpoint>,
    connection: Arc<Connection>,
    head: Duration,
    mut closing: watch::Receiver<bool>,
) {
    let state = Arc::clone(&connection);
    let service = service_fn(move |request: Request<Incoming>| {
        let (endpoint, busy) = (Arc::clone(&endpoint), state.busy());
        async move {
            let response = dispatch::serve(endpoint, request.map(Body::new)).await;
            Ok::<Response<Held>, Infallible>(response.map(|body| Held::new(body, busy)))
        }
    });
    let mut builder = http1::Builder::new();
    // The timeout starts when the last answer ends, so it closes idle connections too.
    builder.timer(TokioTimer::new()).header_read_timeout(head);
    let serving = builder.serve_connection(TokioIo::new(stream), service);
    tokio::pin!(serving);
    tokio::select! {
        _ = serving.as_mut() => return,
        () = connection.close.notified() => {}
        _ = closing.wait_for(|closing| *closing) => {}
    }
    if connection.idle_since().is_none() {
        serving.as_mut().graceful_shutdown();
        drop(serving.await);
    }
}
