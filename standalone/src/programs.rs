//! The programs, each on the embedded log and with a stop request of its own.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Context as _;
use bridge::{BridgeOptions, MessageReceiver};
use history::Sqlite;
use processor::{CoreOptions, GroupOptions, HistorianOptions, ReceiverOptions, RedisOptions, Scores};
use pusher::{MapOptions, Pusher, PusherOptions, ScoreReader};
use runtime::settings::from_environment;
use runtime::{Context, Redacted, Shutdown};
use schemas::v1::ValidationView;
use streams::{Cluster, Log};

use crate::privacy;
use crate::zone_file::ZoneFile;

/// The dependencies of all programs.
#[derive(Clone)]
pub(crate) struct Programs {
    cluster: Cluster,
    history: Sqlite,
    scores: Scores,
    context: Context,
}

/// The processor's scores, for queries of the pusher.
struct KeptScores(Scores);

impl ScoreReader for KeptScores {
    fn score(&self, device: u32) -> Option<ValidationView> {
        self.0.score(device)
    }

    fn matching(&self, is_wanted: fn(&ValidationView) -> bool) -> Vec<ValidationView> {
        self.0.matching(is_wanted)
    }
}

impl Programs {
    /// Programs on a log and a history.
    pub(crate) fn new(log: Arc<dyn Log>, history: Sqlite, context: Context) -> Self {
        Self { cluster: Cluster::in_process(log), history, scores: Scores::default(), context }
    }

    /// Copies the privacy of devices from the history into the log, where it lacks it.
    ///
    /// # Errors
    /// As [`privacy::remember`].
    pub(crate) async fn remember_privacy(&self) -> anyhow::Result<()> {
        privacy::remember(&self.cluster, &self.history).await
    }

    /// Copies the sets of zones of a file into the log.
    ///
    /// # Errors
    /// As [`ZoneFile::restore`].
    pub(crate) async fn restore_zones(&self, file: &ZoneFile) -> anyhow::Result<()> {
        file.restore(&self.cluster, &self.context.clock).await
    }

    /// Sets of zones into their file.
    ///
    /// # Errors
    /// As [`ZoneFile::keep`].
    pub(crate) async fn keep_zones(self, file: ZoneFile, stop: Shutdown) -> anyhow::Result<()> {
        file.keep(self.cluster, stop).await
    }

    /// Messages of the MQTT front into the raw topic.
    ///
    /// # Errors
    /// As [`bridge::serve_in_process`].
    pub(crate) async fn bridge(
        self,
        options: BridgeOptions,
        message_receiver: MessageReceiver,
        stop: Shutdown,
    ) -> anyhow::Result<()> {
        let context = self.stopping(stop);
        bridge::serve_in_process(options, message_receiver, self.cluster, context).await
    }

    /// Raw frames into observations and states.
    ///
    /// # Errors
    /// As [`processor::serve`].
    pub(crate) async fn processor(self, stop: Shutdown) -> anyhow::Result<()> {
        let (core, group) = (settings::<CoreOptions>()?, settings::<GroupOptions>()?);
        let (context, scores) = (self.stopping(stop), self.scores.clone());
        processor::serve_with_scores(core, group, scores, self.cluster, context).await
    }

    /// Reports into thermals.
    ///
    /// # Errors
    /// As [`processor::serve_thermals`].
    pub(crate) async fn thermals(self, stop: Shutdown) -> anyhow::Result<()> {
        let context = self.stopping(stop);
        processor::serve_thermals(settings::<GroupOptions>()?, RedisOptions::none(), self.cluster, context).await
    }

    /// Receptions into receivers.
    ///
    /// # Errors
    /// As [`processor::serve_receivers`].
    pub(crate) async fn receivers(self, stop: Shutdown) -> anyhow::Result<()> {
        let (receivers, group) = (settings::<ReceiverOptions>()?, settings::<GroupOptions>()?);
        let context = self.stopping(stop);
        processor::serve_receivers(receivers, group, self.cluster, context).await
    }

    /// Observations into the history. The live map works without one.
    ///
    /// # Errors
    /// A setting of the historian in the environment is bad.
    pub(crate) async fn historian(self, stop: Shutdown) -> anyhow::Result<()> {
        let (history, name) = (Arc::new(self.history.clone()), self.history.path().display().to_string());
        let (historian, context) = (settings::<HistorianOptions>()?, self.stopping(stop.clone()));
        let served = processor::serve_historian(historian, history, name, self.cluster, context).await;
        if let Err(error) = served
            && !stop.is_requested()
        {
            tracing::error!(
                error = format!("{error:#}"),
                "the history is no longer written: tracks and flights end here until the program is restarted"
            );
            stop.requested().await;
        }
        Ok(())
    }

    /// States to maps.
    ///
    /// # Errors
    /// As [`pusher::serve`].
    pub(crate) async fn pusher(self, pusher: Pusher, stop: Shutdown) -> anyhow::Result<()> {
        let context = self.stopping(stop);
        let scores = Arc::new(KeptScores(self.scores));
        pusher.with_scores(scores).serve(self.cluster, Some(Arc::new(self.history)), context).await
    }

    fn stopping(&self, stop: Shutdown) -> Context {
        Context { shutdown: stop, ..self.context.clone() }
    }
}

/// The bridge's settings: the environment's, then the defaults. It needs no broker.
///
/// # Errors
/// A setting of the bridge in the environment is bad.
pub(crate) fn bridge_options() -> anyhow::Result<BridgeOptions> {
    settings()
}

/// Takes the pusher's port. Live state is in the pusher alone, without Redis.
///
/// # Errors
/// It cannot be bound, or a setting of the pusher in the environment is bad.
pub(crate) async fn bind_pusher(listen: SocketAddr, map: MapOptions) -> anyhow::Result<Pusher> {
    let options = settings::<PusherOptions>()?;
    let options = PusherOptions { http_listen: listen, redis_url: Redacted::default(), map, ..options };
    Pusher::bind(options).await.context("--http-listen")
}

/// A group of a program's settings: the environment's, then the defaults.
fn settings<T: clap::Args>() -> anyhow::Result<T> {
    from_environment().context("a setting in the environment")
}
