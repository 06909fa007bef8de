//! What must hold for any bytes, shared by the fuzz targets and the tests that replay the corpus.

pub(crate) mod address;
pub(crate) mod message_view;
pub(crate) mod scram;
pub(crate) mod srs;
pub(crate) mod union_reading;
