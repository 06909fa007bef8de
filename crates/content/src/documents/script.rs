//! Scripts under names that are none: texts that no letter is written like.

use crate::Class;
use crate::inspect::{Inspection, Item};
use crate::magic;
use aho_corasick::AhoCorasick;
use std::sync::LazyLock;

/// Bytes that are read: a script does not begin with a book.
const HEAD_MAX: usize = 64 * 1024;
/// So many different words together are code; one or two stand in a letter about code too.
const WORDS_FROM: usize = 3;

const WORDS: &[&str] = &[
    "CreateObject(",
    "WScript.Shell",
    "WScript.CreateObject",
    "Scripting.FileSystemObject",
    "MSXML2.XMLHTTP",
    "ADODB.Stream",
    "new ActiveXObject",
    "Shell.Application",
    ".ShellExecute",
    ".SaveToFile",
    ".ResponseBody",
    "WScript.ScriptFullName",
    "On Error Resume Next",
    "ExecuteGlobal",
    "powershell -",
    "powershell.exe",
    "-EncodedCommand",
    "-ExecutionPolicy",
    "-WindowStyle Hidden",
    "Invoke-Expression",
    "Invoke-WebRequest",
    "DownloadString(",
    "DownloadFile(",
    "New-Object ",
    "FromBase64String",
    "[Reflection.Assembly]",
    "Start-Process",
    "IEX(",
    "cmd /c ",
    "cmd.exe /c",
    "certutil -",
    "bitsadmin ",
    "mshta ",
    "regsvr32 ",
    "rundll32 ",
    "schtasks /create",
    "%TEMP%\\",
    "%APPDATA%\\",
    "$env:TEMP",
    "$env:APPDATA",
];

static FINDER: LazyLock<Option<AhoCorasick>> =
    LazyLock::new(|| AhoCorasick::builder().ascii_case_insensitive(true).build(WORDS).ok());

/// Looks at a text that has a name or type of its own. The text of a letter has none: whoever
/// writes about scripts sends no script.
pub(super) fn look(item: &Item<'_>, look: &mut Inspection<'_>) {
    let is_letter =
        item.names.is_empty() && item.types.iter().any(|kind| kind.starts_with("text/"));
    let Some(finder) = FINDER.as_ref().filter(|_| !is_letter) else { return };
    let text = magic::decoded(item.bytes.get(..HEAD_MAX).unwrap_or(item.bytes));
    let mut seen = Vec::new();
    for place in finder.find_iter(text.as_ref()) {
        let number = place.pattern().as_usize();
        if !seen.contains(&number) {
            seen.push(number);
        }
        if seen.len() == WORDS_FROM {
            let word = WORDS.get(number).copied().unwrap_or_default();
            look.hit(Class::Script, "magic script", word);
            return;
        }
    }
}
