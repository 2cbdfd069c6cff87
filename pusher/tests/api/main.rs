//! The pusher over real sockets and an embedded log, in this process: what clients of REST and the WebSocket see. Tests with
//! a real Redis have `redis` in their name: `just unit`, which starts no service, leaves them out by it.

mod people;
mod raw;
mod recorded;
mod stage;

mod access;
mod commands;
mod encodings;
mod fleets;
mod limits;
mod live;
mod notifications;
mod operate;
mod ownership;
mod page;
mod rest;
mod rest_history;
mod rfc6455;
mod sessions;
mod shared_fleets;
mod shared_limits;
mod zones;
