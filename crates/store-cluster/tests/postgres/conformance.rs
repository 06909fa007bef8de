//! The suite that both engines pass, on this one.

use crate::database::fresh;
use store_cluster::Postgres;

#[tokio::test(flavor = "multi_thread")]
async fn postgresql_behaves_as_the_store_expects() {
    let Some(url) = fresh().await else { return };
    let data = tempfile::tempdir().unwrap();
    let open: Box<store::conformance::Opener> = Box::new(move || {
        let url = url.clone();
        Box::pin(async move { Postgres::connect(&url).await })
    });
    store::conformance::run(&*open, data.path().join("data")).await.unwrap();
}
