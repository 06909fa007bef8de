//! Writers of archives, as wrong as a test wants them.

use std::io::Write;

/// Deflate without a header.
pub(crate) fn deflated(bytes: &[u8]) -> Vec<u8> {
    let mut encoder =
        flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).expect("memory takes all");
    encoder.finish().expect("memory takes all")
}

/// gzip with a name or none.
pub(crate) fn gzip(name: &str, bytes: &[u8]) -> Vec<u8> {
    let mut builder = flate2::GzBuilder::new();
    if !name.is_empty() {
        builder = builder.filename(name);
    }
    let mut encoder = builder.write(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).expect("memory takes all");
    encoder.finish().expect("memory takes all")
}

/// A member of a zip; what differs from the truth is set after [`Entry::new`].
#[derive(Clone)]
pub(crate) struct Entry {
    pub(crate) local_name: Vec<u8>,
    pub(crate) central_name: Vec<u8>,
    pub(crate) method: u16,
    pub(crate) flags: u16,
    pub(crate) data: Vec<u8>,
    pub(crate) local_sizes: (u32, u32),
    pub(crate) central_sizes: (u32, u32),
    pub(crate) extra: Vec<u8>,
    pub(crate) in_local: bool,
    pub(crate) in_central: bool,
}

impl Entry {
    /// A stored or deflated member that is right in all ways.
    pub(crate) fn new(name: &str, method: u16, content: &[u8]) -> Self {
        let data = if method == 8 { deflated(content) } else { content.to_vec() };
        let sizes = (data.len() as u32, content.len() as u32);
        Self {
            local_name: name.as_bytes().to_vec(),
            central_name: name.as_bytes().to_vec(),
            method,
            flags: 0,
            data,
            local_sizes: sizes,
            central_sizes: sizes,
            extra: Vec::new(),
            in_local: true,
            in_central: true,
        }
    }

    fn fields(&self, sizes: (u32, u32), name: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        for field in [20, self.flags, self.method, 0, 0] {
            out.extend_from_slice(&field.to_le_bytes());
        }
        for field in [0, sizes.0, sizes.1] {
            out.extend_from_slice(&field.to_le_bytes());
        }
        out.extend_from_slice(&(name.len() as u16).to_le_bytes());
        out.extend_from_slice(&(self.extra.len() as u16).to_le_bytes());
        out
    }

    /// The entry of the directory for a local header at `at`.
    pub(crate) fn central(&self, at: u32) -> Vec<u8> {
        let mut out = b"PK\x01\x02\x14\0".to_vec();
        out.extend_from_slice(&self.fields(self.central_sizes, &self.central_name));
        out.extend_from_slice(&[0; 10]);
        out.extend_from_slice(&at.to_le_bytes());
        out.extend_from_slice(&self.central_name);
        out.extend_from_slice(&self.extra);
        out
    }

    /// The local header and the data.
    pub(crate) fn local(&self) -> Vec<u8> {
        let mut out = b"PK\x03\x04".to_vec();
        out.extend_from_slice(&self.fields(self.local_sizes, &self.local_name));
        out.extend_from_slice(&self.local_name);
        out.extend_from_slice(&self.extra);
        out.extend_from_slice(&self.data);
        out
    }
}

/// The record at the end of a zip.
pub(crate) fn end(count: u16, size: u32, offset: u32) -> Vec<u8> {
    let mut out = b"PK\x05\x06\0\0\0\0".to_vec();
    out.extend_from_slice(&count.to_le_bytes());
    out.extend_from_slice(&count.to_le_bytes());
    out.extend_from_slice(&size.to_le_bytes());
    out.extend_from_slice(&offset.to_le_bytes());
    out.extend_from_slice(&[0, 0]);
    out
}

/// A zip of these members.
pub(crate) fn zip(entries: &[Entry]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut directory = Vec::new();
    let mut count = 0;
    for entry in entries {
        if entry.in_central {
            directory.extend_from_slice(&entry.central(out.len() as u32));
            count += 1;
        }
        if entry.in_local {
            out.extend_from_slice(&entry.local());
        }
    }
    let offset = out.len() as u32;
    out.extend_from_slice(&directory);
    out.extend_from_slice(&end(count, directory.len() as u32, offset));
    out
}

/// A header of tar (ustar) with its sum.
pub(crate) fn tar_header(name: &str, size: usize, kind: u8) -> [u8; 512] {
    let mut block = [0; 512];
    block[..name.len().min(100)].copy_from_slice(&name.as_bytes()[..name.len().min(100)]);
    block[124..135].copy_from_slice(format!("{size:011o}").as_bytes());
    block[156] = kind;
    block[257..265].copy_from_slice(b"ustar\x0000");
    block[148..156].fill(b' ');
    let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
    block[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
    block
}

/// A tar of headers and what stands behind each.
pub(crate) fn tar(members: &[([u8; 512], &[u8])]) -> Vec<u8> {
    let mut out = Vec::new();
    for (header, content) in members {
        out.extend_from_slice(header);
        out.extend_from_slice(content);
        out.resize(out.len().next_multiple_of(512), 0);
    }
    out.resize(out.len() + 1_024, 0);
    out
}

/// TNEF with one attachment: the short name in its attribute, the long one in its properties.
pub(crate) fn tnef(short: &str, long: &str, content: &[u8]) -> Vec<u8> {
    let mut out = b"\x78\x9f\x3e\x22\x01\0".to_vec();
    let mut attribute = |id: u32, data: &[u8]| {
        out.push(2);
        out.extend_from_slice(&id.to_le_bytes());
        out.extend_from_slice(&(data.len() as u32).to_le_bytes());
        out.extend_from_slice(data);
        let sum: u16 = data.iter().fold(0, |sum, byte| sum.wrapping_add(u16::from(*byte)));
        out.extend_from_slice(&sum.to_le_bytes());
    };
    attribute(0x0006_9002, &[0; 14]);
    attribute(0x0001_8010, format!("{short}\0").as_bytes());
    attribute(0x0006_800f, content);
    let wide: Vec<u8> = format!("{long}\0").encode_utf16().flat_map(u16::to_le_bytes).collect();
    let mut properties = 2_u32.to_le_bytes().to_vec();
    // PR_ATTACH_METHOD, a number; then PR_ATTACH_LONG_FILENAME.
    properties
        .extend_from_slice(&[0x03, 0, 0x05, 0x37, 1, 0, 0, 0, 0x1f, 0, 0x07, 0x37, 1, 0, 0, 0]);
    properties.extend_from_slice(&(wide.len() as u32).to_le_bytes());
    properties.extend_from_slice(&wide);
    properties.resize(properties.len().next_multiple_of(4), 0);
    attribute(0x0006_9005, &properties);
    out
}
