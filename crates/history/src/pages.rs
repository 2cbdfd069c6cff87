//! Reads rows page by page: between two pages no resource of the store is held, so that a slow reader delays no other.

use std::future::Future;

use futures::{StreamExt as _, stream};

use crate::{HistoryError, Rows};

/// The next page to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Page {
    /// The condition that selects rows after the last row of the page before; empty for the first page.
    pub(crate) after: String,
    /// The maximum number of rows.
    pub(crate) rows: u64,
}

impl Page {
    /// Whether it is the first page of a query.
    pub(crate) fn is_first(&self) -> bool {
        self.after.is_empty()
    }
}

/// The rows of an ordered query, at most `limit`. `read` reads one page; `after` returns the condition that selects
/// rows after a given one.
pub(crate) fn pages<T, F, R>(limit: u64, page_rows: u64, after: fn(&T) -> String, read: R) -> Rows<T>
where
    T: Send + 'static,
    R: Fn(Page) -> F + Send + 'static,
    F: Future<Output = Result<Vec<T>, HistoryError>> + Send + 'static,
{
    let first = (limit > 0).then_some((String::new(), limit));
    let next = move |(state, read): (Option<(String, u64)>, R)| async move {
        let (condition, left) = state?;
        let rows = left.min(page_rows);
        match read(Page { after: condition, rows }).await {
            Err(error) => Some((Err(error), (None, read))),
            Ok(block) => {
                let last = block.last()?;
                let (count, left) = (block.len() as u64, left.saturating_sub(block.len() as u64));
                let state = (count >= rows && left > 0).then(|| (after(last), left));
                Some((Ok(block), (state, read)))
            }
        }
    };
    stream::unfold((first, read), next).fuse().boxed()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use parking_lot::Mutex;

    use super::*;

    /// Numbers from 0 to `end`, and the pages that were requested.
    fn numbers(end: u64, limit: u64) -> (Rows<u64>, Arc<Mutex<Vec<Page>>>) {
        let asked = Arc::new(Mutex::new(Vec::new()));
        let seen = asked.clone();
        let read = move |page: Page| {
            seen.lock().push(page.clone());
            let from = page.after.parse().map_or(0, |last: u64| last + 1);
            std::future::ready(Ok((from..end.min(from + page.rows)).collect()))
        };
        (pages(limit, 10, u64::to_string, read), asked)
    }

    async fn all(mut rows: Rows<u64>) -> Vec<u64> {
        let mut all = Vec::new();
        while let Some(block) = rows.next().await {
            all.extend(block.expect("answers"));
        }
        assert!(rows.next().await.is_none(), "the end repeats");
        all
    }

    #[tokio::test]
    async fn every_row_is_read_once_in_order() {
        for (end, limit, pages) in
            [(0, 99, 1), (1, 99, 1), (9, 99, 1), (10, 99, 2), (35, 99, 4), (35, 20, 2), (35, 25, 3), (35, 0, 0)]
        {
            let (rows, asked) = numbers(end, limit);
            assert_eq!(all(rows).await, (0..end.min(limit)).collect::<Vec<_>>(), "{end} {limit}");
            assert_eq!(asked.lock().len(), pages, "{end} {limit}");
        }
    }

    #[tokio::test]
    async fn a_page_is_read_on_demand() {
        let (mut rows, asked) = numbers(1_000, 1_000);
        assert!(rows.next().await.is_some());
        assert_eq!(*asked.lock(), [Page { after: String::new(), rows: 10 }]);
        assert!(rows.next().await.is_some());
        assert_eq!(asked.lock()[1], Page { after: "9".to_owned(), rows: 10 });
        assert!(asked.lock()[0].is_first() && !asked.lock()[1].is_first());
    }

    #[tokio::test]
    async fn the_first_error_ends_the_rows() {
        let failing = |_: Page| std::future::ready(Err(HistoryError::transient("busy", "read", "no")));
        let mut rows = pages(5, 2, u64::to_string, failing);
        assert!(rows.next().await.is_some_and(|block| block.is_err()));
        assert!(rows.next().await.is_none());
    }
}
