//! Checks the panics and error events of programs inside of the test's own process.
//!
//! The runtime catches a panic in a task, which closes at most one connection, so that the test could pass. Therefore
//! panics and error events of the process are recorded, and a [`ProcessLog`] fails its test for those of the test's own
//! thread, and for those of threads that belong to no test.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::panic;
use std::sync::{LazyLock, Mutex, MutexGuard, Once, PoisonError};
use std::thread;

use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};

/// Records from its creation on; when it is dropped, it panics if there was an error that was not announced.
#[derive(Debug)]
pub struct ProcessLog {
    thread: String,
    from: usize,
    announced: Vec<String>,
}

#[derive(Debug, Clone)]
struct Recorded {
    thread: String,
    text: String,
    is_panic: bool,
}

static RECORDED: LazyLock<Mutex<Vec<Recorded>>> = LazyLock::new(Mutex::default);

fn recorded() -> MutexGuard<'static, Vec<Recorded>> {
    RECORDED.lock().unwrap_or_else(PoisonError::into_inner)
}

fn own_thread() -> String {
    thread::current().name().unwrap_or_default().to_owned()
}

/// Test threads have the path of their function as name; the program's threads have other characters, or no name.
fn is_of_a_test(thread: &str) -> bool {
    !thread.is_empty() && thread.chars().all(|c| c.is_alphanumeric() || c == '_' || c == ':')
}

impl ProcessLog {
    /// Begins to record, on the thread of the test.
    pub fn watch() -> Self {
        static INSTALLED: Once = Once::new();
        INSTALLED.call_once(install);
        Self { thread: own_thread(), from: recorded().len(), announced: Vec::new() }
    }

    /// Allows error events that contain this text. Use a specific text; a panic is never allowed.
    pub fn expect_errors(&mut self, containing: &str) {
        self.announced.push(containing.to_owned());
    }

    fn found(&self) -> Vec<String> {
        let all = recorded();
        let mine = |one: &&Recorded| one.thread == self.thread || !is_of_a_test(&one.thread);
        let announced = |text: &str| self.announced.iter().any(|announced| text.contains(announced));
        let open = all.iter().skip(self.from).filter(mine).filter(|one| one.is_panic || !announced(&one.text));
        open.map(|one| format!("thread {:?}: {}", one.thread, one.text)).collect()
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
            "the program in this process had errors that this test did not announce:\n{}",
            found.into_iter().collect::<Vec<_>>().join("\n")
        );
    }
}

fn record(text: String, is_panic: bool) {
    recorded().push(Recorded { thread: own_thread(), text, is_panic });
}

fn install() {
    let before = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        record(info.to_string(), true);
        before(info);
    }));
    // A test with a subscriber of its own keeps it: then only panics are recorded.
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

    /// One test at a time: worker threads of one test would count for another.
    fn alone() -> MutexGuard<'static, ()> {
        static ALONE: Mutex<()> = Mutex::new(());
        ALONE.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn ends_well(log: ProcessLog) -> Result<(), String> {
        let ended = panic::catch_unwind(panic::AssertUnwindSafe(|| drop(log)));
        ended.map_err(|cause| cause.downcast_ref::<String>().cloned().unwrap_or_default())
    }

    #[test]
    fn an_error_event_must_be_announced() {
        let _alone = alone();
        let mut announced = ProcessLog::watch();
        let watched = ProcessLog::watch();
        tracing::error!(reason = "full", "a record is lost");
        tracing::warn!("nothing is lost");
        announced.expect_errors("a record is lost");
        ends_well(announced).expect("announced");
        let message = ends_well(watched).expect_err("not announced");
        assert!(message.contains("ERROR a record is lost reason=\"full\""), "{message}");
        ends_well(ProcessLog::watch()).expect("earlier events do not count");
    }

    #[test]
    fn a_panic_in_a_task_fails_the_test() {
        let _alone = alone();
        let mut watched = ProcessLog::watch();
        watched.expect_errors("wild");
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        runtime.block_on(async { tokio::spawn(async { panic!("wild") }).await.expect_err("panicked") });
        let message = ends_well(watched).expect_err("a panic cannot be announced");
        assert!(message.contains("wild") && message.contains("process_log.rs"), "{message}");
    }

    #[test]
    fn errors_of_other_tests_do_not_count() {
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
