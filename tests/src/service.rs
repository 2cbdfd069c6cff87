//! One process of the stack: it can be started, stopped, killed, frozen, and restarted on the same port and data.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail, ensure};

use crate::log::check_log;
use crate::progress::say;
use crate::supervise::{Launch, Supervised};
use crate::wait::wait_blocking;

/// Checks whether the service is ready, given its log since this start.
type Ready = Box<dyn Fn(&str) -> Result<()> + Send + Sync>;

/// The announced texts of error lines; a test can add to them while the program runs.
pub(crate) type Announced = Mutex<Vec<String>>;

/// How a service is started and when it is ready.
pub(crate) struct Recipe {
    pub(crate) name: String,
    pub(crate) launch: Launch,
    pub(crate) ready: Ready,
    /// For our programs: the errors that the log may have. `None`: the log is not checked.
    pub(crate) announced: Option<Announced>,
    pub(crate) start_within: Duration,
    pub(crate) stop_within: Duration,
}

/// A handle to a process of the stack; clones share it, and dropping the last one ends the process.
#[derive(Clone)]
pub struct Service {
    shared: Arc<Shared>,
}

struct Shared {
    recipe: Recipe,
    running: Mutex<Option<Running>>,
}

struct Running {
    child: Supervised,
    /// The offset in the log at this start.
    log_from: u64,
}

impl Shared {
    fn check_log(&self) -> Result<()> {
        let Recipe { name, launch, announced: Some(announced), .. } = &self.recipe else { return Ok(()) };
        let log = std::fs::read(&launch.log).unwrap_or_default();
        let announced = announced.lock().unwrap_or_else(PoisonError::into_inner);
        check_log(name, &String::from_utf8_lossy(&log), &announced)
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        // Ends the process, so that the log is complete.
        self.running.get_mut().unwrap_or_else(PoisonError::into_inner).take();
        match self.check_log() {
            Ok(()) => {}
            // The test fails already: a second panic would abort all tests of the binary.
            Err(trouble) if std::thread::panicking() => say(&format!("{trouble:#}")),
            Err(trouble) => panic!("{trouble:#}"),
        }
    }
}

impl Service {
    pub(crate) fn start_blocking(recipe: Recipe) -> Result<Self> {
        let service = Self::idle(recipe);
        service.launch()?;
        Ok(service)
    }

    /// Allows error lines that contain this, from now on.
    pub(crate) fn announce(&self, containing: &str) {
        if let Some(announced) = &self.shared.recipe.announced {
            announced.lock().unwrap_or_else(PoisonError::into_inner).push(containing.to_owned());
        }
    }

    pub(crate) fn idle(recipe: Recipe) -> Self {
        Self { shared: Arc::new(Shared { recipe, running: Mutex::new(None) }) }
    }

    /// The name in messages.
    pub fn name(&self) -> &str {
        &self.shared.recipe.name
    }

    /// The process id, while it runs.
    pub fn pid(&self) -> Option<u32> {
        self.running().as_ref().map(|running| running.child.pid())
    }

    /// Whether the process runs; a frozen one does.
    pub fn is_running(&self) -> bool {
        self.running().as_mut().is_some_and(|running| running.child.exit_code().is_none())
    }

    /// The log file with the output of all starts.
    pub fn log(&self) -> &Path {
        &self.shared.recipe.launch.log
    }

    /// The last lines of the log.
    pub fn log_tail(&self, lines: usize) -> String {
        let log = std::fs::read(self.log()).unwrap_or_default();
        let log = String::from_utf8_lossy(&log);
        let all: Vec<&str> = log.lines().collect();
        all[all.len().saturating_sub(lines)..].join("\n")
    }

    /// Restarts a stopped, killed or crashed service on the same port and data, and waits until it is ready.
    ///
    /// # Errors
    /// When it runs already or does not become ready; with the tail of its log.
    pub async fn start(&self) -> Result<()> {
        self.blocking(Self::launch).await
    }

    /// Sends SIGTERM and waits for the end. Returns the exit code.
    ///
    /// # Errors
    /// When it does not run, or does not end in time; when its log has errors that were not announced.
    pub async fn stop(&self) -> Result<i32> {
        self.blocking(Self::stop_blocking).await
    }

    /// Kills it (SIGKILL), with all its children.
    ///
    /// # Errors
    /// When it does not run; when its log has errors that were not announced.
    pub async fn kill(&self) -> Result<()> {
        self.blocking(|service| {
            let running = service.running().take().with_context(|| format!("{} does not run", service.name()))?;
            running.child.kill();
            // Ended, so that the log is complete.
            drop(running);
            service.check_log()
        })
        .await
    }

    /// [`stop`](Self::stop), then [`start`](Self::start).
    ///
    /// # Errors
    /// As for these two.
    pub async fn restart(&self) -> Result<()> {
        self.stop().await?;
        self.start().await
    }

    /// Waits until a launched service is ready.
    pub(crate) async fn ready(&self) -> Result<()> {
        self.blocking(Self::await_ready).await
    }

    /// Fails when the log, over all starts, has a panic or an error that was not announced. Only logs of our programs
    /// are checked. Stopping, killing and dropping a service does this, too.
    ///
    /// # Errors
    /// With the lines.
    pub fn check_log(&self) -> Result<()> {
        self.shared.check_log()
    }

    /// Freezes it (SIGSTOP): connections stay open and nothing answers.
    ///
    /// # Errors
    /// When it does not run.
    pub fn freeze(&self) -> Result<()> {
        self.with_child(Supervised::freeze)
    }

    /// Continues it after [`freeze`](Self::freeze).
    ///
    /// # Errors
    /// When it does not run.
    pub fn thaw(&self) -> Result<()> {
        self.with_child(Supervised::thaw)
    }

    /// The exit code, once it has ended by itself or by a concurrent [`stop`](Self::stop).
    pub fn exit_code(&self) -> Option<i32> {
        self.running().as_mut().and_then(|running| running.child.exit_code())
    }

    /// Sends SIGTERM without waiting.
    ///
    /// # Errors
    /// When it does not run.
    pub fn terminate(&self) -> Result<()> {
        self.with_child(Supervised::terminate)
    }

    pub(crate) fn launch(&self) -> Result<()> {
        self.spawn()?;
        self.await_ready()
    }

    /// Starts the process without waiting for readiness.
    ///
    /// # Errors
    /// When it runs already or cannot be started.
    pub fn spawn(&self) -> Result<()> {
        ensure!(!self.is_running(), "{} runs already", self.name());
        let log_from = std::fs::metadata(self.log()).map_or(0, |log| log.len());
        let child = Supervised::start(&self.shared.recipe.launch).with_context(|| format!("start {}", self.name()))?;
        *self.running() = Some(Running { child, log_from });
        Ok(())
    }

    /// Waits for readiness; a service that does not become ready is killed.
    pub(crate) fn await_ready(&self) -> Result<()> {
        let recipe = &self.shared.recipe;
        let ready = wait_blocking(recipe.start_within, "it to be ready", || {
            if let Some(code) = self.exit_code() {
                return ControlFlow::Break(Err(anyhow!("it ended with exit code {code}")));
            }
            match (recipe.ready)(&self.log_since_start()) {
                Ok(()) => ControlFlow::Break(Ok(())),
                Err(reason) => ControlFlow::Continue(reason),
            }
        });
        ready.map_err(|error| {
            self.running().take();
            error.context(format!("{} did not start; its log ends with\n{}", self.name(), self.log_tail(30)))
        })
    }

    fn log_since_start(&self) -> String {
        let from = self.running().as_ref().map_or(0, |running| running.log_from);
        let mut log = Vec::new();
        if let Ok(mut file) = File::open(self.log()) {
            // A log that cannot be read counts as empty: not ready.
            let _ = file.seek(SeekFrom::Start(from)).and_then(|_| file.read_to_end(&mut log));
        }
        String::from_utf8_lossy(&log).into_owned()
    }

    fn stop_blocking(&self) -> Result<i32> {
        let within = self.shared.recipe.stop_within;
        self.terminate()?;
        let code = wait_blocking(within, "it to end after SIGTERM", || match self.exit_code() {
            Some(code) => ControlFlow::Break(Ok(code)),
            None => ControlFlow::Continue(anyhow!("it still runs")),
        });
        let code = code.with_context(|| format!("stop {}; its log ends with\n{}", self.name(), self.log_tail(30)))?;
        self.running().take();
        self.check_log()?;
        Ok(code)
    }

    async fn blocking<T: Send + 'static>(&self, act: impl FnOnce(&Self) -> Result<T> + Send + 'static) -> Result<T> {
        let service = self.clone();
        tokio::task::spawn_blocking(move || act(&service)).await.context("the harness thread panicked")?
    }

    fn with_child(&self, act: impl FnOnce(&Supervised)) -> Result<()> {
        match self.running().as_ref() {
            Some(running) => act(&running.child),
            None => bail!("{} does not run", self.name()),
        }
        Ok(())
    }

    fn running(&self) -> MutexGuard<'_, Option<Running>> {
        self.shared.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
