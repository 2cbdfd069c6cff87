//! A client of our own that connects regularly, so that `/ready` shows whether receivers can connect.

use std::net::SocketAddr;
use std::time::Duration;

use runtime::{Clock, Part, Shutdown, reachable};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// Between two connections.
const INTERVAL: Duration = Duration::from_secs(5);
/// Time limit of one connection.
const TIMEOUT: Duration = Duration::from_secs(5);
/// CONNECT of MQTT 3.1.1 with a clean session, without an id, with a keep-alive of 10 s and the user of probes.
const CONNECT: &[u8] = b"\x10\x14\x00\x04MQTT\x04\x82\x00\x0A\x00\x00\x00\x06$probe";
/// CONNACK: accepted, no session.
const ACCEPTED: [u8; 4] = [0x20, 2, 0, 0];
const DISCONNECT: [u8; 2] = [0xE0, 0];

/// Connects to a front and reports the result.
#[derive(Debug)]
pub(crate) struct Probe {
    address: SocketAddr,
    part: Part,
    clock: Clock,
}

impl Probe {
    /// For a front that listens on `listening`.
    pub(crate) fn new(listening: SocketAddr, part: Part, clock: Clock) -> Self {
        Self { address: reachable(listening), part, clock }
    }

    /// Runs until a stop is requested.
    ///
    /// # Errors
    /// None: the result is reported to the part.
    pub(crate) async fn run(self, stop: Shutdown) -> anyhow::Result<()> {
        loop {
            let found = tokio::select! {
                () = stop.requested() => return Ok(()),
                found = connect(self.address) => found.map_err(|error| error.to_string()),
                () = self.clock.sleep(TIMEOUT) => Err(format!("no answer within {TIMEOUT:?}")),
            };
            match found {
                Ok(ACCEPTED) => self.part.ready(),
                Ok(other) => self.part.not_ready(format!("the MQTT port at {} answers {other:02x?}", self.address)),
                Err(error) => self.part.not_ready(format!("the MQTT port at {} fails: {error}", self.address)),
            }
            if stop.or(self.clock.sleep(INTERVAL)).await.is_none() {
                return Ok(());
            }
        }
    }
}

async fn connect(address: SocketAddr) -> std::io::Result<[u8; 4]> {
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all(CONNECT).await?;
    let mut answer = [0; 4];
    stream.read_exact(&mut answer).await?;
    stream.write_all(&DISCONNECT).await?;
    Ok(answer)
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use tokio::net::TcpListener;

    use super::*;
    use crate::mqtt::receivers::PROBE;
    use runtime::Readiness;

    #[test]
    fn the_probe_has_its_own_user() {
        assert!(CONNECT.ends_with(PROBE.as_bytes()) && usize::from(CONNECT[1]) == CONNECT.len() - 2);
    }

    #[tokio::test]
    async fn a_port_that_does_not_answer_is_not_ready() {
        let silent = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
        let clock = Clock::manual(0);
        let readiness = Readiness::new(clock.clone(), &runtime::Metrics::new());
        let probe = Probe::new(silent.local_addr().expect("an address"), readiness.part("mqtt"), clock.clone());
        let (stop, mut moved) = (Shutdown::new(), 0);
        let running = tokio::spawn(probe.run(stop.clone()));
        let (_held, _) = silent.accept().await.expect("it connects");
        while readiness.parts()["mqtt"].last_error.as_deref().is_none_or(|error| !error.contains("no answer")) {
            clock.advance(Duration::from_secs(1));
            moved += 1;
            assert!(moved < 10_000, "{:?}", readiness.parts());
            tokio::task::yield_now().await;
        }
        assert!(!readiness.is_ready());
        stop.request();
        running.await.expect("ended").expect("well");
    }
}
