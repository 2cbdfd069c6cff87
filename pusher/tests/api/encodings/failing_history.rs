//! A history that fails in the middle of its results.

use std::collections::HashMap;

use async_trait::async_trait;
use futures::{StreamExt as _, stream};
use history::{
    AlertRow, DeviceRow, ExportKind, ExportQuery, FlightQuery, FlightRow, GroundPositionRow, HistoryError,
    HistoryReader, Period, PositionRow, PrivacyRow, ReceptionRow, RegionQuery, Rows, Since, ThermalRow, TrackQuery,
    WeatherRow,
};

/// Returns these positions, and then an error.
pub(crate) struct FailingHistory(pub(crate) Vec<PositionRow>);

fn failure() -> HistoryError {
    HistoryError::transient("unavailable", "read rows", "the connection to the store is lost")
}

fn no_rows<T: Send + 'static>() -> Rows<T> {
    stream::empty().boxed()
}

impl FailingHistory {
    fn rows(&self) -> Rows<PositionRow> {
        let blocks = self.0.chunks(100).map(|block| Ok(block.to_vec())).chain([Err(failure())]);
        // As with a slow store: the body is sent while the next block is read.
        let after_yield = |block| async {
            tokio::task::yield_now().await;
            block
        };
        stream::iter(blocks.collect::<Vec<_>>()).then(after_yield).boxed()
    }
}

#[async_trait]
impl HistoryReader for FailingHistory {
    async fn check(&self) -> Result<(), HistoryError> {
        Ok(())
    }

    fn track(&self, _: TrackQuery) -> Rows<PositionRow> {
        self.rows()
    }

    fn ground_track(&self, _: TrackQuery) -> Rows<GroundPositionRow> {
        no_rows()
    }

    fn weather(&self, _: u32, _: Period, _: u64) -> Rows<WeatherRow> {
        no_rows()
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

    fn positions_by_time(&self, _: RegionQuery) -> Rows<PositionRow> {
        self.rows()
    }

    fn ground_by_time(&self, _: RegionQuery) -> Rows<GroundPositionRow> {
        no_rows()
    }

    fn weather_by_time(&self, _: RegionQuery) -> Rows<WeatherRow> {
        no_rows()
    }

    fn thermals(&self, _: ExportQuery) -> Rows<ThermalRow> {
        no_rows()
    }

    fn weather_in(&self, _: ExportQuery) -> Rows<WeatherRow> {
        no_rows()
    }

    fn receptions(&self, _: ExportQuery) -> Rows<ReceptionRow> {
        no_rows()
    }

    async fn names_at(&self, _: &[u32], _: i64) -> Result<HashMap<u32, String>, HistoryError> {
        Ok(HashMap::new())
    }

    fn privacy(&self) -> Rows<PrivacyRow> {
        no_rows()
    }

    async fn first_since(&self, _: &[Since]) -> Result<Vec<PositionRow>, HistoryError> {
        Ok(Vec::new())
    }

    async fn ground_since(&self, _: &[Since]) -> Result<Vec<GroundPositionRow>, HistoryError> {
        Ok(Vec::new())
    }

    async fn receptions_of(&self, _: &[PositionRow]) -> Result<Vec<ReceptionRow>, HistoryError> {
        Ok(Vec::new())
    }

    async fn alerts(&self, _: Option<u32>, _: Period, _: u64) -> Result<Vec<AlertRow>, HistoryError> {
        Ok(Vec::new())
    }

    fn of_device(&self, _: u32) -> Rows<DeviceRow> {
        let rows = self.rows();
        rows.map(|block| block.map(|rows| rows.into_iter().map(DeviceRow::Positions).collect())).boxed()
    }
}
