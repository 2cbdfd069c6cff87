//! The real-services harness and the tests that need it.
