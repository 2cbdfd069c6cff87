//! Raw frames in; observations, states, alerts and history out.
