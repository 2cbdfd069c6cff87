//! The contract: wire types and the topic catalogue.
