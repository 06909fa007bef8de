//! Documents made for tests.

use std::io::{Cursor, Write};

/// A compound file with these streams, made by an implementation that is not ours; `/` separates
/// folders, `#` begins a name with the control character 1.
pub(super) fn compound(streams: &[(&str, &[u8])]) -> Vec<u8> {
    let mut file = cfb::CompoundFile::create(Cursor::new(Vec::new())).unwrap();
    for (path, bytes) in streams {
        let path = format!("/{}", path.replace('#', "\u{1}"));
        if let Some((folder, _)) = path.rsplit_once('/').filter(|(folder, _)| !folder.is_empty()) {
            file.create_storage_all(folder).unwrap();
        }
        file.create_stream(&path).unwrap().write_all(bytes).unwrap();
    }
    file.into_inner().into_inner()
}

/// What the packager writes: a file with its name.
pub(super) fn package(name: &str, content: &[u8]) -> Vec<u8> {
    let mut body = b"\x02\0".to_vec();
    let path = format!("C:\\Users\\a\\{name}");
    body.extend(format!("{name}\0{path}\0").bytes());
    body.extend(b"\0\0\x03\0");
    body.extend(u32::try_from(path.len() + 1).unwrap().to_le_bytes());
    body.extend(format!("{path}\0").bytes());
    body.extend(u32::try_from(content.len()).unwrap().to_le_bytes());
    body.extend(content);
    let mut stream = u32::try_from(body.len()).unwrap().to_le_bytes().to_vec();
    stream.extend(body);
    stream
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

pub(super) fn base64(bytes: &[u8]) -> String {
    use base64::Engine;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

pub(super) fn deflated(bytes: &[u8]) -> Vec<u8> {
    let mut out = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
    out.write_all(bytes).unwrap();
    out.finish().unwrap()
}

/// An object of OLE 1 as RTF has it, as bytes.
pub(super) fn object(class: &str, content: &[u8]) -> Vec<u8> {
    let mut out = b"\x01\x05\0\0\x02\0\0\0".to_vec();
    out.extend(u32::try_from(class.len() + 1).unwrap().to_le_bytes());
    out.extend(format!("{class}\0").bytes());
    out.extend([0; 8]);
    out.extend(u32::try_from(content.len()).unwrap().to_le_bytes());
    out.extend(content);
    out
}
