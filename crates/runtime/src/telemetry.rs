//! Logs, and traces over OTLP where an endpoint is set.

use std::io::IsTerminal as _;

use anyhow::Context as _;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_otlp::WithExportConfig as _;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{Sampler, SdkTracerProvider};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer, Registry, fmt, reload};

use crate::settings::{LogFormat, TelemetryOptions};

/// Changes the log filter of the running process.
#[derive(Clone, Debug)]
pub struct LogFilter(reload::Handle<EnvFilter, Registry>);

impl LogFilter {
    /// Sets a filter such as `info` or `warn,processor=debug`.
    ///
    /// # Errors
    /// The filter does not parse.
    pub fn set(&self, filter: &str) -> anyhow::Result<()> {
        let parsed = EnvFilter::try_new(filter).with_context(|| format!("{filter:?} is not a log filter"))?;
        self.0.reload(parsed).context("the log is gone")?;
        tracing::info!(filter, "log filter changed");
        Ok(())
    }
}

/// Logs and traces while it lives; what is still to be sent goes out when it is dropped.
#[derive(Debug)]
pub struct Telemetry {
    /// The running log's filter.
    pub log_filter: LogFilter,
    traces: Option<SdkTracerProvider>,
}

impl Telemetry {
    /// Starts logging to standard error, and tracing where an endpoint is set.
    ///
    /// # Errors
    /// A log filter that does not parse, an endpoint that is no URL, or a process that has telemetry already.
    pub fn start(options: &TelemetryOptions, service: &'static str) -> anyhow::Result<Self> {
        let filter = EnvFilter::try_new(&options.log).with_context(|| {
            format!("UPDRAFT_LOG: {:?} is not a log filter, for example info or warn,processor=debug", options.log)
        })?;
        let (filter, handle) = reload::Layer::new(filter);
        let lines =
            fmt::layer().with_writer(std::io::stderr).with_ansi(std::io::stderr().is_terminal()).with_target(false);
        let lines = match options.log_format {
            LogFormat::Text => lines.boxed(),
            LogFormat::Json => lines.json().flatten_event(true).boxed(),
        };
        let traces = options.otlp_endpoint.as_deref().map(|url| tracer_provider(url, options, service)).transpose()?;
        let spans =
            traces.as_ref().map(|provider| tracing_opentelemetry::layer().with_tracer(provider.tracer(service)));
        tracing_subscriber::registry()
            .with(filter)
            .with(lines)
            .with(spans)
            .try_init()
            .context("logs are already set up")?;
        Ok(Self { log_filter: LogFilter(handle), traces })
    }
}

impl Drop for Telemetry {
    fn drop(&mut self) {
        if let Some(provider) = self.traces.take()
            && let Err(error) = provider.shutdown()
        {
            tracing::warn!(%error, "the last traces could not be sent");
        }
    }
}

fn tracer_provider(
    endpoint: &str,
    options: &TelemetryOptions,
    service: &'static str,
) -> anyhow::Result<SdkTracerProvider> {
    let exporter = opentelemetry_otlp::SpanExporter::builder()
        .with_http()
        .with_endpoint(format!("{}/v1/traces", endpoint.trim_end_matches('/')))
        .build()
        .with_context(|| format!("UPDRAFT_OTLP_ENDPOINT: cannot send traces to {endpoint}"))?;
    let sampler = Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(options.trace_ratio)));
    Ok(SdkTracerProvider::builder()
        .with_batch_exporter(exporter)
        .with_sampler(sampler)
        .with_resource(Resource::builder().with_service_name(service).build())
        .build())
}
