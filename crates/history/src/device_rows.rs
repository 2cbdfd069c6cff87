//! Everything that the history has about one device, table by table.

use std::future::ready;

use futures::{StreamExt as _, TryStreamExt as _, stream};

use crate::model::Heard;
use crate::{DeviceRow, HistoryError, ReceptionRow, Rows};

/// The rows of one table as rows about a device.
pub(crate) fn rows_of<T: Send + 'static>(rows: Rows<T>, row: fn(T) -> DeviceRow) -> Rows<DeviceRow> {
    rows.map_ok(move |rows| rows.into_iter().map(row).collect()).boxed()
}

/// Each block of rows, followed by the receptions of its observations.
pub(crate) fn with_receptions<F>(
    rows: Rows<DeviceRow>,
    read: impl Fn(Vec<Heard>) -> F + Send + 'static,
) -> Rows<DeviceRow>
where
    F: Future<Output = Result<Vec<ReceptionRow>, HistoryError>> + Send + 'static,
{
    let followed = move |block: Result<Vec<DeviceRow>, HistoryError>| {
        let heard: Vec<Heard> = block.iter().flatten().filter_map(DeviceRow::heard).collect();
        let receptions = (!heard.is_empty()).then(|| read(heard));
        async move {
            let mut block = block?;
            if let Some(receptions) = receptions {
                block.extend(receptions.await?.into_iter().map(DeviceRow::Receptions));
            }
            Ok::<_, HistoryError>(block)
        }
    };
    rows.then(followed).boxed()
}

/// One table after the other; ends after the first error.
pub(crate) fn in_turn(tables: Vec<Rows<DeviceRow>>) -> Rows<DeviceRow> {
    let blocks = stream::iter(tables).flatten().scan(false, |has_failed, block| {
        let next = (!*has_failed).then_some(block);
        *has_failed |= next.as_ref().is_some_and(Result::is_err);
        ready(next)
    });
    blocks.fuse().boxed()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErasureRow;

    #[tokio::test]
    async fn tables_come_in_turn_and_an_error_ends_them() {
        let erasure = |device| DeviceRow::Erasures(ErasureRow { device, observation_id: 1, erased_at_ms: 0 });
        let good = |device| stream::iter([Ok(vec![erasure(device)])]).boxed();
        let bad = || stream::iter([Err(HistoryError::transient("busy", "read", "no"))]).boxed();
        let blocks: Vec<_> = in_turn(vec![good(1), good(2), bad(), good(3)]).collect().await;
        let rows: Vec<_> = blocks.iter().flatten().flatten().cloned().collect();
        assert_eq!(rows, [erasure(1), erasure(2)]);
        assert_eq!(blocks.len(), 3, "nothing follows the error");
    }
}
