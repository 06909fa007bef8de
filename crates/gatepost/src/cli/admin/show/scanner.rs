//! Scanners and the self-test for people.

use crate::output;
use ::admin::{ScannerResponse, ScannerView, SelfTestView};
use mail::Timestamp;

/// What is printed.
pub(super) fn text(response: &ScannerResponse) -> String {
    match response {
        ScannerResponse::Status(rows) if rows.is_empty() => {
            "No scanner is named in the settings; the built-in lists look at mail.".to_owned()
        }
        ScannerResponse::Status(rows) => {
            let head = ["Scanner", "Where", "State", "Since", "Version", "Signatures of", "Why"];
            let rows: Vec<[String; 7]> = rows.iter().map(row).collect();
            output::table(&head, &rows)
        }
        ScannerResponse::SelfTest(test) => self_test(test),
    }
}

/// Whether somebody has to do something.
pub(super) fn is_wrong(response: &ScannerResponse) -> bool {
    match response {
        ScannerResponse::Status(rows) => rows.iter().any(ScannerView::is_wrong),
        ScannerResponse::SelfTest(test) => !test.is_caught(),
    }
}

fn row(view: &ScannerView) -> [String; 7] {
    [
        view.scanner.clone(),
        view.place.clone(),
        view.state.clone(),
        view.since.map(Timestamp::rfc3339).unwrap_or_default(),
        view.version.clone(),
        view.signatures.map(Timestamp::rfc3339).unwrap_or_default(),
        view.why.clone(),
    ]
}

fn self_test(test: &SelfTestView) -> String {
    let said = match test.outcome.as_str() {
        "caught" => "The test virus was caught.",
        "missed" => "The test virus was caught, but not by every scanner.",
        "passed" => "THE TEST VIRUS PASSED: nothing looks at mail, or nothing that works.",
        _ => "The test virus did not pass, but nothing took it for one.",
    };
    let mut text = format!("{said}\nAnswer: {}", test.reply);
    if let Some(message) = test.message {
        text.push_str(&format!("\nTrace: gatepost trace {message}"));
    }
    if !test.found_by.is_empty() {
        text.push_str(&format!("\nFound by: {}", test.found_by.join(", ")));
    }
    if !test.missed_by.is_empty() {
        text.push_str(&format!("\nMissed by: {}", test.missed_by.join(", ")));
    }
    text
}
