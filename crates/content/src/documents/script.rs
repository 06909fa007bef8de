//! Scripts under names that are none: texts that no letter is written like.

use crate::Class;
use crate::inspect::{Inspection, Item};
use crate::magic;
use aho_corasick::AhoCorasick;
use std::sync::LazyLock;

/// Bytes that are read: a script does not begin with a book.
const HEAD_MAX: usize = 64 * 1024;
/// What the different words of a text weigh together that is code. One stands in a letter about
/// code too.
const WEIGHT_FROM: u32 = 3;

/// Calls: words that hardly stand anywhere but in code.
const CALLS: &[&str] = &[
    "WScript.CreateObject",
    "new ActiveXObject",
    ".ShellExecute",
    "CreateObject(\"",
    "CreateObject('",
    "ExecuteGlobal",
    "DownloadString(",
    "[Reflection.Assembly]",
];

/// Names of what scripts use: two of them stand in a text about programs too.
const NAMES: &[&str] = &[
    "WScript.Shell",
    ".SaveToFile",
    "DownloadFile(",
    "IEX(",
    "Scripting.FileSystemObject",
    "MSXML2.XMLHTTP",
    "ADODB.Stream",
    "Shell.Application",
    ".ResponseBody",
    "WScript.ScriptFullName",
    "On Error Resume Next",
    "powershell -",
    "powershell.exe",
    "-EncodedCommand",
    "-ExecutionPolicy",
    "-WindowStyle Hidden",
    "Invoke-Expression",
    "Invoke-WebRequest",
    "New-Object ",
    "FromBase64String",
    "Start-Process",
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

static FINDER: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| {
    let words = CALLS.iter().chain(NAMES);
    AhoCorasick::builder().ascii_case_insensitive(true).build(words).ok()
});

/// Looks at a text that has a name or type of its own. The text of a letter has none: whoever
/// writes about scripts sends no script.
pub(super) fn look(item: &Item<'_>, look: &mut Inspection<'_>) {
    let is_letter =
        item.names.is_empty() && item.types.iter().any(|kind| kind.starts_with("text/"));
    let Some(finder) = FINDER.as_ref().filter(|_| !is_letter) else { return };
    let text = magic::decoded(item.bytes.get(..HEAD_MAX).unwrap_or(item.bytes));
    let mut seen = Vec::new();
    let mut weight = 0;
    for place in finder.find_iter(text.as_ref()) {
        let number = place.pattern().as_usize();
        if seen.contains(&number) {
            continue;
        }
        seen.push(number);
        weight += if number < CALLS.len() { 2 } else { 1 };
        if weight >= WEIGHT_FROM {
            let word = CALLS.iter().chain(NAMES).nth(number).copied().unwrap_or_default();
            look.hit(Class::Script, "magic script", word);
            return;
        }
    }
}
