//! MD5 and SHA-256 of files and of streams on their way to a file.

use std::fmt::Write as _;
use std::io::{self, Read, Write};
use std::path::Path;

use anyhow::{Context, bail};
use md5::Md5;
use serde::Deserialize;
use sha2::{Digest, Sha256};

/// What a file's publisher says of it. MD5 guards against accidents only; SHA-256 is taken where
/// it is known.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Expected {
    /// In lowercase hexadecimal.
    Md5(String),
    /// In lowercase hexadecimal.
    Sha256(String),
}

/// Copies everything and returns how much it was; fails if it is not what `expected` says.
pub(crate) fn copy_verified(
    from: impl Read,
    mut to: impl Write,
    bytes: Option<u64>,
    expected: &Expected,
) -> anyhow::Result<u64> {
    let mut md5 = Md5::new();
    let mut sha256 = Sha256::new();
    let total = for_each_chunk(from, |chunk| {
        match expected {
            Expected::Md5(_) => md5.update(chunk),
            Expected::Sha256(_) => sha256.update(chunk),
        }
        to.write_all(chunk)
    })?;
    if let Some(bytes) = bytes.filter(|bytes| *bytes != total) {
        bail!("it has {total} bytes instead of {bytes}");
    }
    let (kind, found, wanted) = match expected {
        Expected::Md5(wanted) => ("MD5", hex(&md5.finalize()), wanted),
        Expected::Sha256(wanted) => ("SHA-256", hex(&sha256.finalize()), wanted),
    };
    if found != *wanted {
        bail!("its {kind} is {found} instead of {wanted}");
    }
    Ok(total)
}

/// Fails if a file is not what its publisher says.
pub(crate) fn verify(path: &Path, bytes: Option<u64>, expected: &Expected) -> anyhow::Result<()> {
    let file = fs_err::File::open(path)?;
    copy_verified(file, io::sink(), bytes, expected)
        .with_context(|| format!("{} is damaged", crate::workspace::shown(path)))?;
    Ok(())
}

/// The SHA-256 of a file, in lowercase hexadecimal.
pub(crate) fn sha256_of_file(path: &Path) -> anyhow::Result<String> {
    let mut hasher = Sha256::new();
    for_each_chunk(fs_err::File::open(path)?, |chunk| {
        hasher.update(chunk);
        Ok(())
    })?;
    Ok(hex(&hasher.finalize()))
}

/// The SHA-256 of bytes, in lowercase hexadecimal.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// Reads to the end, a chunk at a time; returns how many bytes there were.
fn for_each_chunk(
    mut from: impl Read,
    mut take: impl FnMut(&[u8]) -> io::Result<()>,
) -> io::Result<u64> {
    let mut buffer = vec![0; 1 << 16];
    let mut total = 0;
    loop {
        match from.read(&mut buffer) {
            Ok(0) => return Ok(total),
            Ok(n) => {
                take(&buffer[..n])?;
                total += n as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut hex, byte| {
        write!(hex, "{byte:02x}").expect("a String takes every write");
        hex
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn copy(text: &str, bytes: Option<u64>, expected: &Expected) -> Result<u64, String> {
        copy_verified(text.as_bytes(), io::sink(), bytes, expected).map_err(|e| e.to_string())
    }

    #[test]
    fn what_is_published_passes_and_anything_else_does_not() {
        let md5 = Expected::Md5("900150983cd24fb0d6963f7d28e17f72".into());
        assert_eq!(copy("abc", Some(3), &md5), Ok(3));
        assert_eq!(
            copy("abc", Some(4), &md5),
            Err("it has 3 bytes instead of 4".into())
        );
        assert!(copy("abd", Some(3), &md5).is_err_and(|e| e.starts_with("its MD5 is ")));
        let wanted = sha256(b"abc");
        assert_eq!(
            wanted,
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
        assert_eq!(copy("abc", None, &Expected::Sha256(wanted)), Ok(3));
    }
}
