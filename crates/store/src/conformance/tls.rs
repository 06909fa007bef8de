//! What other domains say of TLS, and how it went: kept, counted, bounded, reported once.

use super::{Failure, Ground, same};
use crate::{StsPolicy, TlsDay, TlsSession};
use mail::{Domain, Timestamp};

const NOW: i64 = 1_795_545_915_042;
const DAY: i64 = 86_400_000;

pub(super) async fn run(ground: &Ground<'_>) -> Result<(), Failure> {
    policies(ground).await?;
    sessions(ground).await
}

fn domain(name: &str) -> Result<Domain, crate::Error> {
    Domain::parse(name).map_err(|error| crate::Error::Invalid(error.to_string()))
}

async fn policies(ground: &Ground<'_>) -> Result<(), Failure> {
    let store = ground.store().await?;
    let (far, old) = (domain("far.example")?, domain("old.example")?);
    same!(store.sts_policy(&far).await?, None);
    let at = |millis: i64| Timestamp(NOW + millis);
    let known = |id: &str, expires: i64| StsPolicy {
        id: id.to_owned(),
        policy: "version: STSv1\r\nmode: enforce\r\n".to_owned(),
        asked_at: at(0),
        renew_at: at(expires / 2),
        expires_at: at(expires),
    };
    store.keep_sts_policy(&old, &known("0", 10), at(-DAY)).await?;
    store.keep_sts_policy(&far, &known("1", DAY), at(-DAY)).await?;
    store.keep_sts_policy(&far, &known("2", 2 * DAY), at(11)).await?;
    store.close().await;
    let store = ground.store().await?;
    same!(store.sts_policy(&far).await?, Some(known("2", 2 * DAY)));
    same!(store.sts_policy(&old).await?, None);
    store.close().await;
    Ok(())
}

async fn sessions(ground: &Ground<'_>) -> Result<(), Failure> {
    let store = ground.store().await?;
    let session = |domain: &str, result: &str, host: &str| TlsSession {
        domain: domain.to_owned(),
        kind: "sts".to_owned(),
        policy: "{}".to_owned(),
        result: result.to_owned(),
        host: host.to_owned(),
        address: "192.0.2.1".to_owned(),
        detail: String::new(),
    };
    let (now, before) = (Timestamp(NOW), Timestamp(NOW - DAY));
    for host in ["a.example", "b.example", "a.example"] {
        store.count_tls(before, session("far.example", "", host));
        store.count_tls(before, session("far.example", "certificate-expired", host));
    }
    store.count_tls(now, session("far.example", "", "a.example"));
    store.count_tls(before, session("near.example", "", "a.example"));
    for n in 0..250 {
        store.count_tls(before, session("many.example", "validation-failure", &format!("h{n}")));
    }
    store.close().await;
    let store = ground.store().await?;
    let day = TlsDay::of(before);
    let far = domain("far.example")?;
    let counts = store.tls_counts(day, day, Some(&far)).await?;
    let shown: Vec<(&str, &str, u64)> = counts
        .iter()
        .map(|it| (it.session.result.as_str(), it.session.host.as_str(), it.sessions))
        .collect();
    // Successes are not told apart by server.
    let failed = "certificate-expired";
    same!(shown, [("", "", 3), (failed, "a.example", 2), (failed, "b.example", 1)]);
    same!(store.tls_counts(day, TlsDay::of(now), Some(&far)).await?.len(), 4);
    let many = store.tls_counts(day, day, Some(&domain("many.example")?)).await?;
    super::ensure!(many.len() <= 200, "{} rows for one domain and day", many.len());

    let all = ["far.example", "many.example", "near.example"];
    let names = |found: &[Domain]| found.iter().map(ToString::to_string).collect::<Vec<_>>();
    same!(names(&store.tls_unreported(day, 10).await?), all);
    same!(names(&store.tls_unreported(day, 1).await?), ["far.example"]);
    same!(store.take_tls_report(day, &far, now).await?, true);
    same!(store.take_tls_report(day, &far, now).await?, false);
    store.tls_reported(day, &far, now, "sent").await?;
    same!(names(&store.tls_unreported(day, 10).await?), ["many.example", "near.example"]);
    // In time, all is forgotten.
    let later = TlsDay(day.0 + 60);
    same!(store.take_tls_report(later, &far, now).await?, true);
    same!(store.tls_counts(day, later, None).await?, []);
    store.close().await;
    Ok(())
}
