//! store-cluster
