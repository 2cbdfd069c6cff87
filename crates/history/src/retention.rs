//! How long rows stay.

use clap::Args;

/// Days that rows stay, by table; 0: for ever. Rows of hidden devices stay 24 hours, whatever is said here; flights, names
/// of which exist still, and alerts stay for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Args)]
#[command(next_help_heading = "Retention")]
pub struct Retention {
    /// Days that positions and names stay; 0: for ever.
    #[arg(long, env = "UPDRAFT_HISTORY_POSITION_DAYS", value_name = "DAYS", default_value_t = 365)]
    pub position_days: u32,
    /// Days that receptions stay; 0: for ever.
    #[arg(long, env = "UPDRAFT_HISTORY_RECEPTION_DAYS", value_name = "DAYS", default_value_t = 14)]
    pub reception_days: u32,
    /// Days that weather, thermals and daily statistics stay; 0: for ever.
    #[arg(long, env = "UPDRAFT_HISTORY_STATISTICS_DAYS", value_name = "DAYS", default_value_t = 5 * 365)]
    pub statistics_days: u32,
}

impl Default for Retention {
    fn default() -> Self {
        Self { position_days: 365, reception_days: 14, statistics_days: 5 * 365 }
    }
}

/// What one table keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Keep {
    pub(crate) table: &'static str,
    /// The column of its age.
    pub(crate) time: &'static str,
    /// Whether rows of hidden devices are among it.
    pub(crate) has_private: bool,
    pub(crate) days: u32,
}

/// For ever, in days: ClickHouse's times end in 2106.
pub(crate) const FOR_EVER_DAYS: u32 = 20_000;

impl Retention {
    pub(crate) fn of_tables(&self) -> [Keep; 9] {
        let keep = |table, time, has_private, days: u32| Keep {
            table,
            time,
            has_private,
            days: if days == 0 { FOR_EVER_DAYS } else { days.min(FOR_EVER_DAYS) },
        };
        [
            keep("positions", "event_at", true, self.position_days),
            keep("ground_positions", "event_at", true, self.position_days),
            keep("names", "event_at", true, self.position_days),
            keep("confirmations", "event_at", true, self.position_days),
            keep("weather", "event_at", true, self.statistics_days),
            keep("thermals", "last_seen_at", false, self.statistics_days),
            keep("receptions", "ingested_at", false, self.reception_days),
            keep("device_days", "day", false, self.statistics_days),
            keep("receiver_days", "day", false, self.statistics_days),
        ]
    }
}
