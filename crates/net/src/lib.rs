//! net

mod clock;
pub mod unix;

pub use clock::Clock;
