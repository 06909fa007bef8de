//! What the tests of several rooms share. It uses none of our rooms, so that each of them can use
//! it; the whole-server scenarios are beside it.

#![expect(clippy::expect_used, reason = "a test may stop where it stands")]

pub mod corpus;
pub mod machine;
pub mod transcript;
