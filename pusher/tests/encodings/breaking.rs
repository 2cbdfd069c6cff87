//! A history that breaks in the middle of its answers.

use std::collections::HashMap;

use async_trait::async_trait;
use futures::{StreamExt as _, stream};
use history::{
    AlertRow, ExportKind, ExportQuery, FlightQuery, FlightRow, HistoryError, HistoryReader, Period, PositionRow,
    PrivacyRow, ReceptionRow, Rows, ThermalRow, TrackQuery, WeatherRow,
};

/// Gives these positions, and then an error.
pub(crate) struct Breaking(pub(crate) Vec<PositionRow>);

fn broken() -> HistoryError {
    HistoryError::transient("unavailable", "read rows", "the store went away")
}

fn nothing<T: Send + 'static>() -> Rows<T> {
    stream::empty().boxed()
}

impl Breaking {
    fn rows(&self) -> Rows<PositionRow> {
        let blocks = self.0.chunks(100).map(|block| Ok(block.to_vec())).chain([Err(broken())]);
        // As a store that is waited for: what is there goes out meanwhile.
        let waited_for = |block| async {
            tokio::task::yield_now().await;
            block
        };
        stream::iter(blocks.collect::<Vec<_>>()).then(waited_for).boxed()
    }
}

#[async_trait]
impl HistoryReader for Breaking {
    async fn check(&self) -> Result<(), HistoryError> {
        Ok(())
    }

    fn track(&self, _: TrackQuery) -> Rows<PositionRow> {
        self.rows()
    }

    fn weather(&self, _: u32, _: Period, _: u64) -> Rows<WeatherRow> {
        nothing()
    }

    async fn flights(&self, _: FlightQuery) -> Result<Vec<FlightRow>, HistoryError> {
        Ok(Vec::new())
    }

    async fn count(&self, _: ExportKind, _: ExportQuery) -> Result<u64, HistoryError> {
        Ok(self.0.len() as u64)
    }

    fn positions(&self, _: ExportQuery) -> Rows<PositionRow> {
        self.rows()
    }

    fn thermals(&self, _: ExportQuery) -> Rows<ThermalRow> {
        nothing()
    }

    fn weather_in(&self, _: ExportQuery) -> Rows<WeatherRow> {
        nothing()
    }

    fn receptions(&self, _: ExportQuery) -> Rows<ReceptionRow> {
        nothing()
    }

    async fn names_at(&self, _: &[u32], _: i64) -> Result<HashMap<u32, String>, HistoryError> {
        Ok(HashMap::new())
    }

    fn privacy(&self) -> Rows<PrivacyRow> {
        nothing()
    }

    async fn alerts(&self, _: Option<u32>, _: Period, _: u64) -> Result<Vec<AlertRow>, HistoryError> {
        Ok(Vec::new())
    }
}
