//! Named tasks: every spawn is joined, one that fails stops the rest, and they end in reverse order of start.

use std::fmt::Display;
use std::future::Future;
use std::time::Duration;

use futures::future::select_all;
use tokio::task::JoinHandle;
use tracing::Instrument as _;

use crate::{Clock, Shutdown};

/// The tasks of one program.
#[derive(Debug)]
pub struct Tasks {
    clock: Clock,
    shutdown: Shutdown,
    running: Vec<Task>,
}

#[derive(Debug)]
struct Task {
    name: &'static str,
    shutdown: Shutdown,
    handle: JoinHandle<anyhow::Result<()>>,
}

impl Tasks {
    /// No task yet. `shutdown` is the program's: when it is requested the tasks are stopped one after the other.
    pub fn new(clock: Clock, shutdown: Shutdown) -> Self {
        Self { clock, shutdown, running: Vec::new() }
    }

    /// Starts a task. Its own stop request comes when every later task has ended: start tasks before those that depend
    /// on them.
    pub fn spawn<F>(&mut self, name: &'static str, work: impl FnOnce(Shutdown) -> F)
    where
        F: Future<Output = anyhow::Result<()>> + Send + 'static,
    {
        let shutdown = Shutdown::new();
        // Not `name`: in JSON lines that is the span's own.
        let span = tracing::info_span!("task", task = name);
        let handle = tokio::spawn(work(shutdown.clone()).instrument(span));
        self.running.push(Task { name, shutdown, handle });
    }

    /// Runs until the program is asked to stop or a task ends; then stops the rest in reverse order of start, each with at
    /// most `deadline`.
    ///
    /// # Errors
    /// The first failure of a task, named; or that a task did not end in time (it is then aborted).
    pub async fn run(mut self, deadline: Duration) -> anyhow::Result<()> {
        let mut outcome = self.until_stop_or_end().await;
        self.shutdown.request();
        while let Some(task) = self.running.pop() {
            let ended = stop(task, &self.clock, deadline).await;
            outcome = outcome.and(ended);
        }
        outcome
    }

    /// Waits for the first end; the ended task is taken out.
    async fn until_stop_or_end(&mut self) -> anyhow::Result<()> {
        if self.running.is_empty() {
            self.shutdown.requested().await;
            return Ok(());
        }
        let first_end = select_all(self.running.iter_mut().map(|task| &mut task.handle));
        tokio::select! {
            () = self.shutdown.requested() => Ok(()),
            (joined, index, _) = first_end => {
                let task = self.running.remove(index);
                outcome_of(task.name, joined)
            }
        }
    }
}

async fn stop(mut task: Task, clock: &Clock, deadline: Duration) -> anyhow::Result<()> {
    task.shutdown.request();
    tokio::select! {
        joined = &mut task.handle => outcome_of(task.name, joined),
        () = clock.sleep(deadline) => {
            task.handle.abort();
            anyhow::bail!("task {} did not stop within {} s", task.name, deadline.as_secs_f64())
        }
    }
}

fn outcome_of(name: &'static str, joined: Result<anyhow::Result<()>, tokio::task::JoinError>) -> anyhow::Result<()> {
    let with_name = |error: &dyn Display| format!("task {name}: {error}");
    match joined {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => Err(error.context(format!("task {name}"))),
        Err(error) => Err(anyhow::anyhow!(with_name(&error))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use parking_lot::Mutex;
    use std::sync::Arc;

    const DEADLINE: Duration = Duration::from_secs(5);

    #[tokio::test]
    async fn tasks_stop_in_reverse_order_of_start() {
        let shutdown = Shutdown::new();
        let mut tasks = Tasks::new(Clock::system(), shutdown.clone());
        let ended = Arc::new(Mutex::new(Vec::new()));
        for name in ["log", "core", "intake"] {
            let ended = Arc::clone(&ended);
            tasks.spawn(name, |stop| async move {
                stop.requested().await;
                ended.lock().push(name);
                Ok(())
            });
        }
        shutdown.request();
        tasks.run(DEADLINE).await.expect("all end well");
        assert_eq!(*ended.lock(), ["intake", "core", "log"]);
    }

    #[tokio::test]
    async fn one_that_fails_stops_the_rest_and_is_named() {
        let shutdown = Shutdown::new();
        let mut tasks = Tasks::new(Clock::system(), shutdown.clone());
        tasks.spawn("steady", |stop| async move {
            stop.requested().await;
            Ok(())
        });
        tasks.spawn("broken", |_| async { anyhow::bail!("no luck") });
        let error = tasks.run(DEADLINE).await.expect_err("a task failed");
        assert_eq!(format!("{error:#}"), "task broken: no luck");
        assert!(shutdown.is_requested());
    }

    #[tokio::test]
    async fn a_panic_is_a_failure() {
        let mut tasks = Tasks::new(Clock::system(), Shutdown::new());
        tasks.spawn("wild", |_| async { panic!("boom") });
        assert!(tasks.run(DEADLINE).await.expect_err("panicked").to_string().contains("task wild"));
    }

    #[tokio::test]
    async fn one_that_does_not_stop_is_aborted_at_the_deadline() {
        let clock = Clock::manual(0);
        let shutdown = Shutdown::new();
        let mut tasks = Tasks::new(clock.clone(), shutdown.clone());
        tasks.spawn("stubborn", |_| std::future::pending());
        shutdown.request();
        let run = tokio::spawn(tasks.run(DEADLINE));
        while !run.is_finished() {
            clock.advance(Duration::from_secs(1));
            tokio::task::yield_now().await;
        }
        let error = run.await.expect("ends").expect_err("too slow");
        assert_eq!(error.to_string(), "task stubborn did not stop within 5 s");
    }
}
