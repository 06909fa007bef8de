//! What must hold for any text in a file that an administrator writes, shared by the fuzz targets
//! and the test that replays their corpus.

pub(crate) mod access_file;
pub(crate) mod aliases_file;
pub(crate) mod settings;
