//! Retries until a dependency is reachable.

use std::error::Error;
use std::fmt::Write as _;
use std::future::Future;

use crate::{Backoff, Context, Part};

/// Retries with backoff until `attempt` succeeds. Until then `part` is not ready, with `what` (with the URL) and the
/// causes.
/// `None`: the process was asked to stop first.
///
/// # Errors
/// The first error for which `is_final` is true: a retry cannot succeed.
pub async fn keep_trying<T, E, F>(
    context: &Context,
    part: &Part,
    what: &str,
    is_final: impl Fn(&E) -> bool,
    mut attempt: impl FnMut() -> F,
) -> Result<Option<T>, E>
where
    E: Error,
    F: Future<Output = Result<T, E>>,
{
    let mut backoff = Backoff::for_services();
    loop {
        let Some(outcome) = context.shutdown.or(attempt()).await else { return Ok(None) };
        match outcome {
            Ok(value) => {
                part.ready();
                return Ok(Some(value));
            }
            Err(error) if is_final(&error) => return Err(error),
            Err(error) => part.not_ready(format!("cannot reach {what}: {}", with_causes(&error))),
        }
        let pause = context.clock.sleep(backoff.next_delay());
        if context.shutdown.or(pause).await.is_none() {
            return Ok(None);
        }
    }
}

/// An error and its causes in one line.
pub fn with_causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        // Writing to a String cannot fail.
        let _ = write!(text, ": {error}");
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Clock;
    use std::time::Duration;

    #[derive(Debug, thiserror::Error)]
    #[error("refused")]
    struct Refused {
        r#final: bool,
    }

    #[tokio::test]
    async fn retries_until_it_works_and_reports_why_it_fails() {
        let clock = Clock::manual(0);
        let context = Context::new(clock.clone());
        let part = context.readiness.part("registry");
        let mut failures = 3;
        let tried = keep_trying(
            &context,
            &part,
            "http://registry",
            |_: &Refused| false,
            || {
                failures -= 1;
                std::future::ready(if failures == 0 { Ok(7) } else { Err(Refused { r#final: false }) })
            },
        );
        tokio::pin!(tried);
        assert!(futures::poll!(&mut tried).is_pending());
        let state = context.readiness.parts()["registry"].clone();
        assert_eq!(state.last_error.as_deref(), Some("cannot reach http://registry: refused"));
        let value = loop {
            if let std::task::Poll::Ready(value) = futures::poll!(&mut tried) {
                break value;
            }
            clock.advance(Duration::from_millis(50));
        };
        assert_eq!(value.expect("not final"), Some(7));
        assert!(context.readiness.is_ready());
    }

    #[tokio::test]
    async fn gives_up_on_what_is_final_and_when_asked_to_stop() {
        let context = Context::new(Clock::manual(0));
        let part = context.readiness.part("registry");
        let outcome = keep_trying(
            &context,
            &part,
            "x",
            |error: &Refused| error.r#final,
            || async { Err::<(), _>(Refused { r#final: true }) },
        );
        assert!(outcome.await.is_err());
        context.shutdown.request();
        let outcome = keep_trying(
            &context,
            &part,
            "x",
            |_: &Refused| false,
            || async { Err::<(), _>(Refused { r#final: false }) },
        );
        assert!(outcome.await.expect("not final").is_none());
    }
}
