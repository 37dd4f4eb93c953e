//! Downloads, checked and kept under `datasets/cache`.

use std::io::Read;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context;
use indicatif::{ProgressBar, ProgressStyle};

use crate::checksum;
use crate::manifest::{self, Manifest, Published};
use crate::workspace;

/// The folder of a data set's files, all of which are in the cache then.
pub(crate) fn folder(manifest: &Manifest) -> anyhow::Result<PathBuf> {
    let paths = manifest.files.iter().map(cached);
    let paths = paths.collect::<anyhow::Result<Vec<_>>>()?;
    let folder = paths.first().and_then(|path| path.parent());
    let folder = folder.with_context(|| format!("no file is listed of {}", manifest.title))?;
    Ok(folder.to_owned())
}

/// The file's place in the cache; it is downloaded first if it is not there yet.
///
/// A download is written aside and takes its name only once its size and checksum are right, so
/// what lies under that name is whole.
pub(crate) fn cached(file: &Published) -> anyhow::Result<PathBuf> {
    let cache = manifest::folder().join("cache");
    let path = cache.join(&file.name);
    if path.exists() {
        checksum::verify(&path, file.bytes, &file.checksum)
            .context("remove the file to download it again")?;
        return Ok(path);
    }
    fs_err::create_dir_all(&cache)?;
    eprintln!("downloading {}", file.url);
    download(file, &path).with_context(|| {
        format!(
            "could not download {}; fetch it by other means and pass the copy with --data",
            file.url
        )
    })?;
    Ok(path)
}

fn download(file: &Published, path: &PathBuf) -> anyhow::Result<()> {
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .timeout_connect(Some(Duration::from_secs(30)))
        .timeout_recv_response(Some(Duration::from_mins(1)))
        .build()
        .into();
    let response = agent.get(&file.url).call()?;
    let body = response.into_body();
    let total = file.bytes.or(body.content_length());
    let bar = total
        .map_or_else(ProgressBar::no_length, ProgressBar::new)
        .with_style(ProgressStyle::with_template(
            "{wide_bar} {bytes}/{total_bytes} {binary_bytes_per_sec} {eta} left",
        )?);
    // One byte more than there should be is enough to know that the file is another one.
    let limit = file.bytes.map_or(u64::MAX, |bytes| bytes + 1);
    let body = bar.wrap_read(body.into_reader().take(limit));
    let cache = path.parent().context("the cache is a folder")?;
    let mut aside = tempfile::NamedTempFile::new_in(cache)?;
    checksum::copy_verified(body, &mut aside, file.bytes, &file.checksum)?;
    aside.as_file().sync_all()?;
    aside
        .persist(path)
        .with_context(|| format!("could not write {}", workspace::shown(path)))?;
    bar.finish_and_clear();
    Ok(())
}
