//! The retention of rows.

use clap::Args;

/// How many days rows are kept, by table; 0: for ever. Rows of hidden devices are always kept for 24 hours; flights and
/// alerts are kept for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Args)]
#[command(next_help_heading = "Retention")]
pub struct Retention {
    /// How many days positions and names are kept. A larger value needs more disk; 0: for ever.
    #[arg(long, env = "UPDRAFT_HISTORY_POSITION_DAYS", value_name = "DAYS", default_value_t = 365)]
    pub position_days: u32,
    /// How many days receptions are kept. A larger value needs more disk; 0: for ever.
    #[arg(long, env = "UPDRAFT_HISTORY_RECEPTION_DAYS", value_name = "DAYS", default_value_t = 14)]
    pub reception_days: u32,
    /// How many days weather, thermals and daily statistics are kept. A larger value needs more disk; 0: for ever.
    #[arg(long, env = "UPDRAFT_HISTORY_STATISTICS_DAYS", value_name = "DAYS", default_value_t = 5 * 365)]
    pub statistics_days: u32,
}

impl Default for Retention {
    fn default() -> Self {
        Self { position_days: 365, reception_days: 14, statistics_days: 5 * 365 }
    }
}

/// The retention of one table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TableRetention {
    pub(crate) table: &'static str,
    /// The column of its age.
    pub(crate) time: &'static str,
    /// Whether it has rows of hidden devices.
    pub(crate) has_private: bool,
    pub(crate) days: u32,
}

/// For ever, in days: ClickHouse's times end in 2106.
pub(crate) const FOR_EVER_DAYS: u32 = 20_000;

impl Retention {
    pub(crate) fn of_tables(&self) -> [TableRetention; 10] {
        let keep = |table, time, has_private, days: u32| TableRetention {
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
            keep("decisions", "event_at", false, self.position_days),
            keep("weather", "event_at", true, self.statistics_days),
            keep("thermals", "last_seen_at", false, self.statistics_days),
            keep("receptions", "ingested_at", false, self.reception_days),
            keep("device_days", "day", false, self.statistics_days),
            keep("receiver_days", "day", false, self.statistics_days),
        ]
    }
}
