use super::judge;
use proptest::prelude::*;

#[track_caller]
fn check(name: &str, endings: &[&str], disguised: bool) {
    let judged = judge(name);
    assert_eq!(judged.endings, endings, "{name:?}: {judged:?}");
    assert_eq!(!judged.disguises.is_empty(), disguised, "{name:?}: {judged:?}");
}

#[test]
fn plain_names_are_what_they_say() {
    check("setup.exe", &["exe"], false);
    check("SETUP.EXE", &["exe"], false);
    check("a b.Js", &["js"], false);
    check("x.settingcontent-ms", &["settingcontent-ms"], false);
    for harmless in [
        "report.jan.pdf",
        "report.pdf",
        "Résumé.docx",
        "Übersicht 2026.xlsx",
        "archive.tar.gz",
        "100%.pdf",
        "winmail.dat",
        "smime.p7s",
        "invite.ics",
        "exe",
        "",
        ".",
        "...",
        "a",
        "no name",
        "document.exe.pdf",
        "photo (1).jpeg",
        "Q3: results.pdf",
        "a/b/c.txt",
        "日本語。pdf",
        "שלום\u{200F}.pdf",
        "fran\u{FFFD}ais.pdf",
        "v1.2.3 notes.txt",
        "Re_ your mail.eml",
        "mail..pdf",
        "50% off, 20%25.png",
    ] {
        check(harmless, &[], false);
    }
}

#[test]
fn the_end_of_a_name_hides_nothing() {
    for end in [
        ".",
        "..",
        " ",
        " . .",
        "\u{A0}",
        "\u{3000}",
        "\"",
        "'",
        "\u{200B}",
        "::$DATA",
        ":a",
        "\0",
        "\0.pdf",
        "%00",
        "%00.pdf",
        "%20",
        "\t",
        "\n",
        "?",
        "\u{FFFD}.pdf",
        "/",
        ";",
    ] {
        let name = format!("invoice.exe{end}");
        let judged = judge(&name);
        assert_eq!(judged.endings, ["exe"], "{name:?}: {judged:?}");
    }
    check("a.pdf:b.exe", &["exe"], false);
    check("a.exe:b.pdf", &["exe"], true);
}

#[test]
fn disguises_are_seen() {
    check("invoice.pdf.exe", &["exe"], true);
    check("photo.jpeg .scr", &["scr"], true);
    check("exe.\u{202E}fdp.scr", &["scr"], true);
    check("harmless\u{202E}txt", &[], true);
    check("harmless\u{200F}.txt", &[], true);
    check("a.{00021401-0000-0000-C000-000000000046}", &[], true);
    check("a.txt.{3050F4D8-98B5-11CF-BB82-00AA00BDCE0B}", &[], true);
    check(&format!("a{}.pdf", " ".repeat(10)), &[], true);
    check(&format!("{}.pdf", "a".repeat(300)), &[], true);
    check("invoice.exe   .pdf", &[], true);
    check("invoice.exe....pdf", &[], true);
    check("a\u{FF0E}exe", &["exe"], true);
    check("a\u{2024}exe", &["exe"], true);
    check("a。exe", &["exe"], true);
    check("a.ｅｘｅ", &["exe"], true);
    check("a.e\u{200D}xe", &["exe"], true);
    check("a.e\u{FE0F}x\u{AD}e", &["exe"], true);
    check("a%2Eexe", &["exe"], true);
    check("a%252Eexe", &["exe"], true);
    check("a.%65xe", &["exe"], true);
    check("a.ex\0e", &["exe"], true);
    check("..\\..\\a.exe\\", &["exe"], true);
}

#[test]
fn control_characters_are_a_disguise() {
    check("invoice.txt\x08\x08\x08js", &["js"], true);
    check("invoice.txt\x7F\x7F\x7Fexe", &["exe"], true);
    check("notes.txt\x08\x08\x08csv", &[], true);
    check("\x08\x08a.exe", &["exe"], true);
    check("a.e\x01xe", &["exe"], true);
    check("a\x1B[1m.pdf", &[], true);
    check("a\0.pdf", &[], true);
    // What folding leaves.
    check("a long\r\n\tname.pdf", &[], false);
}

#[test]
fn the_end_of_a_very_long_name_counts() {
    let name = format!("{}.exe", "é ".repeat(50_000));
    assert_eq!(judge(&name).endings, ["exe"]);
}

proptest! {
    #[test]
    fn any_name_is_judged(name in any::<String>()) {
        judge(&name);
    }

    /// Whatever stands before it, a program's ending is seen.
    #[test]
    fn an_ending_is_never_lost(head in "[^\\p{C}]{0,60}", end in "[ .\"'\u{200B}\u{A0}]{0,5}") {
        let name = format!("{head}.exe{end}");
        prop_assert!(judge(&name).endings.contains(&"exe"), "{:?}", name);
    }
}
