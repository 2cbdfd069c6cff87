//! A stream whose writes time out, so that a client that reads nothing does not hold its connection for ever.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use hyper::rt::{Read, ReadBufCursor, Write};
use runtime::Clock;

type Timer = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A stream; a write without progress for the time limit fails with [`io::ErrorKind::TimedOut`].
pub(crate) struct StallGuard<S> {
    inner: S,
    clock: Clock,
    timeout: Duration,
    /// Runs while a write is pending.
    timer: Option<Timer>,
}

impl<S> StallGuard<S> {
    pub(crate) fn new(inner: S, clock: Clock, timeout: Duration) -> Self {
        Self { inner, clock, timeout, timer: None }
    }

    /// The inner stream.
    pub(crate) fn into_inner(self) -> S {
        self.inner
    }

    fn guard<T>(&mut self, context: &mut Context<'_>, polled: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if polled.is_ready() {
            self.timer = None;
            return polled;
        }
        let (clock, timeout) = (&self.clock, self.timeout);
        let timer = self.timer.get_or_insert_with(|| {
            let clock = clock.clone();
            Box::pin(async move { clock.sleep(timeout).await })
        });
        ready!(timer.as_mut().poll(context));
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the client reads nothing")))
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

    const TIMEOUT: Duration = Duration::from_secs(30);

    async fn write_some<S: Write + Unpin>(guarded: &mut StallGuard<S>) -> io::Result<usize> {
        poll_fn(|context| Pin::new(&mut *guarded).poll_write(context, &[7; 20])).await
    }

    #[tokio::test]
    async fn a_write_without_progress_fails() {
        let (near, mut far) = tokio::io::duplex(10);
        let clock = Clock::manual(1_000_000_000);
        let mut guarded = StallGuard::new(TokioIo::new(near), clock.clone(), TIMEOUT);
        assert_eq!(write_some(&mut guarded).await.expect("fits"), 10);
        {
            let mut write = Box::pin(write_some(&mut guarded));
            assert!(futures::poll!(write.as_mut()).is_pending());
            clock.advance(TIMEOUT - Duration::from_secs(1));
            assert!(futures::poll!(write.as_mut()).is_pending());
            far.read_exact(&mut [0; 4]).await.expect("was written");
            assert_eq!(write.await.expect("the buffer has room again"), 4);
        }
        let mut write = Box::pin(write_some(&mut guarded));
        assert!(futures::poll!(write.as_mut()).is_pending());
        clock.advance(Duration::from_secs(2));
        assert!(futures::poll!(write.as_mut()).is_pending(), "counted from the last progress");
        clock.advance(TIMEOUT);
        assert_eq!(write.await.expect_err("times out").kind(), io::ErrorKind::TimedOut);
    }
}
