use super::samples::{base64, deflated, hex};
use super::{PROGRAM, check};
use crate::Class::{ActivePdf, EmbeddedObject, Encrypted, Macro, Program};

fn pdf(objects: &[&[u8]]) -> Vec<u8> {
    let mut bytes = b"%PDF-1.7\n%\xE2\xE3\xCF\xD3\n".to_vec();
    for (number, object) in objects.iter().enumerate() {
        bytes.extend(format!("{} 0 obj\n", number + 1).bytes());
        bytes.extend(*object);
        bytes.extend(b"\nendobj\n");
    }
    bytes.extend(b"trailer\n<</Root 1 0 R>>\nstartxref\n0\n%%EOF\n");
    bytes
}

fn stream(dictionary: &str, data: &[u8]) -> Vec<u8> {
    let head = format!("<<{dictionary}/Length {}>>\nstream\r\n", data.len());
    [head.as_bytes(), data, b"\nendstream"].concat()
}

#[test]
fn plain_files_are_harmless() {
    let page = stream("/Filter/FlateDecode", &deflated(&b"BT (Hello /JS) Tj ET ".repeat(100)));
    let link = b"<</Type/Annot/Subtype/Link/A<</S/URI/URI(https://a.example)>>>>";
    check("a.pdf", &pdf(&[b"<</Type/Catalog/Pages 2 0 R>>", &page, link]), &[]);
    check("", &pdf(&[b"<</Type/Catalog/OpenAction[3 0 R/Fit]>>"]), &[]);
    // Short names come by chance in data.
    check("a.pdf", &pdf(&[&stream("", b"\x01/JS \x02/XFA(\xFF")]), &[]);
}

#[test]
fn what_acts_is_found() {
    let script = [(ActivePdf, "pdf script")];
    check("a.pdf", &pdf(&[b"<</OpenAction<</S/JavaScript/JS(app.alert\\(1\\))>>>>"]), &script);
    check("a.pdf", &pdf(&[b"<</S/J#61va#53cript/#4a#53 2 0 R>>"]), &script);
    check("a.txt", &pdf(&[b"<</S/JavaScript>>"]), &script);
    let late = [b"junk\n".as_slice(), &pdf(&[b"<</JS (a)>>"])].concat();
    check("a.pdf", &late, &script);
    let launch = pdf(&[b"<</S/Launch/Win<</F(cmd.exe)/P(/c a)>>>>"]);
    check("a.pdf", &launch, &[(ActivePdf, "pdf launch"), (Program, "name exe")]);
    let import = pdf(&[b"<</S/ImportData/F(\\\\\\\\a.example\\\\b)>>"]);
    check("a.pdf", &import, &[(ActivePdf, "pdf import")]);
    check("a.pdf", &pdf(&[b"<</XFA 3 0 R>>"]), &[(ActivePdf, "pdf xfa form")]);
    let objects = deflated(b"5 0 <</S/JavaScript/JS(a)>>");
    check("a.pdf", &pdf(&[&stream("/Type/ObjStm/N 1/Filter/FlateDecode", &objects)]), &script);
    let twice = hex(&objects);
    let filters = "/Type /ObjStm /Filter [ /AHx /Fl ]";
    check("a.pdf", &pdf(&[&stream(filters, twice.as_bytes())]), &script);
    // A table may point into what looks like the data of a stream.
    check("a.pdf", &pdf(&[&stream("", b"<</S/JavaScript/JS(a)>>")]), &script);
}

#[test]
fn embedded_files_are_looked_into() {
    let rules = [(Program, "magic mz")];
    let plain = stream("/Type/EmbeddedFile", PROGRAM);
    check("a.pdf", &pdf(&[&plain]), &rules);
    let packed = stream("/Filter/FlateDecode", &deflated(PROGRAM));
    let spec = b"<</Type/Filespec/F(a.scr)/UF<FEFF0061002E007300630072>/EF<</F 2 0 R>>>>";
    let rules = [(Program, "magic mz"), (Program, "name scr")];
    check("a.pdf", &pdf(&[spec, &packed]), &rules);
    let table = super::samples::compound(&[("Macros/VBA/dir", b"a")]);
    let table = stream("/Type/EmbeddedFile/Filter/FlateDecode", &deflated(&table));
    check("a.pdf", &pdf(&[&table]), &[(Macro, "ole vba")]);
    let lost = b"<</EF<</F 99 0 R>>>>";
    check("a.pdf", &pdf(&[lost]), &[(ActivePdf, "pdf embedded file")]);
}

/// Factur-X and ZUGFeRD: an invoice that holds itself as data.
#[test]
fn an_invoice_with_its_data_is_harmless() {
    let data = stream(
        "/Type/EmbeddedFile/Subtype/text#2Fxml/Filter/FlateDecode",
        &deflated(b"<?xml version='1.0'?><rsm:CrossIndustryInvoice/>"),
    );
    let spec = b"<</F(factur-x.xml)/UF(factur-x.xml)/EF<</F 2 0 R>>>>";
    check("a.pdf", &pdf(&[spec, &data]), &[]);
}

#[test]
fn what_is_encrypted_is_told() {
    let mut bytes = pdf(&[b"<</Type/Catalog>>"]);
    bytes.extend(b"trailer<</Encrypt 5 0 R>>");
    check("a.pdf", &bytes, &[(Encrypted, "pdf encrypted")]);
}

#[test]
fn notebooks_give_their_files() {
    let guid = b"\xE7\x16\xE3\xBD\x65\x26\x11\x45\xA4\xC4\x8D\x4D\x0B\x7A\x9E\xAC";
    let mut bytes = b"\xE4R\\{\x8C\xD8\xA7M\xAE\xB1Sx\xD0)\x96\xD3".to_vec();
    bytes.extend([0; 1_000]);
    let mut add = |content: &[u8]| {
        bytes.extend(guid);
        bytes.extend((content.len() as u64).to_le_bytes());
        bytes.extend([0; 12]);
        bytes.extend(content);
        bytes.clone()
    };
    check("", &add(b"\x89PNG\r\n\x1A\n and a picture"), &[]);
    let rules = [(EmbeddedObject, "onenote file"), (Program, "magic mz")];
    check("", &add(PROGRAM), &rules);
}

#[test]
fn saved_pages_give_their_parts() {
    let compound = super::samples::compound(&[("Macros/VBA/dir", b"a")]);
    let mut active = b"ActiveMime\0\0\x01\xF0".to_vec();
    active.resize(0x32, 0);
    active.extend(deflated(&compound));
    let page = format!(
        "MIME-Version: 1.0\r\nContent-Type: multipart/related; boundary=\"a\"\r\n\r\n--a\r\n\
         Content-Type: text/html\r\n\r\n<html>\r\n--a\r\nContent-Transfer-Encoding: base64\r\n\
         Content-Type: application/x-mso\r\n\r\n{}\r\n--a--\r\n",
        base64(&active)
    );
    let rules = [(Macro, "active mime"), (Macro, "ole vba")];
    check("a.doc", page.as_bytes(), &rules);
    let inner =
        format!("Subject: a\r\nMIME-Version: 1.0\r\nContent-Type: message/rfc822\r\n\r\n{page}");
    check("a.eml", inner.as_bytes(), &rules);
    check("", inner.as_bytes(), &rules);
    check("a.txt", b"Mind: MIME-Version: and Content-Type: are header fields.\n", &[]);
}
