//! A socket that fails where its client takes nothing for too long, instead of holding its connection for ever.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use hyper::rt::{Read, ReadBufCursor, Write};
use runtime::Clock;

type Timer = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Reads as the stream below; a write that makes no progress for a time is an error.
pub(crate) struct StallGuard<S> {
    inner: S,
    clock: Clock,
    within: Duration,
    /// Runs while a write waits.
    waiting: Option<Timer>,
}

impl<S> StallGuard<S> {
    pub(crate) fn new(inner: S, clock: Clock, within: Duration) -> Self {
        Self { inner, clock, within, waiting: None }
    }

    /// The stream below.
    pub(crate) fn into_inner(self) -> S {
        self.inner
    }

    fn guard<T>(&mut self, context: &mut Context<'_>, polled: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if polled.is_ready() {
            self.waiting = None;
            return polled;
        }
        let (clock, within) = (&self.clock, self.within);
        let timer = self.waiting.get_or_insert_with(|| {
            let clock = clock.clone();
            Box::pin(async move { clock.sleep(within).await })
        });
        ready!(timer.as_mut().poll(context));
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the client takes nothing")))
    }
}

impl<S: Read + Unpin> Read for StallGuard<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_read(context, buffer)
    }
}

impl<S: Write + Unpin> Write for StallGuard<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.inner).poll_write(context, bytes);
        self.guard(context, polled)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let polled = Pin::new(&mut self.inner).poll_flush(context);
        self.guard(context, polled)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let polled = Pin::new(&mut self.inner).poll_shutdown(context);
        self.guard(context, polled)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.inner).poll_write_vectored(context, pieces);
        self.guard(context, polled)
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use hyper_util::rt::TokioIo;
    use tokio::io::AsyncReadExt as _;

    use super::*;

    const WITHIN: Duration = Duration::from_secs(30);

    async fn write<S: Write + Unpin>(guarded: &mut StallGuard<S>) -> io::Result<usize> {
        poll_fn(|context| Pin::new(&mut *guarded).poll_write(context, &[7; 20])).await
    }

    #[tokio::test]
    async fn a_write_that_waits_too_long_fails() {
        let (near, mut far) = tokio::io::duplex(10);
        let clock = Clock::manual(1_000_000_000);
        let mut guarded = StallGuard::new(TokioIo::new(near), clock.clone(), WITHIN);
        assert_eq!(write(&mut guarded).await.expect("fits"), 10);
        {
            let mut waits = Box::pin(write(&mut guarded));
            assert!(futures::poll!(waits.as_mut()).is_pending());
            clock.advance(WITHIN - Duration::from_secs(1));
            assert!(futures::poll!(waits.as_mut()).is_pending());
            far.read_exact(&mut [0; 4]).await.expect("is there");
            assert_eq!(waits.await.expect("there is room again"), 4);
        }
        let mut waits = Box::pin(write(&mut guarded));
        assert!(futures::poll!(waits.as_mut()).is_pending());
        clock.advance(Duration::from_secs(2));
        assert!(futures::poll!(waits.as_mut()).is_pending(), "counted from the last progress");
        clock.advance(WITHIN);
        assert_eq!(waits.await.expect_err("too long").kind(), io::ErrorKind::TimedOut);
    }
}
