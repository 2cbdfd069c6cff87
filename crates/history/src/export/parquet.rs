//! Parquet: typed columns, Zstandard, the units in the file's key-value metadata (`unit.<column>`).

use std::fmt::Write as _;
use std::io::Write;
use std::sync::Arc;

use parking_lot::Mutex;
use parquet::basic::{Compression, ZstdLevel};
use parquet::data_type::{BoolType, ByteArray, ByteArrayType, DoubleType, Int64Type};
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;

use super::{Column, ColumnKind, ExportError, TableWriter, Value};

/// Rows of a row group, which are kept in memory.
const GROUP_ROWS: usize = 50_000;

/// Writes a table as Parquet.
pub struct ParquetTable {
    columns: &'static [Column],
    writer: SerializedFileWriter<Shared>,
    bytes: Shared,
    group: Vec<ColumnValues>,
    group_rows: usize,
}

/// The values of a column of the current group, and which rows have one.
struct ColumnValues {
    present: Vec<i16>,
    values: Values,
}

enum Values {
    Text(Vec<ByteArray>),
    Integer(Vec<i64>),
    Number(Vec<f64>),
    Flag(Vec<bool>),
}

/// The buffer between the library and the stream.
#[derive(Clone, Default)]
struct Shared(Arc<Mutex<Vec<u8>>>);

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl ParquetTable {
    /// A table with these columns.
    ///
    /// # Errors
    /// The library refuses them.
    pub fn new(columns: &'static [Column]) -> Result<Self, ExportError> {
        let mut schema = "message updraft {".to_owned();
        for Column { name, kind, .. } in columns {
            let kind = match kind {
                ColumnKind::Text => format!("BYTE_ARRAY {name} (STRING)"),
                ColumnKind::Integer => format!("INT64 {name}"),
                ColumnKind::Number => format!("DOUBLE {name}"),
                ColumnKind::Flag => format!("BOOLEAN {name}"),
                ColumnKind::Time => format!("INT64 {name} (TIMESTAMP(MILLIS,true))"),
            };
            let _ = write!(schema, " OPTIONAL {kind};");
        }
        schema.push('}');
        let units = columns.iter().filter(|column| !column.unit.is_empty());
        let units = units.map(|column| KeyValue::new(format!("unit.{}", column.name), column.unit.to_owned()));
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::try_new(1)?))
            .set_created_by("Updraft".to_owned())
            .set_key_value_metadata(Some(units.collect()))
            .build();
        let bytes = Shared::default();
        let schema = Arc::new(parse_message_type(&schema)?);
        let writer = SerializedFileWriter::new(bytes.clone(), schema, Arc::new(properties))?;
        Ok(Self { group: columns.iter().map(ColumnValues::new).collect(), columns, writer, bytes, group_rows: 0 })
    }

    fn flush(&mut self) -> Result<(), ExportError> {
        if self.group_rows == 0 {
            return Ok(());
        }
        let mut group = self.writer.next_row_group()?;
        for values in &mut self.group {
            let mut column = group.next_column()?.expect("one per column of the schema");
            let present = Some(values.present.as_slice());
            match &values.values {
                Values::Text(values) => column.typed::<ByteArrayType>().write_batch(values, present, None)?,
                Values::Integer(values) => column.typed::<Int64Type>().write_batch(values, present, None)?,
                Values::Number(values) => column.typed::<DoubleType>().write_batch(values, present, None)?,
                Values::Flag(values) => column.typed::<BoolType>().write_batch(values, present, None)?,
            };
            column.close()?;
            values.clear();
        }
        group.close()?;
        self.group_rows = 0;
        Ok(())
    }

    fn take(&self, out: &mut Vec<u8>) {
        out.append(&mut self.bytes.0.lock());
    }
}

impl TableWriter for ParquetTable {
    fn begin(&mut self, out: &mut Vec<u8>) -> Result<(), ExportError> {
        self.take(out);
        Ok(())
    }

    fn rows(&mut self, cells: &[Value], out: &mut Vec<u8>) -> Result<(), ExportError> {
        for row in cells.chunks_exact(self.columns.len()) {
            for ((values, column), cell) in self.group.iter_mut().zip(self.columns).zip(row) {
                values.push(cell, column)?;
            }
            self.group_rows += 1;
            if self.group_rows >= GROUP_ROWS {
                self.flush()?;
            }
        }
        self.take(out);
        Ok(())
    }

    fn end(&mut self, out: &mut Vec<u8>) -> Result<(), ExportError> {
        self.flush()?;
        self.writer.finish()?;
        self.take(out);
        Ok(())
    }
}

impl ColumnValues {
    fn new(column: &Column) -> Self {
        let values = match column.kind {
            ColumnKind::Text => Values::Text(Vec::new()),
            ColumnKind::Integer | ColumnKind::Time => Values::Integer(Vec::new()),
            ColumnKind::Number => Values::Number(Vec::new()),
            ColumnKind::Flag => Values::Flag(Vec::new()),
        };
        Self { present: Vec::new(), values }
    }

    fn push(&mut self, cell: &Value, column: &Column) -> Result<(), ExportError> {
        match (&mut self.values, cell) {
            (_, Value::Absent) => {
                self.present.push(0);
                return Ok(());
            }
            (Values::Text(values), Value::Text(text)) => values.push(ByteArray::from(text.as_str())),
            (Values::Text(values), Value::Identifier(word)) => values.push(ByteArray::from(*word)),
            (Values::Integer(values), Value::Integer(number) | Value::Time(number)) => values.push(*number),
            (Values::Number(values), Value::Number(number)) => values.push(*number),
            (Values::Flag(values), Value::Flag(yes)) => values.push(*yes),
            _ => return Err(ExportError::WrongType { column: column.name }),
        }
        self.present.push(1);
        Ok(())
    }

    fn clear(&mut self) {
        self.present.clear();
        match &mut self.values {
            Values::Text(values) => values.clear(),
            Values::Integer(values) => values.clear(),
            Values::Number(values) => values.clear(),
            Values::Flag(values) => values.clear(),
        }
    }
}
