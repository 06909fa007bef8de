//! The examples of the standards.

use crate::{check, told, zone};
use filter::authentication::dkim::{Algorithm, Outcome, Report};

/// RFC 8463 §A.2, both keys.
const KEYS: [(&str, &str); 2] = [
    (
        "brisbane._domainkey.football.example.com",
        "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=",
    ),
    (
        "test._domainkey.football.example.com",
        "v=DKIM1; k=rsa; p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDkHlOQoBTzWRiGs5V6NpP3idY6Wk08a\
         5qhdR6wy5bdOKb2jLQiY/J16JYi0Qvx/byYzCNb3W91y3FutACDfzwQ/BC/e/8uBsCR+yz1Lxj+PL6lHvqMKrM3\
         rG4hstT5QjvHO9PzoxZyVYLzBfO2EeC3Ip3G+2kryOTIKT+l/K4w3QIDAQAB",
    ),
];

/// RFC 8463 §A.3.
const TWO: &str = "DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed;\r\n\
\x20d=football.example.com; i=@football.example.com;\r\n\
\x20q=dns/txt; s=brisbane; t=1528637909; h=from : to :\r\n\
\x20subject : date : message-id : from : subject : date;\r\n\
\x20bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;\r\n\
\x20b=/gCrinpcQOoIfuHNQIbq4pgh9kyIK3AQUdt9OdqQehSwhEIug4D11Bus\r\n\
\x20Fa3bT3FY5OsU7ZbnKELq+eXdp1Q1Dw==\r\n\
DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed;\r\n\
\x20d=football.example.com; i=@football.example.com;\r\n\
\x20q=dns/txt; s=test; t=1528637909; h=from : to : subject :\r\n\
\x20date : message-id : from : subject : date;\r\n\
\x20bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;\r\n\
\x20b=F45dVWDfMbQDGHJFlXUNB2HKfbCeLRyhDXgFpEL8GwpsRe0IeIixNTe3\r\n\
\x20DhCVlUrSjV4BwcVcOF6+FF3Zo9Rpo1tFOeS9mPYQTnGdaSGsgeefOsk2Jz\r\n\
\x20dA+L10TeYt9BgDfQNZtKdN1WO//KgIqXP7OdEFE4LjFYNcUxZQ4FADY+8=\r\n\
From: Joe SixPack <joe@football.example.com>\r\n\
To: Suzie Q <suzie@shopping.example.net>\r\n\
Subject: Is dinner ready?\r\n\
Date: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)\r\n\
Message-ID: <20030712040037.46341.5F8J@football.example.com>\r\n\
\r\n\
Hi.\r\n\
\r\n\
We lost the game.  Are you hungry yet?\r\n\
\r\n\
Joe.\r\n";

/// RFC 6376 §C.
const PLAIN_KEY: (&str, &str) = (
    "brisbane._domainkey.example.com",
    "v=DKIM1; p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDwIRP/UC3SBsEmGqZ9ZJW3/DkMoGeLnQg1fWn7/zYt\
     IxN2SnFCjxOCKG9v3b4jYfcTNh5ijSsq631uBItLa7od+v/RtdC2UzJ1lWT947qR+Rcac2gbto/NMqJ0fzfVjH4OuKhi\
     tdY9tf6mcwGjaNBcWToIMmPSPDdQPNUYckcQ2QIDAQAB",
);

/// RFC 6376 §A.2.
const PLAIN: &str = "DKIM-Signature: v=1; a=rsa-sha256; s=brisbane; d=example.com;\r\n\
\x20     c=simple/simple; q=dns/txt; i=joe@football.example.com;\r\n\
\x20     h=Received : From : To : Subject : Date : Message-ID;\r\n\
\x20     bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;\r\n\
\x20     b=AuUoFEfDxTDkHlLXSZEpZj79LICEps6eda7W3deTVFOk4yAUoqOB\r\n\
\x20     4nujc7YopdG5dWLSdNg6xNAZpOPr+kHxt1IrE+NahM6L/LbvaHut\r\n\
\x20     KVdkLLkpVaVVQPzeRDI009SO2Il5Lu7rDNH6mZckBdrIx0orEtZV\r\n\
\x20     4bmp/YzhwvcubU4=;\r\n\
Received: from client1.football.example.com  [192.0.2.1]\r\n\
\x20     by submitserver.example.com with SUBMISSION;\r\n\
\x20     Fri, 11 Jul 2003 21:01:54 -0700 (PDT)\r\n\
From: Joe SixPack <joe@football.example.com>\r\n\
To: Suzie Q <suzie@shopping.example.net>\r\n\
Subject: Is dinner ready?\r\n\
Date: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)\r\n\
Message-ID: <20030712040037.46341.5F8J@football.example.com>\r\n\
\r\n\
Hi.\r\n\
\r\n\
We lost the game. Are you hungry yet?\r\n\
\r\n\
Joe.\r\n";

fn verified(message: &str, records: &[(&'static str, &'static str)]) -> Report {
    check(message.as_bytes(), &zone(records.iter().copied()), 1_528_637_910)
}

#[test]
fn the_two_signatures_of_rfc_8463_are_good() {
    let report = verified(TWO, &KEYS);
    assert_eq!(told(&report), [(Outcome::Pass, ""), (Outcome::Pass, "")]);
    let facts = report.passing().map(|one| {
        let selector = one.selector.as_ref().unwrap().as_str();
        (one.algorithm.unwrap(), selector, one.key_bits.unwrap(), one.start.as_deref().unwrap())
    });
    let expected = [
        (Algorithm::Ed25519Sha256, "brisbane", 256, "/gCrinpc"),
        (Algorithm::RsaSha256, "test", 1024, "F45dVWDf"),
    ];
    assert_eq!(facts.collect::<Vec<_>>(), expected);
}

#[test]
fn the_signature_of_rfc_6376_is_good() {
    let report = verified(PLAIN, &[PLAIN_KEY]);
    assert_eq!(told(&report), [(Outcome::Pass, "")]);
    let [one] = report.signatures.as_slice() else { panic!("{report:?}") };
    assert_eq!(one.identity.as_deref(), Some("joe@football.example.com"));
}

#[test]
fn the_simple_form_forgives_nothing() {
    let changed = PLAIN.replace("Subject: Is", "Subject:  Is");
    assert_eq!(verified(&changed, &[PLAIN_KEY]).passing().count(), 0);
    let changed =
        TWO.replace("Subject: Is", "subject:\r\n\t Is").replace("game.  Are", "game. Are");
    assert_eq!(verified(&changed, &KEYS).passing().count(), 2);
}

#[test]
fn results_are_shown_in_the_words_of_the_standard() {
    let report = verified(TWO, &KEYS[..1]);
    let shown = serde_json::to_value(&report).unwrap();
    let expected = serde_json::json!({
        "signatures": [
            {
                "result": "pass", "reason": "", "domain": "football.example.com",
                "selector": "brisbane", "algorithm": "ed25519-sha256",
                "identity": "@football.example.com", "start": "/gCrinpc", "key_bits": 256,
                "testing": false
            },
            {
                "result": "permerror", "reason": "there is no key for the signature",
                "domain": "football.example.com", "selector": "test", "algorithm": "rsa-sha256",
                "identity": "@football.example.com", "start": "F45dVWDf", "key_bits": null,
                "testing": false
            }
        ],
        "unseen": 0
    });
    assert_eq!(shown, expected);
}
