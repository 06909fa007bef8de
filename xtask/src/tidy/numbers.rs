//! The numbers that only a reason changes: packages in the lock file, and exceptions.

use super::Complaint;
use anyhow::{Context, Result};
use serde::Deserialize;
use std::path::Path;

const FILE: &str = "xtask/tidy.toml";
/// Never more exceptions than these.
const EXCEPTIONS_MAX: usize = 5;

/// `xtask/tidy.toml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Numbers {
    packages_max: usize,
    exceptions: usize,
    #[serde(default)]
    exception: Vec<Exception>,
}

/// A rule that one file may break.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Exception {
    path: String,
    rule: String,
    reason: String,
}

/// Takes out what is excepted, and adds what is wrong with the numbers.
pub(super) fn check(root: &Path, complaints: Vec<Complaint>) -> Result<Vec<Complaint>> {
    let text = std::fs::read_to_string(root.join(FILE)).context(FILE)?;
    let numbers: Numbers = toml::from_str(&text).context(FILE)?;
    let lock = std::fs::read_to_string(root.join("Cargo.lock")).context("Cargo.lock")?;
    let mut left = except(&numbers, complaints);
    left.extend(packages(&lock, numbers.packages_max));
    left.extend(fallen(&numbers, committed(root).as_ref()));
    Ok(left)
}

fn except(numbers: &Numbers, complaints: Vec<Complaint>) -> Vec<Complaint> {
    let fits = |e: &Exception, c: &Complaint| e.path == c.path && e.rule == c.rule;
    let unused: Vec<Complaint> = numbers
        .exception
        .iter()
        .filter(|e| e.reason.is_empty() || !complaints.iter().any(|c| fits(e, c)))
        .map(|e| {
            wrong(format!(
                "the exception {} for {} is not needed, or has no reason",
                e.rule, e.path
            ))
        })
        .collect();
    let mut left: Vec<Complaint> =
        complaints.into_iter().filter(|c| !numbers.exception.iter().any(|e| fits(e, c))).collect();
    left.extend(unused);
    left
}

fn packages(lock: &str, max: usize) -> Option<Complaint> {
    let count = lock.lines().filter(|line| *line == "[[package]]").count();
    (count > max).then(|| {
        let text = format!(
            "{count} packages, packages_max is {max}: a dependency needs its reason, and the \
             number in {FILE} a commit that gives it"
        );
        Complaint::new("Cargo.lock", 0, "packages", text)
    })
}

/// The number is told, so that who adds an exception has to raise it in plain sight; and it may
/// only fall.
fn fallen(numbers: &Numbers, before: Option<&Numbers>) -> Vec<Complaint> {
    let mut complaints = Vec::new();
    if numbers.exceptions != numbers.exception.len() || numbers.exceptions > EXCEPTIONS_MAX {
        complaints.push(wrong(format!(
            "exceptions = {} but {} are listed; at most {EXCEPTIONS_MAX}",
            numbers.exceptions,
            numbers.exception.len()
        )));
    }
    if let Some(before) = before.filter(|before| before.exceptions < numbers.exceptions) {
        complaints.push(wrong(format!(
            "the number of exceptions may only fall; it was {}",
            before.exceptions
        )));
    }
    complaints
}

/// The file as it was committed before, where git can tell.
fn committed(root: &Path) -> Option<Numbers> {
    let output = std::process::Command::new("git")
        .args(["show", &format!("HEAD:{FILE}")])
        .current_dir(root)
        .stderr(std::process::Stdio::null())
        .output()
        .ok()?;
    toml::from_str(&String::from_utf8(output.stdout).ok()?).ok()
}

fn wrong(text: String) -> Complaint {
    Complaint::new(FILE, 0, "exceptions", text)
}

#[cfg(test)]
mod tests {
    use super::{Complaint, Exception, Numbers, except, fallen, packages};

    fn numbers(exceptions: usize, listed: &[(&str, &str)]) -> Numbers {
        let exception = listed
            .iter()
            .map(|(path, rule)| Exception {
                path: (*path).to_owned(),
                rule: (*rule).to_owned(),
                reason: "why".to_owned(),
            })
            .collect();
        Numbers { packages_max: 2, exceptions, exception }
    }

    #[test]
    fn an_exception_hides_its_rule_in_its_file_alone() {
        let complaints = || {
            vec![
                Complaint::new("a.rs", 1, "size", ""),
                Complaint::new("a.rs", 2, "width", ""),
                Complaint::new("b.rs", 1, "size", ""),
            ]
        };
        assert_eq!(except(&numbers(1, &[("a.rs", "size")]), complaints()).len(), 2);
        assert_eq!(except(&numbers(1, &[("c.rs", "size")]), complaints()).len(), 4);
    }

    #[test]
    fn the_number_of_exceptions_is_told_and_falls() {
        assert!(fallen(&numbers(0, &[]), None).is_empty());
        assert_eq!(fallen(&numbers(0, &[("a", "b")]), None).len(), 1);
        assert_eq!(fallen(&numbers(6, &[("a", "b"); 6]), None).len(), 1);
        let one = numbers(1, &[("a", "b")]);
        assert_eq!(fallen(&one, Some(&numbers(0, &[]))).len(), 1);
        assert!(fallen(&one, Some(&one)).is_empty());
    }

    #[test]
    fn one_package_too_many_is_seen() {
        let lock = "[[package]]\nname = \"a\"\n\n[[package]]\nname = \"b\"\n";
        assert!(packages(lock, 2).is_none());
        assert!(packages(lock, 1).is_some());
    }
}
