use super::samples::{compound, deflated, hex, object, package};
use super::{PROGRAM, check, hits};
use crate::Class::{EmbeddedObject, Encrypted, Installer, Macro, Program, Script};
use crate::documents;
use crate::{Budget, Item, Limits, Lists};

#[test]
fn a_plain_document_is_harmless() {
    let mut word = vec![0; 5_000];
    word[..4].copy_from_slice(b"\xEC\xA5\xC1\0");
    check("a.doc", &compound(&[("WordDocument", &word), ("1Table", &[0; 4_096])]), &[]);
    check("a.xls", &compound(&[("Workbook", b"\x09\x08\x04\0\0\x06\x05\0")]), &[]);
}

#[test]
fn macros_are_found() {
    let vba: &[(&str, &[u8])] = &[
        ("WordDocument", &[0; 5_000]),
        ("Macros/VBA/dir", b"a"),
        ("Macros/VBA/_VBA_PROJECT", b"\xCC\x61"),
    ];
    check("a.doc", &compound(vba), &[(Macro, "ole vba")]);
    // Whatever it is called.
    check("a.txt", &compound(vba), &[(Macro, "ole vba")]);
    let sheet = b"\x09\x08\x04\0\0\x06\x05\0\x85\0\x0C\0\0\0\0\0\x02\x01\x04\0Auto\0\0";
    check("a.xls", &compound(&[("Workbook", sheet)]), &[(Macro, "excel macro sheet")]);
}

#[test]
fn encryption_is_told() {
    let package = compound(&[("EncryptionInfo", b"\x04\0"), ("EncryptedPackage", &[7; 5_000])]);
    check("a.docx", &package, &[(Encrypted, "ole encrypted")]);
    let mut word = vec![0; 5_000];
    word[11] = 1;
    check("a.doc", &compound(&[("WordDocument", &word)]), &[(Encrypted, "ole encrypted")]);
    let book = b"\x09\x08\x04\0\0\x06\x05\0\x2F\0\x02\0\0\0";
    check("a.xls", &compound(&[("Workbook", book)]), &[(Encrypted, "ole encrypted")]);
}

#[test]
fn a_package_is_looked_into() {
    for size in [PROGRAM.len(), 20_000] {
        let mut program = PROGRAM.to_vec();
        program.resize(size, 0);
        let file = compound(&[("ObjectPool/_1/#Ole10Native", &package("Bill.exe", &program))]);
        let rules = [(Program, "magic mz"), (Program, "name exe")];
        check("a.doc", &file, &rules);
        let found = hits("a.doc", &file);
        assert!(found.iter().any(|hit| hit.path == ["Bill.exe"]), "{found:?}");
    }
}

#[test]
fn a_presentation_holds_its_macros_packed() {
    let macros = compound(&[("VBA/dir", b"a")]);
    let packed = deflated(&macros);
    let mut show = b"\x0F\0\xE8\x03\0\0\0\0".to_vec();
    show.extend(b"\x10\0\x11\x10");
    show.extend(u32::try_from(packed.len() + 4).unwrap().to_le_bytes());
    show.extend(u32::try_from(macros.len()).unwrap().to_le_bytes());
    show.extend(&packed);
    check("a.ppt", &compound(&[("PowerPoint Document", &show)]), &[(Macro, "ole vba")]);
    let raw = [b"\0\0\x11\x10\xFF\xFF\xFF\xFF".as_slice(), &macros].concat();
    check("a.ppt", &compound(&[("PowerPoint Document", &raw)]), &[(Macro, "ole vba")]);
}

#[test]
fn an_installer_and_dangerous_objects_are_known_by_their_class() {
    let mut file = cfb::CompoundFile::create(std::io::Cursor::new(Vec::new())).unwrap();
    let class = "000C1084-0000-0000-C000-000000000046".parse().unwrap();
    file.set_storage_clsid("/", class).unwrap();
    check("a.pdf", &file.into_inner().into_inner(), &[(Installer, "magic msi")]);
    let mut file = cfb::CompoundFile::create(std::io::Cursor::new(Vec::new())).unwrap();
    file.create_storage("/_1").unwrap();
    let class = "0002CE02-0000-0000-C000-000000000046".parse().unwrap();
    file.set_storage_clsid("/_1", class).unwrap();
    check("a.doc", &file.into_inner().into_inner(), &[(EmbeddedObject, "ole equation")]);
}

#[test]
fn a_saved_message_has_names() {
    let name: Vec<u8> = "a.js\0".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let folder = "__attach_version1.0_#00000000".replace('#', "-");
    let paths =
        [format!("{folder}/__substg1.0_3707001F"), format!("{folder}/__substg1.0_37010102")];
    let file = compound(&[(&paths[0], &name), (&paths[1], PROGRAM)]);
    check("a.msg", &file, &[(Program, "magic mz"), (Script, "name js")]);
}

#[test]
fn a_damaged_compound_file_is_never_clean() {
    let file = compound(&[("Macros/VBA/dir", b"a")]);
    let found = hits("a.doc", &file[..600]);
    assert!(!found.is_empty());
    let found = hits("a.doc", &file[..file.len() - 100]);
    assert!(found.iter().any(|hit| hit.class == Macro), "{found:?}");
}

#[test]
fn rich_text_objects_are_looked_into() {
    let package = object("Package", &package("a.exe", PROGRAM)[4..]);
    let rules = [(Program, "magic mz"), (Program, "name exe")];
    let plain = format!("{{\\rtf1{{\\object\\objemb{{\\*\\objdata {}}}}}}}", hex(&package));
    check("a.rtf", plain.as_bytes(), &rules);
    check("a.doc", plain.as_bytes(), &rules);
    // Cut by blanks, control words and groups.
    let digits: Vec<String> =
        hex(&package).as_bytes().chunks(7).map(|c| String::from_utf8_lossy(c).into()).collect();
    let cut = format!("{{\\rt{{\\*\\objdata {}}}}}", digits.join("\r\n{\\*\\x12 }\\par \\'41"));
    check("a.rtf", cut.as_bytes(), &rules);
    let head = format!("{{\\rtf1{{\\*\\objdata\\bin{} ", package.len());
    let raw = [head.as_bytes(), &package, b"}}"].concat();
    check("a.rtf", &raw, &rules);
    let inner = object("Word.Document.8", &compound(&[("Macros/VBA/dir", b"a")]));
    let inner = format!("{{\\rtf1{{\\*\\objdata {}}}}}", hex(&inner));
    check("", inner.as_bytes(), &[(Macro, "ole vba")]);
    let template = b"{\\rtf1{\\*\\template http://a.example/b.dotm}}";
    check("a.rtf", template, &[(EmbeddedObject, "rtf template")]);
    check("a.rtf", b"{\\rtf1{\\*\\template Normal.dotm}{\\b Hello} http://a.example}", &[]);
}

/// Rules for a member of a zip, as the inspection of the zip has them.
fn member(name: &str, text: &str) -> Vec<(crate::Class, String)> {
    let names = [name.to_owned()];
    let item = Item { names: &names, types: &[], bytes: text.as_bytes() };
    let lists = Lists::default();
    crate::inspect::with_inspection(&lists, |look| {
        documents::member(&item, look, &mut Budget::new(Limits::default()));
    })
    .into_iter()
    .map(|hit| (hit.class, hit.rule))
    .collect()
}

#[test]
fn members_of_office_documents_are_judged() {
    let rels = |kind: &str, target: &str, mode: &str| {
        format!(
            "<Relationships><Relationship Id=\"a\" Type=\"http://schemas.openxmlformats.org/\
             officeDocument/2006/relationships/{kind}\" Target=\"{target}\" {mode}/></Relationships>"
        )
    };
    let external = "TargetMode=\"External\"";
    let one = |name: &str, text: &str| member(name, text).first().map(|(_, rule)| rule.clone());
    let is = |name: &str, text: &str, rule: &str| assert_eq!(one(name, text).unwrap(), rule);
    let is_not = |name: &str, text: &str| assert_eq!(one(name, text), None, "{name} {text}");
    let settings = "word/_rels/settings.xml.rels";
    is("word/vbaProject.bin", "", "ooxml vba");
    is("xl/macrosheets/sheet1.xml", "<a/>", "excel macro sheet");
    is("word/activeX/activeX1.xml", "<a/>", "ooxml activex");
    is("Basic/Standard/Module1.xml", "<a/>", "opendocument macro");
    is("Scripts/python/a.py", "import os", "opendocument macro");
    is(
        settings,
        &rels("attachedTemplate", "http://a.example/b", external),
        "ooxml external attachedtemplate",
    );
    is(
        settings,
        &rels("attachedTemplate", "http://a.example/b", "TargetMode\n=\n'External'"),
        "ooxml external attachedtemplate",
    );
    is_not(settings, &rels("attachedTemplate", "Normal.dotm", ""));
    is_not("word/_rels/document.xml.rels", &rels("hyperlink", "http://a.example", external));
    is_not("xl/_rels/externalLink1.xml.rels", &rels("externalLinkPath", "b.xlsx", external));
    let field = |text: &str| format!("<w:p><w:instrText>{text}</w:instrText></w:p>");
    is("word/document.xml", &field("DDEAUTO c:\\\\windows\\\\cmd.exe"), "office dde");
    let cut = format!("{}{}", field("DD"), field("EAUTO calc"));
    is("word/document.xml", &cut, "office dde");
    is("word/header1.xml", "<w:fldSimple w:instr=' DDE calc '>", "office dde");
    is_not("word/document.xml", &field("PAGE \\* MERGEFORMAT"));
    is_not("word/document.xml", "<w:p>DDE is an old way to exchange data.</w:p>");
    is_not("Basic/script-lc.xml", "<a/>");
    is("AppxManifest.xml", "<Package/>", "zip windows app");
    is("META-INF/MANIFEST.MF", "Main-Class: a", "zip java");
    is_not("META-INF/MANIFEST.MF", "Manifest-Version: 1.0");
    is("META-INF/manifest.xml", "<manifest:encryption-data/>", "opendocument encrypted");
    let utf16: Vec<u8> =
        "\u{FEFF}<w:instrText>DDE a".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let names = ["word/document.xml".to_owned()];
    let item = Item { names: &names, types: &[], bytes: &utf16 };
    let found = crate::inspect::with_inspection(&Lists::default(), |look| {
        documents::member(&item, look, &mut Budget::new(Limits::default()));
    });
    assert_eq!(found.len(), 1, "{found:?}");
}
