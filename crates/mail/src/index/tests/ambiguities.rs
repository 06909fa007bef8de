//! Each kind of ambiguity, with a benign twin where there is one.

use super::super::{Ambiguity, Index, Limits, PER_KIND_MAX};
use super::{lines, tree, with_limits, words};

/// `header` lines of a message and its body.
fn check(header: &[&str], body: &[&str], expected: &str) {
    let message = [header, &[""], body].concat();
    assert_eq!(words(&Index::of(&lines(&message))), expected, "for {message:#?}");
}

/// A multipart message with boundary `b`.
fn multipart(body: &[&str], expected: &str) {
    check(&["MIME-Version: 1.0", "Content-Type: multipart/mixed; boundary=b"], body, expected);
}

/// One part with this header and body.
fn part(header: &[&str], body: &[&str], expected: &str) {
    multipart(&[&["--b"], header, &[""], body, &["--b--"]].concat(), expected);
}

fn content_type(value: &str, expected: &str) {
    check(&["MIME-Version: 1.0", &format!("Content-Type: {value}")], &["x"], expected);
}

#[test]
fn fields() {
    check(&["Subject: a", "Subject: b"], &[], "doubled_field");
    check(&["From: a@b.example", "from: c@d.example"], &[], "doubled_field");
    check(&["Received: a", "Received: b"], &[], "");
    part(&["Subject: a", "Subject: b"], &["x"], "");
    part(&["Content-Type: text/plain", "Content-Type: text/html"], &["x"], "doubled_content_type");
    let encodings = ["Content-Transfer-Encoding: 7bit", "Content-Transfer-Encoding: base64"];
    part(&encodings, &["x"], "doubled_encoding");
    let dispositions = ["Content-Disposition: inline", "Content-Disposition: attachment"];
    part(&dispositions, &["x"], "doubled_disposition");
    check(&["Subject : a"], &[], "blank_before_colon");
    check(&["Subject: a", "no field", "To: b@c.example"], &[], "odd_header_line");
    check(&[" starts with a blank", "To: b@c.example"], &[], "odd_header_line");
    check(&["Subject: a", "  ", " b"], &[], "blank_header_line");
    check(&["Subject: \u{e9}"], &[], "eight_bit_header");
    check(&["Subject: a\u{7}"], &[], "control_in_header");
    check(&["Subject: a\0"], &[], "nul");
    check(&["Subject: =?utf-8?q?a?="], &[], "");
    check(&["Subject: =?utf-8?q?a b?="], &[], "odd_encoded_word");
    check(&["Subject: =?utf-8?b?QU*I=?="], &[], "odd_encoded_word");
    check(&["Subject: =?utf-8?b?QQ==QQ==?="], &[], "odd_encoded_word");
    check(&["Subject: =?no-such?q?a?="], &[], "unknown_charset");
}

#[test]
fn types_and_parameters() {
    content_type("text/plain; charset=utf-8", "");
    content_type("text/plain;charset=\"utf-8\" ; format=flowed;", "");
    content_type("text", "odd_content_type");
    content_type("", "odd_content_type");
    content_type("text/plain charset=utf-8", "odd_content_type");
    content_type("text/plain; name=\"a.txt", "odd_parameters");
    content_type("text/plain; name=\"a.txt\"b", "odd_parameters odd_parameters");
    content_type("text/plain; name=a b.txt", "odd_parameters");
    content_type("text/plain; name=a.txt (b)", "odd_parameters");
    let forgotten = "names_disagree odd_parameters doubled_parameter";
    content_type("text/plain; name=a.txt name=b.txt", forgotten);
    content_type("text/plain; charset=a; charset=a", "doubled_parameter");
    content_type("text/plain; name*0=a; name*2=b", "odd_continuation");
    content_type("text/plain; name*1=b; name*0=a", "odd_continuation");
    content_type("text/plain; name*0=a; name*1=b", "");
    check(&["Content-Type: text/html"], &["x"], "missing_mime_version");
}

#[test]
fn names() {
    let named = |content_type: &str, disposition: &str, expected: &str| {
        let content_type = format!("Content-Type: text/plain; {content_type}");
        let disposition = format!("Content-Disposition: attachment; {disposition}");
        part(&[&content_type, &disposition], &["x"], expected);
    };
    named("name=a.txt", "filename=a.txt", "");
    named("name=a.txt", "filename=a.exe", "names_disagree");
    named("name=\"=?utf-8?q?=C3=A4.txt?=\"", "filename*=utf-8''%C3%A4.txt", "");
    named("x=y", "filename=a.txt; filename*=utf-8''a.exe", "names_disagree");
    named("x=y", "filename=a.txt; filename=a.exe", "names_disagree doubled_parameter");
}

#[test]
fn boundaries() {
    content_type("multipart/mixed", "missing_boundary");
    content_type("multipart/mixed; boundary=\"\"", "empty_boundary");
    content_type("multipart/mixed; boundary=\"a*b\"", "odd_boundary missing_delimiter");
    content_type("multipart/mixed; boundary=\"ab \"", "odd_boundary missing_delimiter");
    content_type("multipart/mixed; boundary*=us-ascii''ab", "odd_boundary missing_delimiter");
    let doubled = "doubled_boundary doubled_parameter missing_delimiter";
    content_type("multipart/mixed; boundary=a; boundary=b", doubled);
    let inner = |boundary: &str, delimiter: &str, expected: &str| {
        let header = format!("Content-Type: multipart/mixed; boundary={boundary}");
        let (open, close) = (format!("--{delimiter}"), format!("--{delimiter}--"));
        multipart(&["--b", &header, "", &open, "", "x", &close, "--b--"], expected);
    };
    inner("c", "c", "");
    inner("bc", "bc", "boundary_prefix");
    inner("b", "b", "repeated_boundary");
}

#[test]
fn delimiters() {
    multipart(&["--b", "", "x", "--b--"], "");
    multipart(&["--b", "", "x", "--b and more", "--b--"], "delimiter_with_text");
    multipart(&["--b", "", "x", "--b  ", "", "y", "--b--"], "delimiter_with_blanks");
    multipart(&["--b", "", "x"], "missing_close_delimiter");
    multipart(&["x"], "missing_delimiter");
    let again = "delimiter_after_close epilogue delimiter_after_close";
    multipart(&["--b", "", "x", "--b--", "--b", "", "y", "--b--"], again);
    multipart(&["--b", "Subject: x", "--b--"], "delimiter_in_header");
    multipart(&["hidden", "--b", "", "x", "--b--"], "preamble");
    multipart(&["This is a MIME message.", "", "--b", "", "x", "--b--"], "");
    multipart(&["--b", "", "x", "--b--", "", "hidden"], "epilogue");
    multipart(&["--b", "", "x", "--b--", "", ""], "");
    multipart(&["-- b", "--", "--b", "", "--", "-- ", "--a", "--b--"], "preamble");
}

#[test]
fn encodings() {
    let encoded = |name: &str, body: &[&str], expected: &str| {
        part(&[&format!("Content-Transfer-Encoding: {name}")], body, expected);
    };
    encoded("x-uuencode", &["x"], "unknown_encoding");
    encoded("base64 (really)", &["QUJD"], "odd_encoding");
    encoded("BASE64", &["QUJD", "QUI="], "");
    encoded("base64", &["QUJD", "QU", "JD"], "base64_odd_line");
    encoded("base64", &["QUJDQU"], "base64_odd_line base64_cut_short");
    encoded("base64", &["QU-JD"], "base64_junk");
    let early =
        concat!("base64_early_padding base64_after_padding ", "base64_odd_line base64_cut_short");
    encoded("base64", &["Q=JD"], early);
    encoded("base64", &["QQ==", "QUJD"], "base64_after_padding");
    encoded("base64", &["QUJD  ", ""], "");
    encoded("quoted-printable", &["a=3D=", "b=20", "="], "");
    encoded("quoted-printable", &["a=3d"], "quoted_printable_lower_case");
    encoded("quoted-printable", &["a=x"], "quoted_printable_odd");
    encoded("quoted-printable", &["a= ", "b"], "quoted_printable_odd");
    check(
        &[
            "MIME-Version: 1.0",
            "Content-Type: multipart/mixed; boundary=b",
            "Content-Transfer-Encoding: base64",
        ],
        &["--b", "", "x", "--b--"],
        "encoded_composite",
    );
}

#[test]
fn odd_bytes_are_told_with_their_place() {
    let check = |message: &[u8], expected: Ambiguity, at: u64| {
        let index = Index::of(message);
        let found: Vec<_> = index.ambiguities.iter().map(|s| (s.ambiguity, s.at)).collect();
        assert_eq!(found, [(expected, at)], "for {message:?}");
    };
    check(b"A: b\r\n\r\nx\0\0", Ambiguity::Nul, 9);
    check(b"A: b\r\n\r\nx\ry\rz", Ambiguity::BareCr, 9);
    check(b"A: b\r\n\r\nxy\r", Ambiguity::BareCr, 10);
    check(b"A: b\r\n\r\nx\ny\nz", Ambiguity::BareLf, 9);
    check(b"A: b\nC: d\n\nx", Ambiguity::BareLf, 4);
}

#[test]
fn limits_are_told() {
    let limits = Limits {
        header_bytes_max: 60,
        part_header_bytes_max: 30,
        fields_max: 3,
        parts_max: 4,
        depth_max: 1,
    };
    let check = |message: &[&str], expected_tree: &str, expected: &str| {
        let index = with_limits(&lines(message), limits);
        assert_eq!((tree(&index).as_str(), words(&index).as_str()), (expected_tree, expected));
    };
    let long = "Subject: 12345678901234567890123456789012345678901234567890";
    check(&["A: b", long, "C: d", "", ""], "text/plain", "header_too_large");
    check(&["A: 1", "B: 2", "C: 3", "D: 4", "", ""], "text/plain", "too_many_fields");
    const HEADER: [&str; 2] = ["MIME-Version:1", "Content-Type:multipart/mixed;boundary=b"];
    let part = ["--b", "", "x"];
    let body = [&[""][..], &part, &part, &part, &part, &["--b--"]].concat();
    check(
        &[&HEADER[..], &body].concat(),
        "multipart/mixed(text/plain, text/plain, text/plain)",
        "too_many_parts",
    );
    let long = ["", "--b", "Subject: 1234567890123456789012345", "", "--b--"];
    check(&[&HEADER[..], &long].concat(), "multipart/mixed(text/plain)", "part_headers_too_large");
    let deep = ["", "--b", "Content-Type:message/rfc822", "", "--b--"];
    check(&[&HEADER[..], &deep].concat(), "multipart/mixed(message/rfc822)", "too_deep");
}

#[test]
fn many_of_a_kind_are_counted_not_listed() {
    let index = Index::of(&lines(&["odd"; 1_000]));
    assert_eq!(index.ambiguities.len(), PER_KIND_MAX + 1);
    assert!(index.has(Ambiguity::TooManyAmbiguities));
}
