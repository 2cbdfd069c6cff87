//! The shell every program wears: configuration, telemetry, admin port, tasks, shutdown, clock.
