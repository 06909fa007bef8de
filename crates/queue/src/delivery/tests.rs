//! Connections to servers of all kinds.

mod hostile;
