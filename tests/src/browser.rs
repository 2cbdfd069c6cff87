//! A headless Chromium, driven through `node/browser.mjs`.

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

/// One page in a browser of its own, with a fresh profile. Ends with this value, and with the process.
#[derive(Clone)]
pub struct Browser {
    driver: Arc<Mutex<Driver>>,
}

/// The Node process that holds the browser; at the end of its input it closes the browser and ends.
struct Driver {
    process: Child,
    orders: Option<ChildStdin>,
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
            let orders = process.stdin.take();
            let answers = BufReader::new(process.stdout.take().context("stdout is piped")?);
            let mut driver = Driver { process, orders, answers };
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
        let status = self.order(json!({"do": "open", "url": url, "width": width, "height": height})).await?;
        ensure!(status == 200, "{url} answered {status}");
        Ok(())
    }

    /// The value of a JavaScript expression in the page.
    ///
    /// # Errors
    /// When it throws.
    pub async fn evaluate(&self, script: &str) -> Result<Value> {
        self.order(json!({"do": "evaluate", "script": script})).await
    }

    /// The first truthy value of a JavaScript expression in the page.
    ///
    /// # Errors
    /// When there is none before the deadline; with what the page said on its console.
    pub async fn wait_for(&self, script: &str, deadline: Duration) -> Result<Value> {
        let order = json!({"do": "wait", "script": script, "ms": deadline.as_millis() as u64});
        match self.order(order).await {
            Ok(value) => Ok(value),
            Err(error) => Err(error.context(format!("the page said {:?}", self.messages().await?))),
        }
    }

    /// Clicks what a CSS selector finds.
    ///
    /// # Errors
    /// When it finds nothing that can be clicked.
    pub async fn click(&self, selector: &str) -> Result<()> {
        self.order(json!({"do": "click", "selector": selector})).await.map(drop)
    }

    /// Clicks a link that leads to a file, and keeps the complete file at `path`. Returns the name that it is offered under.
    ///
    /// # Errors
    /// When nothing is downloaded, or the download ends early.
    pub async fn download(&self, selector: &str, path: &Path) -> Result<String> {
        let name = self.order(json!({"do": "download", "selector": selector, "path": path})).await?;
        Ok(name.as_str().unwrap_or_default().to_owned())
    }

    /// Keeps a picture of the page as `tests/artefacts/NAME.png`.
    ///
    /// # Errors
    /// When it cannot be taken.
    pub async fn screenshot(&self, name: &str) -> Result<PathBuf> {
        let path = artefacts_dir().join(format!("{name}.png"));
        self.order(json!({"do": "screenshot", "path": path})).await?;
        Ok(path)
    }

    /// Errors on the page's console and uncaught exceptions, so far.
    ///
    /// # Errors
    /// When the browser is gone.
    pub async fn messages(&self) -> Result<Vec<String>> {
        Ok(serde_json::from_value(self.order(json!({"do": "messages"})).await?)?)
    }

    async fn order(&self, order: Value) -> Result<Value> {
        let driver = Arc::clone(&self.driver);
        let task = tokio::task::spawn_blocking(move || {
            let mut driver = driver.lock().unwrap_or_else(PoisonError::into_inner);
            driver.send(&order).and_then(|()| driver.answer()).with_context(|| format!("tell the browser {order}"))
        });
        task.await.context("the harness panicked")?
    }
}

impl Driver {
    fn send(&mut self, order: &Value) -> Result<()> {
        let orders = self.orders.as_mut().context("the browser has ended")?;
        writeln!(orders, "{order}")?;
        Ok(orders.flush()?)
    }

    fn answer(&mut self) -> Result<Value> {
        let mut line = String::new();
        self.answers.read_line(&mut line)?;
        ensure!(!line.is_empty(), "the browser has ended: {:?}", self.process.wait()?);
        let mut answer: Value = serde_json::from_str(&line).with_context(|| format!("the browser said {line}"))?;
        match answer["error"].as_str() {
            Some(error) => bail!("{error}"),
            None => Ok(answer["ok"].take()),
        }
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        self.orders.take();
        // The driver closes the browser at the end of its input.
        let _ = self.process.wait();
    }
}
