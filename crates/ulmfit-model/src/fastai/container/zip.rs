//! The container of `PyTorch` since 1.6: a zip archive with a pickle and a file for each storage.

use std::io::{Cursor, Read};

use ::zip::result::ZipError;
use ::zip::{CompressionMethod, ZipArchive};

use super::{Runs, Tensors, floats, shown, tensors_of};
use crate::fastai::misfit::Refusal;
use crate::fastai::pickle;
use crate::fastai::tensor::Storage;

/// Entries are only ever looked up by name among those that there are, and read into memory; none is
/// written anywhere.
struct ZipRuns<'a> {
    archive: ZipArchive<Cursor<&'a [u8]>>,
    /// Bytes of the archive.
    length: u64,
    /// The folder that all entries are in, with the slash.
    folder: String,
}

pub(super) fn open<T>(
    bytes: &[u8],
    then: impl FnOnce(&Tensors<'_>, &mut dyn Runs) -> Result<T, Refusal>,
) -> Result<T, Refusal> {
    let mut runs = ZipRuns::new(bytes)?;
    let data = runs.read("data.pkl")?;
    let pickle = pickle::read(&data)?;
    let tensors = tensors_of(&pickle.values, pickle.root)?;
    then(&tensors, &mut runs)
}

impl<'a> ZipRuns<'a> {
    fn new(bytes: &'a [u8]) -> Result<Self, String> {
        let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(|error| damaged(&error))?;
        // A few bytes that go by many names could be any number of weights.
        let overlaps = archive.has_overlapping_files();
        if overlaps.map_err(|error| damaged(&error))? {
            return Err(
                "has entries that overlap, which torch.save never makes; it may be damaged: copy it \
                 again"
                    .to_owned(),
            );
        }
        let names = archive.file_names().filter_map(Result::ok);
        let folders = names.filter_map(|name| Some(name.strip_suffix("data.pkl")?.to_owned()));
        let mut folders = folders.filter(|folder| folder.is_empty() || folder.ends_with('/'));
        let (Some(folder), None) = (folders.next(), folders.next()) else {
            return Err(
                "is a zip archive, but none that torch.save makes: it has no data.pkl, or several"
                    .to_owned(),
            );
        };
        drop(folders);
        let length = bytes.len() as u64;
        let mut runs = Self {
            archive,
            length,
            folder,
        };
        let byteorder = format!("{}byteorder", runs.folder);
        if runs.archive.index_for_name(&byteorder).is_some() && runs.read("byteorder")? != b"little"
        {
            return Err(super::BIG_ENDIAN.to_owned());
        }
        Ok(runs)
    }

    /// The bytes of an entry, whose checksum is right.
    fn read(&mut self, name: &str) -> Result<Vec<u8>, String> {
        let path = format!("{}{name}", self.folder);
        let length = self.length;
        let mut entry = match self.archive.by_name(&path) {
            Ok(entry) => entry,
            Err(ZipError::FileNotFound) => {
                return Err(format!(
                    "has no entry \"{}\"; it may be damaged: copy it again",
                    shown(&path)
                ));
            }
            Err(error) => return Err(damaged(&error)),
        };
        // Stored as it is, an entry cannot be longer than the file.
        if entry.compression() != CompressionMethod::Stored || entry.size() > length {
            return Err(
                "has a compressed entry, which torch.save never makes; save it again with PyTorch"
                    .to_owned(),
            );
        }
        let mut bytes = Vec::with_capacity(entry.size() as usize);
        let read = entry.by_ref().take(length).read_to_end(&mut bytes);
        read.map_err(|error| damaged(&error))?;
        Ok(bytes)
    }
}

impl Runs for ZipRuns<'_> {
    fn floats(&mut self, storage: &Storage<'_>) -> Result<Vec<f32>, String> {
        let bytes = self.read(&format!("data/{}", storage.key))?;
        floats(storage, &bytes)
    }
}

fn damaged(error: &dyn std::error::Error) -> String {
    format!("is not a whole zip archive ({error}); it may be truncated: copy it again")
}
