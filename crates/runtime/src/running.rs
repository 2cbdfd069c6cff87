//! Requests to a running program, by its own admin port: what the commands `health` and `log` send.

use std::io::{self, Read as _, Write as _};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::process::ExitCode;
use std::time::Duration;

/// Each step of a request may take so long. A health check waits 3 s in all.
const WITHIN: Duration = Duration::from_secs(2);
/// Longer than any answer.
const MAX_ANSWER_BYTES: u64 = 1 << 20;

/// What a command asks of the running program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AdminRequest {
    /// Whether it is ready.
    Health,
    /// To log by this filter from now on, for example `info,processor=debug`.
    LogFilter(String),
}

/// The status and body of an answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Vec<u8>,
}

/// The address by which this machine reaches what listens at `listening`: of all addresses, the loopback.
pub fn reachable(listening: SocketAddr) -> SocketAddr {
    match listening {
        SocketAddr::V4(address) if address.ip().is_unspecified() => (Ipv4Addr::LOCALHOST, address.port()).into(),
        SocketAddr::V6(address) if address.ip().is_unspecified() => (Ipv6Addr::LOCALHOST, address.port()).into(),
        named => named,
    }
}

/// Sets the filter of the program whose admin port listens at `listening`, prints the answer in one line, and returns the
/// exit code: 0 set, 1 refused, 2 not reachable.
#[allow(clippy::print_stdout, reason = "the line is what the command is for")]
pub(crate) fn set_log_filter(program: &str, listening: SocketAddr, filter: &str) -> ExitCode {
    let address = reachable(listening);
    let (code, line) = match send(address, "PUT", "/log", filter) {
        Ok(Answer { status: 204, .. }) => (0, format!("logs by {filter}")),
        Ok(Answer { body, .. }) => (1, String::from_utf8_lossy(&body).trim().to_owned()),
        Err(cause) => (2, unreachable(address, &cause)),
    };
    println!("{program}: {}", line.replace(char::is_control, " "));
    ExitCode::from(code)
}

/// Why a program is not reachable, and what would be right.
pub(crate) fn unreachable(address: SocketAddr, cause: &io::Error) -> String {
    format!("not reachable at {address}: {cause}; expected a running program with this UPDRAFT_ADMIN_LISTEN")
}

/// # Errors
/// The port cannot be reached in time, or another kind of server answers.
pub(crate) fn send(address: SocketAddr, method: &str, path: &str, body: &str) -> io::Result<Answer> {
    let mut stream = TcpStream::connect_timeout(&address, WITHIN)?;
    stream.set_read_timeout(Some(WITHIN))?;
    stream.set_write_timeout(Some(WITHIN))?;
    let length = body.len();
    let request = format!(
        "{method} {path} HTTP/1.1\r\nHost: {address}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    );
    stream.write_all(request.as_bytes())?;
    let mut answer = Vec::new();
    stream.take(MAX_ANSWER_BYTES).read_to_end(&mut answer)?;
    parse(&answer).ok_or_else(another_server)
}

/// The error for an answer that no admin port gives.
pub(crate) fn another_server() -> io::Error {
    io::Error::other("the answer is not that of an admin port")
}

fn parse(answer: &[u8]) -> Option<Answer> {
    let end = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n")?;
    let head = std::str::from_utf8(&answer[..end]).ok()?;
    let status = head.strip_prefix("HTTP/1.1 ")?.split(' ').next()?.parse().ok()?;
    Some(Answer { status, body: answer[end + 4..].to_vec() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_addresses_are_reached_over_the_loopback() {
        for (listening, expected) in [
            ("0.0.0.0:9101", "127.0.0.1:9101"),
            ("[::]:9101", "[::1]:9101"),
            ("10.0.0.7:9101", "10.0.0.7:9101"),
            ("127.0.0.1:9101", "127.0.0.1:9101"),
        ] {
            let listening: SocketAddr = listening.parse().expect("an address");
            assert_eq!(reachable(listening).to_string(), expected);
        }
    }

    #[test]
    fn only_http_is_an_answer() {
        let answer = parse(b"HTTP/1.1 503 Service Unavailable\r\na: b\r\n\r\nbody").expect("an answer");
        assert_eq!((answer.status, &answer.body[..]), (503, &b"body"[..]));
        for other in ["", "220 mail\r\n\r\n", "HTTP/1.1 \r\n\r\n", "HTTP/1.1 200 OK\r\n"] {
            assert!(parse(other.as_bytes()).is_none(), "{other:?}");
        }
    }
}
