//! The same watch for programs that run inside of the test's own process: their panics and error events.
//!
//! A panic in a task is caught by the runtime and closes, at most, one connection: the test goes on and may pass. So panics
//! and error events are recorded for the process, and a [`ProcessLog`] fails the test that they belong to: those of the
//! test's own thread, and those of threads that are no test's.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::panic;
use std::sync::{LazyLock, Mutex, MutexGuard, Once, PoisonError};
use std::thread;

use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};

/// Watches from here to its end, where it panics if there was trouble that was not announced.
#[derive(Debug)]
pub struct ProcessLog {
    thread: String,
    from: usize,
    announced: Vec<String>,
}

#[derive(Debug, Clone)]
struct Trouble {
    thread: String,
    text: String,
    is_panic: bool,
}

static TROUBLES: LazyLock<Mutex<Vec<Trouble>>> = LazyLock::new(Mutex::default);

fn troubles() -> MutexGuard<'static, Vec<Trouble>> {
    TROUBLES.lock().unwrap_or_else(PoisonError::into_inner)
}

fn own_thread() -> String {
    thread::current().name().unwrap_or_default().to_owned()
}

/// Test threads have the path of their function as name; the program's own have other characters, or no name.
fn is_of_a_test(thread: &str) -> bool {
    !thread.is_empty() && thread.chars().all(|c| c.is_alphanumeric() || c == '_' || c == ':')
}

impl ProcessLog {
    /// Begins to watch, on the thread of the test.
    pub fn watch() -> Self {
        static INSTALLED: Once = Once::new();
        INSTALLED.call_once(install);
        Self { thread: own_thread(), from: troubles().len(), announced: Vec::new() }
    }

    /// Allows error events that contain this. As narrow as possible; a panic is never allowed.
    pub fn expect_errors(&mut self, containing: &str) {
        self.announced.push(containing.to_owned());
    }

    fn found(&self) -> Vec<String> {
        let all = troubles();
        let mine = |trouble: &&Trouble| trouble.thread == self.thread || !is_of_a_test(&trouble.thread);
        let announced = |text: &str| self.announced.iter().any(|announced| text.contains(announced));
        let open = all.iter().skip(self.from).filter(mine).filter(|one| one.is_panic || !announced(&one.text));
        open.map(|trouble| format!("thread {:?}: {}", trouble.thread, trouble.text)).collect()
    }
}

impl Drop for ProcessLog {
    fn drop(&mut self) {
        if thread::panicking() {
            return;
        }
        let found: BTreeSet<String> = self.found().into_iter().collect();
        assert!(
            found.is_empty(),
            "the program in this process had trouble that this test did not announce:\n{}",
            found.into_iter().collect::<Vec<_>>().join("\n")
        );
    }
}

fn record(text: String, is_panic: bool) {
    troubles().push(Trouble { thread: own_thread(), text, is_panic });
}

fn install() {
    let before = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        record(info.to_string(), true);
        before(info);
    }));
    // A test that logs by a subscriber of its own keeps it: then only panics are seen.
    let _ = tracing::subscriber::set_global_default(
        tracing_subscriber::registry().with(Errors.with_filter(LevelFilter::ERROR)),
    );
}

struct Errors;

impl<S: Subscriber> Layer<S> for Errors {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        if *event.metadata().level() == Level::ERROR {
            let mut text = Text(String::new());
            event.record(&mut text);
            record(format!("ERROR{}", text.0), false);
        }
    }
}

struct Text(String);

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        // Writing to a String cannot fail.
        let _ = match field.name() {
            "message" => write!(self.0, " {value:?}"),
            name => write!(self.0, " {name}={value:?}"),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a worker of one test does would be taken for a worker of another.
    fn alone() -> MutexGuard<'static, ()> {
        static ALONE: Mutex<()> = Mutex::new(());
        ALONE.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn ends_well(log: ProcessLog) -> Result<(), String> {
        let ended = panic::catch_unwind(panic::AssertUnwindSafe(|| drop(log)));
        ended.map_err(|cause| cause.downcast_ref::<String>().cloned().unwrap_or_default())
    }

    #[test]
    fn an_error_event_fails_the_test_unless_announced() {
        let _alone = alone();
        let mut announced = ProcessLog::watch();
        let watched = ProcessLog::watch();
        tracing::error!(reason = "full", "a record is lost");
        tracing::warn!("nothing is lost");
        announced.expect_errors("a record is lost");
        ends_well(announced).expect("announced");
        let told = ends_well(watched).expect_err("not announced");
        assert!(told.contains("ERROR a record is lost reason=\"full\""), "{told}");
        ends_well(ProcessLog::watch()).expect("what was before is of no concern");
    }

    #[test]
    fn a_panic_in_a_task_fails_the_test() {
        let _alone = alone();
        let mut watched = ProcessLog::watch();
        watched.expect_errors("wild");
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        runtime.block_on(async { tokio::spawn(async { panic!("wild") }).await.expect_err("it panicked") });
        let told = ends_well(watched).expect_err("a panic cannot be announced");
        assert!(told.contains("wild") && told.contains("process_log.rs"), "{told}");
    }

    #[test]
    fn trouble_of_other_tests_is_not_taken_for_its_own() {
        let _alone = alone();
        let watched = ProcessLog::watch();
        let other = thread::Builder::new().name("another::test".into()).spawn(|| tracing::error!("of another"));
        other.expect("started").join().expect("ends");
        ends_well(watched).expect("of another test");
        let watched = ProcessLog::watch();
        let worker = thread::Builder::new().name("shard-0".into()).spawn(|| tracing::error!("of a worker"));
        worker.expect("started").join().expect("ends");
        ends_well(watched).expect_err("of the program");
    }
}
