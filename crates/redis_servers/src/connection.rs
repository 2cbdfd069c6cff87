//! A connection to one server or to a cluster.

use redis::aio::{ConnectionLike, MultiplexedConnection};
use redis::cluster_async::ClusterConnection;
use redis::cluster_routing::{Route, RoutingInfo, SingleNodeRoutingInfo, SlotAddr};
use redis::{Cmd, FromRedisValue, Pipeline, RedisFuture, RedisResult, Value};

/// To one server by a connection of type `S`, or to a cluster.
#[derive(Clone)]
pub enum Link<S> {
    /// One server.
    Single(S),
    /// All nodes of a cluster; follows its changes.
    Cluster(ClusterConnection),
}

/// A connection that ends when it breaks.
pub type Connection = Link<MultiplexedConnection>;

impl<S: ConnectionLike + Send> Link<S> {
    /// Sends a command without a key (`SCAN`) to the node that has `key`.
    ///
    /// # Errors
    /// Those of the command.
    pub async fn query_node_of<T: FromRedisValue>(&mut self, key: &str, command: &Cmd) -> RedisResult<T> {
        let cluster = match self {
            Self::Single(single) => return command.query_async(single).await,
            Self::Cluster(cluster) => cluster,
        };
        let slot: u16 = redis::cmd("CLUSTER").arg("KEYSLOT").arg(key).query_async(cluster).await?;
        let node = SingleNodeRoutingInfo::SpecificNode(Route::new(slot, SlotAddr::Master));
        let value = cluster.route_command(command.clone(), RoutingInfo::SingleNode(node)).await?;
        Ok(T::from_redis_value(value)?)
    }
}

impl<S: ConnectionLike + Send> ConnectionLike for Link<S> {
    fn req_packed_command<'a>(&'a mut self, command: &'a Cmd) -> RedisFuture<'a, Value> {
        match self {
            Self::Single(single) => single.req_packed_command(command),
            Self::Cluster(cluster) => cluster.req_packed_command(command),
        }
    }

    fn req_packed_commands<'a>(
        &'a mut self,
        pipeline: &'a Pipeline,
        offset: usize,
        count: usize,
    ) -> RedisFuture<'a, Vec<Value>> {
        match self {
            Self::Single(single) => single.req_packed_commands(pipeline, offset, count),
            Self::Cluster(cluster) => cluster.req_packed_commands(pipeline, offset, count),
        }
    }

    fn get_db(&self) -> i64 {
        match self {
            Self::Single(single) => single.get_db(),
            Self::Cluster(cluster) => cluster.get_db(),
        }
    }
}
