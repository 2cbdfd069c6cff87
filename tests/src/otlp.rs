//! An OTLP receiver: receives traces over HTTP as a collector does, and keeps the spans for a test.

use std::sync::Arc;

use anyhow::{Context, Result, bail, ensure};
use opentelemetry_proto::tonic::collector::trace::v1::{ExportTraceServiceRequest, ExportTraceServiceResponse};
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value};
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message as _;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// The maximum length of an export.
const MAX_BODY_BYTES: usize = 16 << 20;

/// A span as it was received.
#[derive(Clone, Debug)]
pub struct ReceivedSpan {
    /// `service.name` of its resource.
    pub service: String,
    /// The other attributes of its resource, as text.
    pub resource: Vec<(String, String)>,
    /// The instrumentation scope.
    pub scope: String,
    /// The span itself.
    pub span: Span,
}

impl ReceivedSpan {
    /// Its trace, in hexadecimal.
    pub fn trace_id(&self) -> String {
        hex::encode(&self.span.trace_id)
    }

    /// Its own id, in hexadecimal.
    pub fn span_id(&self) -> String {
        hex::encode(&self.span.span_id)
    }

    /// The id of its parent; `None` for the root of a trace.
    pub fn parent_id(&self) -> Option<String> {
        (!self.span.parent_span_id.is_empty()).then(|| hex::encode(&self.span.parent_span_id))
    }

    /// An attribute, as text.
    pub fn attribute(&self, name: &str) -> Option<String> {
        attributes(&self.span.attributes).into_iter().find(|(key, _)| key == name).map(|(_, value)| value)
    }

    /// An attribute of its resource, as text.
    pub fn resource(&self, name: &str) -> Option<&str> {
        self.resource.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

/// Listens on a free port of the loopback until it is dropped.
pub struct OtlpReceiver {
    endpoint: String,
    received: Arc<std::sync::Mutex<Received>>,
    task: JoinHandle<()>,
}

#[derive(Default)]
struct Received {
    spans: Vec<ReceivedSpan>,
    fault: Option<String>,
}

impl OtlpReceiver {
    /// Starts listening.
    ///
    /// # Errors
    /// When no port can be had.
    pub async fn start() -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await.context("bind a port of the loopback")?;
        let endpoint = format!("http://{}", listener.local_addr()?);
        let received = Arc::<std::sync::Mutex<Received>>::default();
        let task = tokio::spawn(accept(listener, received.clone()));
        Ok(Self { endpoint, received, task })
    }

    /// The value for `UPDRAFT_OTLP_ENDPOINT`.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// All spans so far, in the order received.
    ///
    /// # Errors
    /// When a request was not an export of traces.
    pub fn spans(&self) -> Result<Vec<ReceivedSpan>> {
        let received = self.received.lock().expect("not poisoned");
        match &received.fault {
            Some(fault) => bail!("an exporter sent invalid OTLP: {fault}"),
            None => Ok(received.spans.clone()),
        }
    }
}

impl Drop for OtlpReceiver {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn accept(listener: TcpListener, received: Arc<std::sync::Mutex<Received>>) {
    let mut connections = tokio::task::JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let received = received.clone();
        connections.spawn(async move {
            if let Err(error) = serve(stream, &received).await {
                received.lock().expect("not poisoned").fault = Some(format!("{error:#}"));
            }
        });
    }
}

/// One connection: requests one after the other, until the peer closes.
async fn serve(stream: TcpStream, received: &std::sync::Mutex<Received>) -> Result<()> {
    let mut stream = BufReader::new(stream);
    while let Some(body) = request(&mut stream).await? {
        let export = ExportTraceServiceRequest::decode(&body[..]).context("the body")?;
        received.lock().expect("not poisoned").spans.extend(spans(export));
        let answer = ExportTraceServiceResponse::default().encode_to_vec();
        let head = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: application/x-protobuf\r\ncontent-length: {}\r\n\r\n",
            answer.len()
        );
        stream.write_all(head.as_bytes()).await?;
        stream.write_all(&answer).await?;
    }
    Ok(())
}

/// The body of the next request. `None`: the peer has closed, or was killed in the middle.
async fn request(stream: &mut BufReader<TcpStream>) -> Result<Option<Vec<u8>>> {
    let mut head = Vec::new();
    loop {
        let mut line = String::new();
        match stream.read_line(&mut line).await {
            Ok(0) | Err(_) => return Ok(None),
            Ok(_) if line.trim_end().is_empty() => break,
            Ok(_) => head.push(line.trim_end().to_owned()),
        }
    }
    let first = head.first().context("a request line")?;
    ensure!(first.starts_with("POST /v1/traces "), "{first}");
    let header = |name: &str| {
        let found = head.iter().filter_map(|line| line.split_once(':')).find(|(key, _)| key.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.trim())
    };
    ensure!(header("content-type") == Some("application/x-protobuf"), "{head:?}");
    let length: usize = header("content-length").context("a length")?.parse()?;
    ensure!(length <= MAX_BODY_BYTES, "{length} bytes");
    let mut body = vec![0; length];
    Ok(stream.read_exact(&mut body).await.is_ok().then_some(body))
}

fn spans(export: ExportTraceServiceRequest) -> impl Iterator<Item = ReceivedSpan> {
    export.resource_spans.into_iter().flat_map(|of_resource| {
        let resource = of_resource.resource.map(|resource| attributes(&resource.attributes)).unwrap_or_default();
        let service = resource.iter().find(|(key, _)| key == "service.name").map(|(_, value)| value.clone());
        let service = service.unwrap_or_default();
        of_resource.scope_spans.into_iter().flat_map(move |of_scope| {
            let (service, resource) = (service.clone(), resource.clone());
            let scope = of_scope.scope.map(|scope| scope.name).unwrap_or_default();
            of_scope.spans.into_iter().map(move |span| ReceivedSpan {
                service: service.clone(),
                resource: resource.clone(),
                scope: scope.clone(),
                span,
            })
        })
    })
}

fn attributes(pairs: &[KeyValue]) -> Vec<(String, String)> {
    pairs.iter().map(|pair| (pair.key.clone(), text(pair.value.as_ref()))).collect()
}

fn text(value: Option<&AnyValue>) -> String {
    match value.and_then(|value| value.value.as_ref()) {
        Some(any_value::Value::StringValue(text)) => text.clone(),
        Some(any_value::Value::IntValue(number)) => number.to_string(),
        Some(any_value::Value::BoolValue(flag)) => flag.to_string(),
        Some(any_value::Value::DoubleValue(number)) => number.to_string(),
        other => format!("{other:?}"),
    }
}
