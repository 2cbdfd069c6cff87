//! Inputs of the cores: lines of JSON, and captures.

use std::io::{BufRead, Read, Seek};

use anyhow::Context as _;
use capture::{Capture, Filter, Framed, MAGIC, Record};

use crate::{Applied, Line, OfflineCore};

/// Whether a file that begins with these bytes is a capture.
pub fn is_capture(beginning: &[u8]) -> bool {
    beginning.starts_with(&MAGIC)
}

impl OfflineCore<'_> {
    /// Applies lines of JSON: records of the raw topic as `just kcat` or `replay cat --lines` print them, or messages as
    /// `replay generate` writes them. `name` is for errors.
    ///
    /// # Errors
    /// The input cannot be read, a line is of neither form, or `see` fails.
    pub fn read_lines(
        &mut self,
        name: &str,
        input: impl BufRead,
        see: &mut dyn FnMut(Applied<'_>) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        for (number, line) in input.lines().enumerate() {
            let line = line.with_context(|| format!("read {name}"))?;
            if line.trim().is_empty() {
                continue;
            }
            match self.lines.read(&line).with_context(|| format!("{name}, line {}", number + 1))? {
                Line::Record { partition, offset, record } => self.apply(partition, offset, &record, see)?,
                Line::Message { key, record } => self.message(key.as_bytes(), &record, see)?,
            }
        }
        Ok(())
    }

    /// Applies the records of a capture in the order in which they are played.
    ///
    /// # Errors
    /// The capture is damaged, or `see` fails.
    pub fn read_capture<R: Read + Seek>(
        &mut self,
        capture: &mut Capture<R>,
        see: &mut dyn FnMut(Applied<'_>) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let is_from_mqtt = capture.header().partitions == 0;
        for record in capture.records(Filter::default()) {
            self.captured(&record?, is_from_mqtt, see)?;
        }
        Ok(())
    }

    /// Applies one record of a capture. `is_from_mqtt`: it had no partition yet.
    ///
    /// # Errors
    /// As [`OfflineCore::apply`].
    pub fn captured(
        &mut self,
        record: &Record,
        is_from_mqtt: bool,
        see: &mut dyn FnMut(Applied<'_>) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let Some(framed) = record.value.as_ref().and_then(Framed::parse) else {
            return self.skip(record.partition, record.offset, "message_undecodable");
        };
        if is_from_mqtt {
            let key = record.key.clone().unwrap_or_default();
            return self.message(&key, &framed.record, see);
        }
        self.apply(record.partition, record.offset, &framed.record, see)
    }
}
