//! The connection for the broker's reports: it is made again, unless the broker forbids the topics.

use super::*;

/// A broker, for the monitor's connections.
struct Broker {
    listener: TcpListener,
    /// The frames' connection, which stays open.
    others: Vec<Peer>,
}

impl Broker {
    /// The monitor's next connection, behind its CONNECT.
    async fn monitor(&mut self) -> Peer {
        loop {
            let (stream, _) = self.listener.accept().await.expect("a connection");
            let mut peer = Peer { stream, inbox: BytesMut::new() };
            if peer.client_id().await.ends_with("-monitor") {
                return peer;
            }
            peer.answer(ConnectReturnCode::Success).await;
            peer.grant().await;
            self.others.push(peer);
        }
    }
}

async fn bridge_and_broker() -> (Scene, Broker, JoinHandle<anyhow::Result<()>>) {
    let scene = Scene::new().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("mqtt://{}", listener.local_addr().expect("an address"));
    let running = tokio::spawn(serve(options(&["--mqtt-url", &url]), scene.cluster(), scene.context.clone()));
    (scene, Broker { listener, others: Vec::new() }, running)
}

#[tokio::test]
async fn reports_come_after_refused_and_broken_connections() {
    let (scene, mut broker, running) = bridge_and_broker().await;
    for code in [ConnectReturnCode::ServerUnavailable, ConnectReturnCode::NotAuthorized] {
        broker.monitor().await.answer(code).await;
    }
    let mut broken = broker.monitor().await;
    broken.answer(ConnectReturnCode::Success).await;
    assert!(matches!(broken.receive().await, Some(Packet::Subscribe(_))));
    drop(broken);

    let mut peer = broker.monitor().await;
    peer.answer(ConnectReturnCode::Success).await;
    peer.grant().await;
    let dropped = Publish::new("$SYS/broker/publish/messages/dropped", QoS::AtMostOnce, "7", None);
    peer.send(Packet::Publish(dropped)).await;
    eventually("no report", || scene.metric("fanet_bridge_broker_dropped_messages 7")).await;
    scene.context.shutdown.request();
    running.await.expect("joined").expect("ended well");
}

#[tokio::test]
async fn a_refused_subscription_is_not_asked_for_again() {
    let (scene, mut broker, running) = bridge_and_broker().await;
    let mut peer = broker.monitor().await;
    peer.answer(ConnectReturnCode::Success).await;
    let Some(Packet::Subscribe(subscribe)) = peer.receive().await else { panic!("no SUBSCRIBE") };
    let return_codes = vec![SubscribeReasonCode::NotAuthorized; subscribe.filters.len()];
    peer.send(Packet::SubAck(SubAck { pkid: subscribe.pkid, return_codes, properties: None })).await;
    assert!(peer.receive().await.is_none(), "it leaves");
    // Several times the first delay of the backoff.
    let again = tokio::time::timeout(Duration::from_millis(500), broker.monitor()).await;
    assert!(again.is_err(), "it connects again");
    scene.context.shutdown.request();
    running.await.expect("joined").expect("ended well");
}
