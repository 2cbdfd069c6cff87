//! One request to a target: bounded in time and size, to an address that is allowed, without redirects.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, HeaderValue, Method, Request, Uri, header};
use bytes::Bytes;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use runtime::Clock;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};
use url::{Host, Url};

use super::address::AddressPolicy;

/// Of an answer: it is read so that the target can send it, and thrown away.
const MAX_ANSWER_BYTES: usize = 16 << 10;
/// The longest pause that an answer may ask for.
const LONGEST_PAUSE_S: u64 = 3_600;
/// Addresses of a name that are tried.
const MAX_ADDRESSES: usize = 3;

/// Sends requests.
pub(crate) struct HttpClient {
    policy: AddressPolicy,
    tls: TlsConnector,
    timeout: Duration,
    clock: Clock,
}

/// What a target has answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// The pause that it asks for.
    pub(crate) retry_after_s: u64,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RequestError {
    #[error("the name of the host cannot be resolved")]
    Name(#[source] std::io::Error),
    #[error("the host has no address that the Internet reaches")]
    Address,
    #[error("the host does not accept a connection")]
    Connect(#[source] std::io::Error),
    #[error("the TLS handshake failed: expected an https server with a valid certificate")]
    Tls(#[source] std::io::Error),
    #[error("the host gave no valid HTTP answer: expected an HTTP/1.1 server")]
    Http(#[source] hyper::Error),
    #[error("the host gave no answer in time: expected one within the time of --notify-timeout")]
    Timeout,
}

impl RequestError {
    /// The label of the metric.
    pub(crate) fn reason(&self) -> &'static str {
        match self {
            Self::Name(_) => "name",
            Self::Address => "address",
            Self::Connect(_) => "connect",
            Self::Tls(_) => "tls",
            Self::Http(_) => "http",
            Self::Timeout => "timeout",
        }
    }
}

impl HttpClient {
    /// # Errors
    /// TLS cannot be set up.
    pub(crate) fn new(policy: AddressPolicy, timeout: Duration, clock: Clock) -> anyhow::Result<Self> {
        let mut roots = RootCertStore::empty();
        let system = rustls_native_certs::load_native_certs();
        let (_, ignored) = roots.add_parsable_certificates(system.certs);
        if roots.is_empty() {
            tracing::warn!("this machine trusts no certificate: notifications over https will fail");
        } else if ignored > 0 || !system.errors.is_empty() {
            tracing::debug!(ignored, errors = ?system.errors, "some of the system's certificates are not usable");
        }
        // Named, since other libraries in this process may bring a provider of their own.
        let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()));
        let builder = builder.with_safe_default_protocol_versions().context("TLS versions")?;
        let config = builder.with_root_certificates(roots).with_no_client_auth();
        Ok(Self { policy, tls: TlsConnector::from(Arc::new(config)), timeout, clock })
    }

    /// Which URLs are accepted.
    pub(crate) fn policy(&self) -> &AddressPolicy {
        &self.policy
    }

    /// Sends a body. Any answer is one, redirects too.
    ///
    /// # Errors
    /// As [`RequestError`].
    pub(crate) async fn post(&self, url: &Url, headers: HeaderMap, body: Bytes) -> Result<Answer, RequestError> {
        tokio::select! {
            answer = self.send(url, headers, body) => answer,
            () = self.clock.sleep(self.timeout) => Err(RequestError::Timeout),
        }
    }

    async fn send(&self, url: &Url, headers: HeaderMap, body: Bytes) -> Result<Answer, RequestError> {
        let stream = self.connect(url).await?;
        let request = request(url, headers, body).ok_or(RequestError::Address)?;
        if url.scheme() == "http" {
            return exchange(stream, request).await;
        }
        let name = match url.host() {
            Some(Host::Domain(name)) => ServerName::try_from(name.to_owned()).ok(),
            Some(Host::Ipv4(address)) => Some(ServerName::from(std::net::IpAddr::V4(address))),
            Some(Host::Ipv6(address)) => Some(ServerName::from(std::net::IpAddr::V6(address))),
            None => None,
        };
        let stream = self.tls.connect(name.ok_or(RequestError::Address)?, stream).await.map_err(RequestError::Tls)?;
        exchange(stream, request).await
    }

    /// A connection to the first address that is allowed and accepts it.
    async fn connect(&self, url: &Url) -> Result<TcpStream, RequestError> {
        let port = url.port_or_known_default().ok_or(RequestError::Address)?;
        let addresses: Vec<SocketAddr> = match url.host().ok_or(RequestError::Address)? {
            Host::Ipv4(address) => vec![(address, port).into()],
            Host::Ipv6(address) => vec![(address, port).into()],
            Host::Domain(name) => tokio::net::lookup_host((name, port)).await.map_err(RequestError::Name)?.collect(),
        };
        let mut refused = RequestError::Address;
        let allowed = addresses.into_iter().filter(|address| self.policy.allows(address.ip()));
        for address in allowed.take(MAX_ADDRESSES) {
            match TcpStream::connect(address).await {
                Ok(stream) => return Ok(stream),
                Err(error) => refused = RequestError::Connect(error),
            }
        }
        Err(refused)
    }
}

fn request(url: &Url, mut headers: HeaderMap, body: Bytes) -> Option<Request<Body>> {
    let host = url.host_str()?;
    let host = url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
    headers.insert(header::HOST, HeaderValue::from_str(&host).ok()?);
    headers.insert(header::USER_AGENT, HeaderValue::from_static(concat!("updraft/", env!("CARGO_PKG_VERSION"))));
    let path: Uri = url[url::Position::BeforePath..url::Position::AfterQuery].parse().ok()?;
    let mut request = Request::new(Body::from(body));
    *request.method_mut() = Method::POST;
    *request.uri_mut() = path;
    *request.headers_mut() = headers;
    Some(request)
}

async fn exchange<S>(stream: S, request: Request<Body>) -> Result<Answer, RequestError>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(RequestError::Http)?;
    let answer = async {
        let response = sender.send_request(request).await.map_err(RequestError::Http)?;
        let retry_after = response.headers().get(header::RETRY_AFTER).and_then(|value| value.to_str().ok());
        let retry_after_s = retry_after.and_then(|text| text.trim().parse::<u64>().ok()).unwrap_or_default();
        let status = response.status().as_u16();
        // A target whose answer is too large or is not sent to its end has answered.
        let _ = to_bytes(Body::new(response.into_body()), MAX_ANSWER_BYTES).await;
        Ok(Answer { status, retry_after_s: retry_after_s.min(LONGEST_PAUSE_S) })
    };
    tokio::pin!(answer, connection);
    let mut is_open = true;
    loop {
        tokio::select! {
            answer = &mut answer => return answer,
            // Its error is that of the request.
            _ = &mut connection, if is_open => is_open = false,
        }
    }
}
