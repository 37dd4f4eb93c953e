//! Parquet: rows with typed columns, of which only those that matter are read.

use std::fs::File;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::string::FromUtf8Error;
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
use super::source::Meter;
use super::text::without_nul;
use super::{CorpusOptions, Document};
use crate::error::DataError;

/// Rows that are read at once: few, since a text may be long.
const BATCH_ROWS: usize = 64;

/// Opens a file. A null text is an empty one, and a null label none.
///
/// # Errors
///
/// [`DataError::Damaged`] for what is no Parquet file, [`DataError::MissingColumn`] and
/// [`DataError::NestedColumn`] for columns that cannot be a text or a label, and
/// [`DataError::UnreadableParquet`] for a compression that is not read.
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
        meter: Arc::clone(meter),
    })
}

/// The part of the schema that is read, and where the columns are in it.
fn columns_of(root: &Type, columns: &Columns, path: &Path) -> Result<(Type, Columns), DataError> {
    let is_plain = |place: usize| root.get_fields()[place].is_primitive();
    // A row's id is passed on; where it is nested, the row has none.
    let id = columns.id.filter(|&id| is_plain(id));
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

    fn document(&self, row: Row) -> Result<Document, DataError> {
        let columns = row.into_columns().into_iter();
        let values = columns
            .map(|(_, field)| value(field).map_err(|error| damaged(&self.path, error)))
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
}

/// A field as JSON has it; dates and the like as text.
fn value(field: Field) -> Result<Value, FromUtf8Error> {
    Ok(match field {
        Field::Null => Value::Null,
        Field::Bool(value) => value.into(),
        Field::Byte(value) => value.into(),
        Field::Short(value) => value.into(),
        Field::Int(value) => value.into(),
        Field::Long(value) => value.into(),
        Field::UByte(value) => value.into(),
        Field::UShort(value) => value.into(),
        Field::UInt(value) => value.into(),
        Field::ULong(value) => value.into(),
        Field::Float(value) => value.into(),
        Field::Double(value) => value.into(),
        Field::Str(text) => without_nul(text).into(),
        // Strings of writers that do not say so.
        Field::Bytes(bytes) => without_nul(String::from_utf8(bytes.data().to_vec())?).into(),
        other => other.to_string().into(),
    })
}

impl Iterator for ParquetReader {
    type Item = Result<Document, DataError>;

    fn next(&mut self) -> Option<Self::Item> {
        let row = self.row().transpose()?;
        self.row_number += 1;
        Some(row.and_then(|row| self.document(row)))
    }
}

/// Runs a part of the decoder, which takes some damaged files for a mistake of the program's.
fn guarded<T>(
    path: &Path,
    decode: impl FnOnce() -> Result<T, ParquetError>,
) -> Result<T, DataError> {
    match catch_unwind(AssertUnwindSafe(decode)) {
        Ok(result) => result.map_err(|error| damaged(path, error)),
        Err(_) => Err(damaged(path, "its parts do not fit together")),
    }
}

fn damaged(path: &Path, error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> DataError {
    DataError::Damaged {
        path: path.to_owned(),
        source: io::Error::other(error),
    }
}
