//! Captures, decodes, replays and generates frames.
