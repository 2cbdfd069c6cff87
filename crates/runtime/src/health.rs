//! The `health` command of every program: whether the running program is ready, by its own admin port.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::process::ExitCode;

use serde::Deserialize;

use crate::running::{Answer, another_server, reachable, send, unreachable};

/// Asks the program whose admin port listens at `listening`, prints the answer in one line, and returns the exit code: 0
/// ready, 1 not ready, 2 not reachable.
#[allow(clippy::print_stdout, reason = "the line is what the command is for")]
pub(crate) fn run(program: &str, listening: SocketAddr) -> ExitCode {
    let health = Health::ask(reachable(listening));
    println!("{program}: {health}");
    ExitCode::from(health.exit_code())
}

/// Body of `/ready`, as far as it is needed here.
#[derive(Debug, Deserialize)]
struct Ready {
    ready: bool,
    parts: BTreeMap<String, Part>,
}

#[derive(Debug, Deserialize)]
struct Part {
    ready: bool,
    last_error: Option<String>,
    degraded: Option<String>,
}

/// What an admin port says.
#[derive(Debug)]
enum Health {
    Answered(Ready),
    Unreachable { address: SocketAddr, cause: io::Error },
}

impl Health {
    fn ask(address: SocketAddr) -> Self {
        match send(address, "GET", "/ready", "").and_then(|answer| parse(&answer)) {
            Ok(ready) => Self::Answered(ready),
            Err(cause) => Self::Unreachable { address, cause },
        }
    }

    fn exit_code(&self) -> u8 {
        match self {
            Self::Answered(Ready { ready: true, .. }) => 0,
            Self::Answered(_) => 1,
            Self::Unreachable { .. } => 2,
        }
    }
}

/// One line.
impl fmt::Display for Health {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self {
            Self::Unreachable { address, cause } => unreachable(*address, cause),
            Self::Answered(Ready { ready: false, parts }) if parts.is_empty() => "not ready: starting".to_owned(),
            Self::Answered(Ready { ready, parts }) => {
                let missing = parts.iter().filter(|(_, part)| !part.ready);
                let missing = list(missing.map(|(name, part)| (name, &part.last_error)));
                let degraded = parts.iter().filter(|(_, part)| part.ready && part.degraded.is_some());
                let degraded = list(degraded.map(|(name, part)| (name, &part.degraded)));
                let said = if *ready { "ready".to_owned() } else { format!("not ready: {missing}") };
                if degraded.is_empty() { said } else { format!("{said}; degraded: {degraded}") }
            }
        };
        // Reasons come from other programs and may have several lines.
        f.write_str(&text.replace(char::is_control, " "))
    }
}

/// Names with their reasons.
fn list<'a>(parts: impl Iterator<Item = (&'a String, &'a Option<String>)>) -> String {
    let texts = parts.map(|(name, reason)| match reason {
        Some(reason) => format!("{name} ({reason})"),
        None => name.clone(),
    });
    texts.collect::<Vec<_>>().join(", ")
}

/// The body of an answer with status 200 or 503.
fn parse(answer: &Answer) -> io::Result<Ready> {
    let ready = [200, 503].contains(&answer.status).then(|| serde_json::from_slice(&answer.body).ok()).flatten();
    ready.ok_or_else(another_server)
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::{Ipv4Addr, TcpListener};

    use super::*;
    use crate::admin::{self, Admin};
    use crate::{Clock, Context, Shutdown};

    async fn ask(address: SocketAddr) -> (u8, String) {
        let health = tokio::task::spawn_blocking(move || Health::ask(reachable(address))).await.expect("asked");
        (health.exit_code(), health.to_string())
    }

    #[tokio::test]
    async fn the_answer_of_a_running_program_is_one_line() {
        let context = Context::new(Clock::manual(0));
        let listener = admin::bind((Ipv4Addr::UNSPECIFIED, 0).into()).await.expect("a port");
        let (address, stop) = (listener.local_addr().expect("an address"), Shutdown::new());
        let server = tokio::spawn(Admin::new(context.clone(), "0", None, false).serve(listener, stop.clone()));
        assert_eq!(ask(address).await, (1, "not ready: starting".to_owned()));
        let (kafka, clock) = (context.readiness.part("kafka"), context.readiness.part("clock"));
        assert_eq!(ask(address).await, (1, "not ready: clock (starting), kafka (starting)".to_owned()));
        kafka.not_ready("cannot reach k:9092\n  timed out");
        clock.degraded("an hour late");
        let line = "not ready: kafka (cannot reach k:9092   timed out); degraded: clock (an hour late)";
        assert_eq!(ask(address).await, (1, line.to_owned()));
        kafka.ready();
        assert_eq!(ask(address).await, (0, "ready; degraded: clock (an hour late)".to_owned()));
        clock.ready();
        assert_eq!(ask(address).await, (0, "ready".to_owned()));
        stop.request();
        server.await.expect("ends").expect("served");
        let (code, line) = ask(address).await;
        assert_eq!(code, 2);
        assert!(line.starts_with(&format!("not reachable at 127.0.0.1:{}: ", address.port())), "{line}");
        assert!(line.contains("UPDRAFT_ADMIN_LISTEN") && line.lines().count() == 1, "{line}");
    }

    #[tokio::test]
    async fn another_server_is_not_taken_for_the_program() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let server = std::thread::spawn(move || {
            for answer in [
                "HTTP/1.1 200 OK\r\n\r\nhello",
                "HTTP/1.1 404 Not Found\r\n\r\n{\"ready\":true,\"parts\":{}}",
                "220 mail",
            ] {
                let (mut client, _) = listener.accept().expect("a client");
                let mut request = [0; 1024];
                assert!(client.read(&mut request).expect("a request") > 0);
                client.write_all(answer.as_bytes()).expect("written");
            }
        });
        for _ in 0..3 {
            let (code, line) = ask(address).await;
            assert_eq!(code, 2, "{line}");
            assert!(line.contains("not that of an admin port"), "{line}");
        }
        server.join().expect("served");
    }
}
