//! The deterministic state machine that runs plans: events in, commands out.

pub mod event;
