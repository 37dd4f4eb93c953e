//! Parquet: rows with typed columns, of which only those that matter are read.

mod value;

use std::fs::File;
use std::io::{self, Read};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use ::parquet::basic::Compression;
use ::parquet::errors::ParquetError;
use ::parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaData, RowGroupMetaData};
use ::parquet::file::reader::{FileReader, SerializedFileReader};
use ::parquet::record::reader::{ReaderIter, TreeBuilder};
use ::parquet::record::{Field, Row};
use ::parquet::schema::types::{SchemaDescPtr, SchemaDescriptor, Type};
use serde_json::Value;

use super::columns::Columns;
use super::label::{LabelKind, Place};
use super::packed::is_packed;
use super::source::{MAX_RECORD_BYTES, MAX_UNPACKED_BYTES, Meter};
use super::{CorpusOptions, Document};
use crate::error::{DataError, brief};
use value::{is_binary, value};

/// Rows that are read at once: few, since a text may be long.
const BATCH_ROWS: usize = 64;

/// Opens a file. A null text is an empty one, and a null label none.
///
/// # Errors
///
/// [`DataError::Damaged`] for what is no Parquet file, [`DataError::PackedParquet`] for one that is packed,
/// [`DataError::MissingColumn`] and [`DataError::NestedColumn`] for columns that cannot be a text or a
/// label, and [`DataError::UnreadableParquet`] for a compression that is not read.
pub(super) fn open(
    path: &Path,
    options: &CorpusOptions,
    meter: &Meter,
) -> Result<ParquetReader, DataError> {
    let read = |source| DataError::Read {
        path: path.to_owned(),
        source,
    };
    let file = File::open(path).map_err(read)?;
    let bytes = file.metadata().map_err(read)?.len();
    let mut beginning = Vec::new();
    (&file).take(8).read_to_end(&mut beginning).map_err(read)?;
    if is_packed(&beginning) {
        let path = path.to_owned();
        return Err(DataError::PackedParquet { path });
    }
    let reader = guarded(path, || SerializedFileReader::new(file))?;
    let schema = reader.metadata().file_metadata().schema_descr();
    let names: Vec<String> = schema
        .root_schema()
        .get_fields()
        .iter()
        .map(|field| field.name().to_owned())
        .collect();
    let columns = Columns::find(&names, options, path, 0)?;
    let (projection, columns) = columns_of(schema.root_schema(), &columns, path)?;
    let schema = Arc::new(SchemaDescriptor::new(Arc::new(projection)));
    for chunk in chunks(reader.metadata()) {
        let (start, length) = guarded(path, || Ok(chunk.byte_range()))?;
        // The decoder asks for memory before it reads.
        if start.checked_add(length).is_none_or(|end| end > bytes) {
            return Err(damaged(path, "a column reaches beyond the end"));
        }
        if schema
            .columns()
            .iter()
            .any(|it| it.path() == chunk.column_path())
        {
            check_compression(chunk, path)?;
        }
    }
    Ok(ParquetReader {
        path: path.to_owned(),
        row_groups: 0..reader.metadata().num_row_groups(),
        reader,
        schema,
        columns,
        rows: None,
        labels: options.labels.clone(),
        row_number: 0,
        most_row_bytes: MAX_RECORD_BYTES,
        bytes: 0,
        most_bytes: MAX_UNPACKED_BYTES,
        meter: Arc::clone(meter),
    })
}

/// The part of the schema that is read, and where the columns are in it.
fn columns_of(root: &Type, columns: &Columns, path: &Path) -> Result<(Type, Columns), DataError> {
    let is_plain = |place: usize| root.get_fields()[place].is_primitive();
    // A row's id is passed on; where it is nested or binary, as many a UUID is, the row has none.
    let id = (columns.id).filter(|&id| is_plain(id) && !is_binary(&root.get_fields()[id]));
    let mut places: Vec<usize> = columns.text.clone();
    places.extend(columns.label);
    if let Some(&nested) = places.iter().find(|&&place| !is_plain(place)) {
        return Err(DataError::NestedColumn {
            path: path.to_owned(),
            column: root.get_fields()[nested].name().to_owned(),
        });
    }
    places.extend(id);
    places.sort_unstable();
    places.dedup();
    let fields = places
        .iter()
        .map(|&place| Arc::clone(&root.get_fields()[place]))
        .collect();
    let projection = Type::group_type_builder(root.name())
        .with_fields(fields)
        .build()
        .map_err(|error| damaged(path, error))?;
    // Every place that is looked up is among the places.
    let place = |wanted: usize| places.partition_point(|&place| place < wanted);
    let found = Columns {
        text: columns.text.iter().map(|&text| place(text)).collect(),
        label: columns.label.map(place),
        id: id.map(place),
    };
    Ok((projection, found))
}

fn chunks(metadata: &ParquetMetaData) -> impl Iterator<Item = &ColumnChunkMetaData> {
    let groups = metadata.row_groups().iter();
    groups.flat_map(RowGroupMetaData::columns)
}

/// Zstandard and LZO are refused at once, and not when the first page is met.
fn check_compression(chunk: &ColumnChunkMetaData, path: &Path) -> Result<(), DataError> {
    let codec = match chunk.compression() {
        Compression::ZSTD(_) => "Zstandard",
        Compression::LZO => "LZO",
        _ => return Ok(()),
    };
    Err(DataError::UnreadableParquet {
        path: path.to_owned(),
        codec,
    })
}

/// Reads rows as documents, a row group after the other.
pub(super) struct ParquetReader {
    path: PathBuf,
    reader: SerializedFileReader<File>,
    /// Of the columns that are read.
    schema: SchemaDescPtr,
    /// Places among the columns that are read.
    columns: Columns,
    row_groups: std::ops::Range<usize>,
    /// What is left of the row group that is being read.
    rows: Option<ReaderIter>,
    labels: LabelKind,
    /// Of the row that was read last, counted from 1.
    row_number: u64,
    /// Most bytes of one row.
    most_row_bytes: u64,
    /// Bytes of all rows so far: a value that stands once in the file may be that of any number of rows.
    bytes: u64,
    /// Most bytes of all rows.
    most_bytes: u64,
    meter: Meter,
}

impl ParquetReader {
    fn row(&mut self) -> Result<Option<Row>, DataError> {
        loop {
            if let Some(rows) = &mut self.rows
                && let Some(row) = guarded(&self.path, || rows.next().transpose())?
            {
                return Ok(Some(row));
            }
            let Some(next) = self.row_groups.next() else {
                return Ok(None);
            };
            let (reader, schema, meter) = (&self.reader, &self.schema, &self.meter);
            self.rows = Some(guarded(&self.path, || {
                let group = reader.get_row_group(next)?;
                let bytes = u64::try_from(group.metadata().compressed_size()).unwrap_or(0);
                meter.fetch_add(bytes, Ordering::Relaxed);
                TreeBuilder::new()
                    .with_batch_size(BATCH_ROWS)
                    .as_iter(Arc::clone(schema), &*group)
            })?);
        }
    }

    fn document(&mut self, row: Row) -> Result<Document, DataError> {
        self.check_size(&row)?;
        let columns = row.into_columns().into_iter().enumerate();
        let values = columns
            .map(|(place, (name, field))| match self.value(&name, field) {
                // Nobody asked for it.
                Err(_) if self.is_only_id(place) => Ok(Value::Null),
                value => value,
            })
            .collect::<Result<Vec<_>, _>>()?;
        let text = |place: usize| match &values[place] {
            Value::Null => None,
            Value::String(text) => Some(text.clone()),
            value => Some(value.to_string()),
        };
        let label = self.columns.label.and_then(text);
        let place = Place::Row(self.row_number);
        let label = self.labels.read(label, &self.path, place)?;
        Ok(Document {
            fields: (self.columns.text.iter())
                .map(|&place| text(place).unwrap_or_default())
                .collect(),
            label,
            id: self
                .columns
                .id
                .map(|id| values[id].clone())
                .filter(|id| !id.is_null()),
        })
    }

    /// Fails for a row over a bound.
    fn check_size(&mut self, row: &Row) -> Result<(), DataError> {
        let sizes = row.get_column_iter().map(|(_, field)| match field {
            Field::Str(text) => text.len(),
            Field::Bytes(bytes) => bytes.len(),
            _ => 0,
        });
        let bytes = sizes.sum::<usize>() as u64;
        if bytes > self.most_row_bytes {
            return Err(self.malformed(format!(
                "a record of more than {} bytes; split it",
                self.most_row_bytes
            )));
        }
        self.bytes = self.bytes.saturating_add(bytes);
        if self.bytes > self.most_bytes {
            return Err(DataError::UnpacksTooLarge {
                path: self.path.clone(),
                limit: self.most_bytes,
            });
        }
        Ok(())
    }

    /// The value of a column.
    fn value(&self, column: &str, field: Field) -> Result<Value, DataError> {
        let reason = match guarded(&self.path, || Ok(value(field))) {
            Ok(Ok(value)) => return Ok(value),
            Ok(Err(reason)) => reason,
            Err(_) => "a number that is out of range",
        };
        Err(self.malformed(format!(
            "column \"{}\" has {reason}; name another one, or write it as text",
            brief(column)
        )))
    }

    /// Whether a column is read for nothing but the id.
    fn is_only_id(&self, place: usize) -> bool {
        let columns = &self.columns;
        let is_read = columns.text.contains(&place) || columns.label == Some(place);
        !is_read && columns.id == Some(place)
    }

    fn malformed(&self, reason: String) -> DataError {
        DataError::MalformedRow {
            path: self.path.clone(),
            row: self.row_number,
            reason,
        }
    }
}

impl Iterator for ParquetReader {
    type Item = Result<Document, DataError>;

    fn next(&mut self) -> Option<Self::Item> {
        let row = self.row().transpose()?;
        self.row_number += 1;
        Some(row.and_then(|row| self.document(row)))
    }
}

/// Runs a part of the decoder, which takes some damaged files for a mistake of the program's, and quotes all
/// of a text that is not UTF-8.
fn guarded<T>(
    path: &Path,
    decode: impl FnOnce() -> Result<T, ParquetError>,
) -> Result<T, DataError> {
    match catch_unwind(AssertUnwindSafe(decode)) {
        Ok(result) => result.map_err(|error| damaged(path, brief(&error.to_string()))),
        Err(_) => Err(damaged(path, "its parts do not fit together")),
    }
}

fn damaged(path: &Path, error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> DataError {
    DataError::Damaged {
        path: path.to_owned(),
        source: io::Error::other(error),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use ::parquet::data_type::{ByteArray, ByteArrayType};
    use ::parquet::file::writer::SerializedFileWriter;
    use ::parquet::schema::parser::parse_message_type;

    use super::*;

    #[test]
    fn rows_over_a_bound_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.parquet");
        let schema = parse_message_type("message m { required byte_array text (UTF8); }").unwrap();
        let file = fs::File::create(&path).unwrap();
        let mut file = SerializedFileWriter::new(file, Arc::new(schema), Arc::default()).unwrap();
        let mut group = file.next_row_group().unwrap();
        let mut column = group.next_column().unwrap().unwrap();
        let texts = ["four", "five5", "four"].map(ByteArray::from);
        let typed = column.typed::<ByteArrayType>();
        typed.write_batch(&texts, None, None).unwrap();
        column.close().unwrap();
        group.close().unwrap();
        file.close().unwrap();

        let read = |most_row_bytes, most_bytes| {
            let options = CorpusOptions::default();
            let mut reader = open(&path, &options, &Meter::default()).unwrap();
            (reader.most_row_bytes, reader.most_bytes) = (most_row_bytes, most_bytes);
            let read = reader.collect::<Result<Vec<_>, _>>();
            read.map(|documents| documents.len())
                .map_err(|error| error.to_string())
        };
        assert_eq!(read(5, 13), Ok(3));
        let message = read(4, 13).unwrap_err();
        assert!(
            message.ends_with("a.parquet, row 2: a record of more than 4 bytes; split it"),
            "{message}"
        );
        let message = read(5, 12).unwrap_err();
        assert!(
            message.contains("a.parquet unpacks to more than 12 bytes"),
            "{message}"
        );
    }
}
