//! Tables for analysts.

use crate::recorded::{recorded, recorded_with};

#[tokio::test]
async fn a_table_has_the_decimal_mark_of_the_locale() {
    let recorded = recorded().await;
    let path = "/api/v1/export?kind=positions&hours=1&excel=true";
    for (language, mark) in [("de-AT,de;q=0.9,en;q=0.8", ","), ("de-CH", "."), ("en-US,en;q=0.5", ".")] {
        let response = recorded.stage.get_with(path, "accept-language", language).await;
        let text = String::from_utf8(response.bytes().await.expect("a body").to_vec()).expect("UTF-8");
        let lines: Vec<&str> = text.split("\r\n").collect();
        assert!(lines[0].starts_with("\u{FEFF}device;event_at_utc;"), "{}", lines[0]);
        let cells: Vec<&str> = lines[1].split(';').collect();
        assert_eq!(cells[0], "\"=\"\"110B90\"\"\"", "an address is text");
        assert!(cells[3].starts_with("-12") && cells[3].contains(mark), "{language}: {}", cells[3]);
    }
    recorded.stage.close().await;
}

#[tokio::test]
async fn head_has_no_length_of_a_table_that_is_not_made() {
    let recorded = recorded().await;
    let url = format!("http://{}/api/v1/export?kind=weather&hours=1", recorded.stage.address);
    let response = reqwest::Client::new().head(url).send().await.expect("a response");
    assert_eq!(response.status(), 200);
    // It would be the length of the empty body, not of the table.
    assert_eq!(response.headers().get("content-length"), None);
    assert_eq!(
        recorded.text("/api/v1/export?kind=weather&hours=1").await.lines().count(),
        31,
        "a header and a line per row"
    );
    recorded.stage.close().await;
}

#[tokio::test]
async fn a_table_beyond_the_limit_names_the_limit() {
    let recorded = recorded_with(&["--export-max-rows", "100"]).await;
    let (status, code, detail) = recorded.problem("/api/v1/export?hours=1&format=parquet").await;
    assert_eq!((status, code.as_str()), (400, "too_many_rows"));
    assert!(detail.starts_with("more than 100 rows:"), "{detail}");
    assert_eq!(recorded.text("/api/v1/export?kind=thermals&hours=1").await.lines().count(), 2);
    recorded.stage.close().await;
}
