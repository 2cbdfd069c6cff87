//! The dependencies of each part of the bridge.

use std::sync::Arc;

use runtime::Context;
use streams::{Cluster, Topic};

use crate::metrics::BridgeMetrics;
use crate::traces::Traces;

/// The dependencies of each part of the bridge.
#[derive(Clone)]
pub(crate) struct Dependencies {
    pub(crate) context: Context,
    pub(crate) cluster: Cluster,
    pub(crate) raw: Topic,
    /// Its full name.
    pub(crate) dead_letter_topic: Arc<str>,
    pub(crate) traces: Traces,
    pub(crate) metrics: BridgeMetrics,
}
