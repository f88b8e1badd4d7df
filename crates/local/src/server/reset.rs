//! Closes a connection in the middle of an answer, for fault injection.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::{Body, to_bytes};
use axum::http::Response;
use bytes::Bytes;
use hyper::body::{Body as HttpBody, Frame, SizeHint};

/// The same answer, closed after half of its body.
pub(super) async fn cut(response: Response<Body>) -> Response<Body> {
    let (parts, body) = response.into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap_or_default();
    let half = body.slice(..body.len() / 2);
    Response::from_parts(parts, Body::new(Cut { promised: body.len() as u64, stage: Stage::Half(half) }))
}

/// A body that announces its whole length and sends half.
struct Cut {
    promised: u64,
    stage: Stage,
}

enum Stage {
    Half(Bytes),
    /// Lets the first half reach the client.
    Flush,
    Close,
}

impl HttpBody for Cut {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        match std::mem::replace(&mut self.stage, Stage::Close) {
            Stage::Half(half) => {
                self.stage = Stage::Flush;
                Poll::Ready(Some(Ok(Frame::data(half))))
            }
            Stage::Flush => {
                context.waker().wake_by_ref();
                Poll::Pending
            }
            Stage::Close => Poll::Ready(Some(Err(io::ErrorKind::ConnectionReset.into()))),
        }
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.promised)
    }
}
