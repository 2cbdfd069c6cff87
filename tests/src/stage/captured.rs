//! Frames that real receivers published, from the test vectors of the codec.

use anyhow::{Context, Result};

/// MQTT topic and payload of every captured base-station message, in the order of the file.
///
/// # Errors
/// When the vectors cannot be read.
pub fn captured_messages() -> Result<Vec<(String, Vec<u8>)>> {
    let path = crate::workspace_dir().join("crates/fanet/tests/fixtures/vectors.jsonl");
    let text = std::fs::read_to_string(&path).with_context(|| format!("read {}", path.display()))?;
    let vectors = text.lines().map(serde_json::from_str::<serde_json::Value>).collect::<Result<Vec<_>, _>>()?;
    let captured = vectors.iter().filter_map(|vector| {
        let (topic, payload) = (vector["topic"].as_str()?, vector["mqtt_hex"].as_str()?);
        Some((topic.to_owned(), hex::decode(payload).ok()?))
    });
    let captured: Vec<_> = captured.collect();
    anyhow::ensure!(captured.len() >= 5, "{}: only {} captured messages", path.display(), captured.len());
    Ok(captured)
}
