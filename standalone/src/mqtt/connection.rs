//! One client: its task from the first byte to the last. The part between CONNECT and the end is in
//! [`super::conversation`].

use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::{Buf as _, BytesMut};
use runtime::{Clock, Shutdown};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::conversation::Conversation;
use super::ending::Ending;
use super::limits::Limits;
use super::packet::{Announced, Codec, Connect, Fault, Incoming, Outgoing};
use super::receivers::Receiver;
use super::shared::{Hold, READ_BYTES, Shared, read, session_expiry};
use super::version::{Version, version};

/// Time limit of the last packet to a client, and of reading its last bytes, so that unread bytes do not discard that
/// packet.
const FAREWELL: Duration = Duration::from_secs(1);
/// Bytes that are read and discarded before closing.
const FAREWELL_BYTES: usize = 256 << 10;

/// Serves a client until one of both ends it. `client_id` is filled in once it is known.
pub(super) async fn serve(mut stream: TcpStream, shared: &Shared, stop: &Shutdown, client_id: &mut String) -> Ending {
    let mut inbox = BytesMut::with_capacity(READ_BYTES);
    let (mut codec, connect, receiver) = match handshake(&mut stream, &mut inbox, shared, stop).await {
        Ok(accepted) => accepted,
        Err((ending, codec)) => {
            if let (Some(refusal), Some(mut codec)) = (ending.answer(), codec) {
                let mut outbox = BytesMut::new();
                // A refusal that cannot be written is dropped: the connection is closed in any case.
                let _ = codec.put(Outgoing::Refused(refusal), &mut outbox);
                farewell(&mut stream, outbox, &shared.clock).await;
            }
            return ending;
        }
    };
    let mut outbox = BytesMut::new();
    let is_assigned = connect.client_id.is_empty();
    *client_id = if is_assigned { assigned_id(shared) } else { connect.client_id.clone() };
    let now = shared.clock.monotonic();
    let expiry = session_expiry(connect.session_expiry_s, shared);
    // A receiver that uses the client id of another one would take over its session.
    let session =
        receiver.as_ref().map_or_else(|| client_id.clone(), |receiver| format!("{}/{client_id}", receiver.id()));
    let attached = shared.sessions.lock().attach(&session, connect.is_clean, now);
    let accepted = Outgoing::Accepted {
        session_present: attached.is_resumed,
        assigned_id: is_assigned.then(|| client_id.clone()),
        session_expiry_s: u32::try_from(expiry.as_secs()).unwrap_or(u32::MAX),
    };
    if connect.has_will {
        tracing::debug!(client_id, "dropped the Will of a client: it would be published when it is old");
    }
    shared.metrics.accepted.inc();
    let hold = Hold { shared, client_id: session, attached, expiry };
    let mut conversation = Conversation::new(shared, hold, receiver, silence(connect.keep_alive_s, shared));
    let ending = match codec.put(accepted, &mut outbox) {
        Ok(()) => conversation.run(&mut stream, &mut codec, &mut inbox, &mut outbox, stop).await,
        Err(fault) => fault.into(),
    };
    drop(conversation);
    if let Some(refusal) = ending.answer() {
        // As above: it is dropped where it cannot be written.
        let _ = codec.put(Outgoing::Goodbye(refusal), &mut outbox);
    }
    farewell(&mut stream, outbox, &shared.clock).await;
    ending
}

/// Reads until a valid CONNECT packet has arrived. An error comes with the codec to answer it.
async fn handshake(
    stream: &mut TcpStream,
    inbox: &mut BytesMut,
    shared: &Shared,
    stop: &Shutdown,
) -> Result<(Codec, Connect, Option<Receiver>), (Ending, Option<Codec>)> {
    let limits = &shared.limits;
    let mut codec = None;
    let first = async {
        loop {
            if codec.is_none() {
                match version(inbox) {
                    Ok(found) => codec = found.map(|version| codec_of(version, limits)),
                    Err(error) => {
                        codec = Some(codec_of(Version::V311, limits));
                        return Err::<Incoming, Ending>(error.into());
                    }
                }
            }
            if let Some(codec) = &mut codec
                && let Some(packet) = codec.take(inbox)?
            {
                return Ok(packet);
            }
            if read(stream, inbox).await? == 0 {
                return Err(Ending::Closed);
            }
        }
    };
    let first = tokio::select! {
        first = first => first,
        () = stop.requested() => Err(Ending::Stopping),
        () = shared.clock.sleep(limits.handshake) => Err(Ending::SlowHandshake(limits.handshake)),
    };
    let checked = first.and_then(|packet| match packet {
        Incoming::Connect(connect) if connect.client_id.len() > limits.client_id_bytes => {
            Err(Ending::LongClientId(connect.client_id.len()))
        }
        Incoming::Connect(connect) if connect.wants_auth => Err(Ending::Authentication),
        Incoming::Connect(connect) => Ok(connect),
        _ => Err(Fault::Unexpected("another packet than CONNECT first").into()),
    });
    let checked = match checked {
        Ok(connect) => log_in(&connect, shared).await.map(|receiver| (connect, receiver)),
        Err(ending) => Err(ending),
    };
    match (checked, codec) {
        (Ok((connect, receiver)), Some(codec)) => Ok((codec, connect, receiver)),
        (Ok(_), None) => Err((Ending::Closed, None)),
        (Err(ending), codec) => Err((ending, codec)),
    }
}

/// The receiver that a client is. `None`: it may publish as any.
async fn log_in(connect: &Connect, shared: &Shared) -> Result<Option<Receiver>, Ending> {
    let Some(receivers) = shared.receivers.as_ref().map(|watched| watched.value()) else { return Ok(None) };
    let (user, password) = (connect.user.clone(), connect.password.clone().unwrap_or_default());
    // Hashing takes its time.
    let found = tokio::task::spawn_blocking(move || receivers.log_in(user.as_deref(), &password)).await;
    found.map_err(|error| Ending::Io(std::io::Error::other(error)))?.map(Some).map_err(Ending::from)
}

fn codec_of(version: Version, limits: &Limits) -> Codec {
    let receive_maximum = u16::try_from(limits.in_flight).unwrap_or(u16::MAX);
    Codec::new(version, Announced { packet_bytes: limits.packet_bytes, receive_maximum })
}

/// A unique id for a client without one, also after a restart.
fn assigned_id(shared: &Shared) -> String {
    let number = shared.assigned.fetch_add(1, Ordering::Relaxed);
    format!("assigned-{:x}-{number:x}", shared.clock.now_us())
}

/// How long a client may be silent: one and a half times what it announced (MQTT 5, section 3.1.2.10).
fn silence(keep_alive_s: u16, shared: &Shared) -> Duration {
    match keep_alive_s {
        0 => shared.limits.idle,
        seconds => Duration::from_secs(seconds.into()).mul_f64(1.5),
    }
}

/// Writes the last packet and closes, so that it arrives: bytes that the client still sends would make the system
/// discard it.
async fn farewell(stream: &mut TcpStream, mut outbox: BytesMut, clock: &Clock) {
    let close = async {
        while outbox.has_remaining() {
            stream.write_buf(&mut outbox).await?;
        }
        stream.shutdown().await?;
        let (mut discarded, mut buffer) = (0, [0; READ_BYTES]);
        while discarded < FAREWELL_BYTES {
            match stream.read(&mut buffer).await? {
                0 => break,
                read => discarded += read,
            }
        }
        std::io::Result::Ok(())
    };
    // The connection ends here in any case.
    tokio::select! {
        _ = close => {}
        () = clock.sleep(FAREWELL) => {}
    }
}
