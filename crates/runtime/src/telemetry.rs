//! Logs, and traces over OTLP where an endpoint is set.

use std::io::IsTerminal as _;

use anyhow::Context as _;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer, Registry, fmt, reload};

use crate::settings::{LogFormat, TelemetryOptions};
#[cfg(feature = "otlp")]
use crate::trace::Exporter;
use crate::trace::{Service, Tracer};
use crate::{Clock, Metrics};

/// Changes the log filter of the running process.
#[derive(Clone, Debug)]
pub struct LogFilter(reload::Handle<EnvFilter, Registry>);

impl LogFilter {
    /// Sets a filter such as `info` or `warn,processor=debug`.
    ///
    /// # Errors
    /// The filter does not parse.
    pub fn set(&self, filter: &str) -> anyhow::Result<()> {
        let parsed = EnvFilter::try_new(filter).with_context(|| format!("invalid log filter {filter:?}: expected a level or levels by module, for example info or warn,processor=debug"))?;
        self.0.reload(parsed).context("the log has been closed")?;
        tracing::info!(filter, "log filter changed");
        Ok(())
    }
}

/// Logs and traces until it is dropped; the drop sends the remaining spans, within a time limit.
#[derive(Debug)]
pub struct Telemetry {
    /// The running log's filter.
    pub log_filter: LogFilter,
    #[cfg(feature = "otlp")]
    traces: Option<Exporter>,
}

impl Telemetry {
    /// Starts logging to standard error, and tracing where an endpoint is set.
    ///
    /// # Errors
    /// A log filter that does not parse, an endpoint that is no URL, or a process that has telemetry already.
    pub fn start(
        options: &TelemetryOptions,
        service: Service,
        clock: &Clock,
        metrics: &Metrics,
    ) -> anyhow::Result<Self> {
        let filter = EnvFilter::try_new(&options.log).with_context(|| {
            format!(
                "invalid UPDRAFT_LOG {:?}: expected a log filter, for example info or warn,processor=debug",
                options.log
            )
        })?;
        let (filter, handle) = reload::Layer::new(filter);
        let lines =
            fmt::layer().with_writer(std::io::stderr).with_ansi(std::io::stderr().is_terminal()).with_target(false);
        let lines = match options.log_format {
            LogFormat::Text => lines.boxed(),
            LogFormat::Json => lines.json().flatten_event(true).boxed(),
        };
        tracing_subscriber::registry().with(filter).with(lines).try_init().context("logs are already set up")?;
        // Compose and similar tools set an unset variable to an empty text.
        let endpoint = options.otlp_endpoint.as_deref().filter(|url| !url.is_empty());
        #[cfg(feature = "otlp")]
        {
            let export = |url: &str| Exporter::start(url, options.trace_ratio, service, clock, metrics);
            Ok(Self { log_filter: LogFilter(handle), traces: endpoint.map(export).transpose()? })
        }
        #[cfg(not(feature = "otlp"))]
        {
            let _ = (service, clock, metrics);
            anyhow::ensure!(
                endpoint.is_none(),
                "UPDRAFT_OTLP_ENDPOINT: this program was built without OTLP: remove the setting, or build the program with \
                 `cargo build --release -p standalone --features full`"
            );
            Ok(Self { log_filter: LogFilter(handle) })
        }
    }

    /// Begins spans; records nothing without an endpoint.
    pub fn tracer(&self) -> Tracer {
        #[cfg(feature = "otlp")]
        return self.traces.as_ref().map(Exporter::tracer).unwrap_or_default();
        #[cfg(not(feature = "otlp"))]
        Tracer::default()
    }
}
