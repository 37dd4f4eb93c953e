//! Archives from scratch.

use std::io::{Cursor, Write};

use crate::{Damage, Short};

/// One file of an archive.
#[derive(arbitrary::Arbitrary, Debug)]
pub struct Member {
    name: u8,
    own_name: Short,
    kind: u8,
    bytes: Vec<u8>,
}

/// Names of an archive's members.
const NAMES: [&str; 12] = [
    "a.csv",
    "b.jsonl",
    "c.txt",
    "d.tokens",
    "aclImdb/train/pos/1.txt",
    "train/neg/2.txt",
    "../e.txt",
    "f.csv.gz",
    "g.png",
    ".h.txt",
    "i.label",
    "j.tsv",
];

/// Packs.
pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packer
        .write_all(bytes)
        .and_then(|()| packer.finish())
        .expect("memory")
}

fn name_of(member: &Member) -> String {
    let name = NAMES.get(usize::from(member.name) % 16);
    name.map_or_else(
        || format!("{}.txt", member.own_name.0),
        |name| (*name).to_owned(),
    )
}

/// An archive of these members.
pub fn tar(members: &[Member]) -> Vec<u8> {
    let mut archive = tar::Builder::new(Vec::new());
    for member in members.iter().take(8) {
        let mut header = tar::Header::new_gnu();
        header.set_size(member.bytes.len() as u64);
        let kinds = b"000000LKxgS5";
        header.set_entry_type(tar::EntryType::new(
            kinds[usize::from(member.kind) % kinds.len()],
        ));
        let name = name_of(member).into_bytes();
        let field = &mut header.as_old_mut().name;
        let length = name.len().min(field.len());
        field[..length].copy_from_slice(&name[..length]);
        header.set_cksum();
        archive
            .append(&header, member.bytes.as_slice())
            .expect("memory");
    }
    archive.into_inner().expect("memory")
}

/// An archive of these members.
pub fn zip(members: &[Member]) -> Vec<u8> {
    let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for member in members.iter().take(8) {
        let method = if member.kind & 1 == 0 {
            zip::CompressionMethod::Stored
        } else {
            zip::CompressionMethod::Deflated
        };
        let options = zip::write::SimpleFileOptions::default().compression_method(method);
        if archive.start_file(name_of(member), options).is_ok() {
            archive.write_all(&member.bytes).expect("memory");
        }
    }
    archive.finish().expect("memory").into_inner()
}

/// Damages blocks of a tar archive as if they were headers, and gives them the right checksum.
pub fn damage_headers(bytes: &mut [u8], damage: &[(u8, Damage)]) {
    let blocks = (bytes.len() / 512).max(1);
    for (at, damage) in damage.iter().take(8) {
        let start = usize::from(*at) % blocks * 512;
        let Some(block) = bytes.get_mut(start..start + 512) else {
            return;
        };
        let mut header = block.to_vec();
        Damage::apply(std::slice::from_ref(damage), &mut header);
        header.resize(512, 0);
        header[148..156].fill(b' ');
        let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
        header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        block.copy_from_slice(&header);
    }
}
