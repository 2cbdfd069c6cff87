//! A headless Chromium, controlled through `node/browser.mjs`.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};

use crate::services::announced;
use crate::supervise::fresh_dir;
use crate::tools::{artefacts_dir, tool_path, workspace_dir};

/// One page in a browser of its own, with a new profile. Ends with this value, and with the process.
#[derive(Clone)]
pub struct Browser {
    driver: Arc<Mutex<Driver>>,
}

/// The Node process that controls the browser; at the end of its input it closes the browser and ends.
struct Driver {
    process: Child,
    commands: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Browser {
    /// Starts Chromium with an empty page.
    ///
    /// # Errors
    /// When Node, its packages or Chromium are missing or do not start.
    pub async fn start() -> Result<Self> {
        tokio::task::spawn_blocking(Self::start_blocking).await.context("the harness panicked")?
    }

    fn start_blocking() -> Result<Self> {
        announced("chromium", || {
            let chromium = tool_path("chromium")?;
            let dir = workspace_dir().join("tests/node");
            ensure!(dir.join("node_modules").is_dir(), "{} has no packages: run `just setup test`", dir.display());
            let mut process = Command::new(tool_path("node")?)
                .arg(dir.join("browser.mjs"))
                .arg(&chromium)
                .arg(fresh_dir("chromium")?)
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .spawn()
                .context("start node")?;
            let commands = process.stdin.take();
            let answers = BufReader::new(process.stdout.take().context("stdout is piped")?);
            let mut driver = Driver { process, commands, answers };
            driver.answer().context("start Chromium")?;
            Ok((chromium.display().to_string(), Self { driver: Arc::new(Mutex::new(driver)) }))
        })
    }

    /// Opens a page in a window of 1280 by 800.
    ///
    /// # Errors
    /// When it does not load, or answers anything but 200.
    pub async fn open(&self, url: &str) -> Result<()> {
        self.open_sized(url, 1280, 800).await
    }

    /// Opens a page in a window of that size in pixels.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub async fn open_sized(&self, url: &str, width: u32, height: u32) -> Result<()> {
        self.load(json!({"do": "open", "url": url, "width": width, "height": height})).await
    }

    /// Opens a page as a phone shows it: 390 by 844 pixels, with touch.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub async fn open_phone(&self, url: &str) -> Result<()> {
        self.load(json!({"do": "open", "url": url, "width": 390, "height": 844, "phone": true})).await
    }

    async fn load(&self, command: Value) -> Result<()> {
        let url = command["url"].clone();
        let status = self.command(command).await?;
        ensure!(status == 200, "{url} answered {status}");
        Ok(())
    }

    /// The value of a JavaScript expression in the page.
    ///
    /// # Errors
    /// When it throws.
    pub async fn evaluate(&self, script: &str) -> Result<Value> {
        self.command(json!({"do": "evaluate", "script": script})).await
    }

    /// The first truthy value of a JavaScript expression in the page.
    ///
    /// # Errors
    /// When there is none before the deadline; with the messages of the page's console.
    pub async fn wait_for(&self, script: &str, deadline: Duration) -> Result<Value> {
        let command = json!({"do": "wait", "script": script, "ms": deadline.as_millis() as u64});
        match self.command(command).await {
            Ok(value) => Ok(value),
            Err(error) => Err(error.context(format!("the page's console: {:?}", self.messages().await?))),
        }
    }

    /// Clicks the element of a CSS selector.
    ///
    /// # Errors
    /// When it finds nothing that can be clicked.
    pub async fn click(&self, selector: &str) -> Result<()> {
        self.command(json!({"do": "click", "selector": selector})).await.map(drop)
    }

    /// Clicks a link to a file, and stores the complete file at `path`. Returns the file name of the download.
    ///
    /// # Errors
    /// When nothing is downloaded, or the download ends early.
    pub async fn download(&self, selector: &str, path: &Path) -> Result<String> {
        let name = self.command(json!({"do": "download", "selector": selector, "path": path})).await?;
        Ok(name.as_str().unwrap_or_default().to_owned())
    }

    /// Stores a screenshot of the page as `tests/artefacts/NAME.png`.
    ///
    /// # Errors
    /// When it cannot be taken.
    pub async fn screenshot(&self, name: &str) -> Result<PathBuf> {
        let path = artefacts_dir().join(format!("{name}.png"));
        self.command(json!({"do": "screenshot", "path": path})).await?;
        Ok(path)
    }

    /// The rules of accessibility that the page breaks, as axe-core names them, each with the elements.
    ///
    /// # Errors
    /// When the page cannot be checked.
    pub async fn axe_violations(&self) -> Result<Vec<String>> {
        Ok(serde_json::from_value(self.command(json!({"do": "axe"})).await?)?)
    }

    /// Errors on the page's console and uncaught exceptions, so far.
    ///
    /// # Errors
    /// When the browser has ended.
    pub async fn messages(&self) -> Result<Vec<String>> {
        Ok(serde_json::from_value(self.command(json!({"do": "messages"})).await?)?)
    }

    async fn command(&self, command: Value) -> Result<Value> {
        let driver = Arc::clone(&self.driver);
        let task = tokio::task::spawn_blocking(move || {
            let mut driver = driver.lock().unwrap_or_else(PoisonError::into_inner);
            driver
                .send(&command)
                .and_then(|()| driver.answer())
                .with_context(|| format!("send {command} to the browser"))
        });
        task.await.context("the harness panicked")?
    }
}

impl Driver {
    fn send(&mut self, command: &Value) -> Result<()> {
        let commands = self.commands.as_mut().context("the browser has ended")?;
        writeln!(commands, "{command}")?;
        Ok(commands.flush()?)
    }

    fn answer(&mut self) -> Result<Value> {
        let mut line = String::new();
        self.answers.read_line(&mut line)?;
        ensure!(!line.is_empty(), "the browser has ended: {:?}", self.process.wait()?);
        let mut answer: Value =
            serde_json::from_str(&line).with_context(|| format!("malformed answer of the browser: {line}"))?;
        match answer["error"].as_str() {
            Some(error) => bail!("{error}"),
            None => Ok(answer["ok"].take()),
        }
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        self.commands.take();
        // The driver closes the browser at the end of its input.
        let _ = self.process.wait();
    }
}
