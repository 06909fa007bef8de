//! Every name and type that some reader takes out of a header.

use super::{mixed, see};

fn check(header: &str, names: &[&str], types: &[&str]) {
    let message = mixed(&format!("{header}\r\n\r\nx"));
    let (seen, _) = see(message.as_bytes());
    let item = seen.iter().find(|item| item.part == Some(2) && item.content == b"x");
    let item = item.unwrap_or_else(|| panic!("nothing of {header}: {seen:?}"));
    for name in names {
        assert!(item.names.iter().any(|n| n == name), "{name} is not in {:?}", item.names);
    }
    assert!(names.is_empty() == item.names.is_empty(), "{:?} of {header}", item.names);
    for media_type in types {
        assert!(item.types.iter().any(|t| t == media_type), "{media_type} not in {:?}", item.types);
    }
}

#[test]
fn names() {
    let with = |value: &str| format!("Content-Disposition: attachment; {value}");
    check("Content-Type: text/plain", &[], &["text/plain"]);
    check(&with("filename=a.exe"), &["a.exe"], &[]);
    check(&with("name=a.exe"), &["a.exe"], &[]);
    check(&with("filename=a.txt; filename=b.exe"), &["a.txt", "b.exe"], &[]);
    check(&with("filename*=utf-8''a%2Eexe"), &["a.exe"], &[]);
    check(&with("filename*0=a.; filename*1=exe"), &["a.exe"], &[]);
    check(&with("filename*1=exe; filename*0=a."), &["a.exe", "exea."], &[]);
    check(&with("filename=\"=?utf-8?b?YS5leGU=?=\""), &["a.exe", "=?utf-8?b?YS5leGU=?="], &[]);
    check(&with("filename=\"a.exe"), &["a.exe"], &[]);
    check(&with("filename='a.exe'"), &["'a.exe'"], &[]);
    check(&with("filename=a (b).exe"), &["a (b).exe", "a"], &[]);
    check(&with("filename=\"a\\.exe\""), &["a.exe", "a\\.exe"], &[]);
    check("Content-Disposition: attachment filename=a.exe", &["a.exe"], &[]);
    check("Content-Disposition: filename=a.exe", &["a.exe"], &[]);
    check("Content-Disposition: filename=\"a.exe\"", &["a.exe"], &[]);
    check(&with("filename*=utf-8''%3D?utf-8?b?YS5leGU%3D?%3D"), &["a.exe"], &[]);
    check("Content-Description: a.exe", &["a.exe"], &[]);
    check("Content-Description: =?utf-8?q?a=2Eexe?=", &["a.exe"], &[]);
    check("Content-Location: http://x/a.exe", &["http://x/a.exe"], &[]);
    check("Content-Type: a/b; name=\"c.exe\"; x", &["c.exe"], &["a/b"]);
}

#[test]
fn types() {
    check("Content-Type: A/B", &[], &["a/b"]);
    check("Content-Type: a/b\r\nContent-Type: c/d", &[], &["a/b", "c/d"]);
    check("Content-Type: \"a/b\"", &[], &["a/b"]);
    check("Content-Type: (x) a/b", &[], &["a/b"]);
}
