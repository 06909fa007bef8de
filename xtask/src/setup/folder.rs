//! A package unpacked into a folder of its own, with the libraries that the machine lacks.
//!
//! For mail servers where another is installed: as packages they would remove one another. Nothing
//! outside the folder changes. Programs are started through small wrappers in `bin`, because they
//! look for their libraries in the folders that the package would have had.

use super::apt::{is_known, quiet, update};
use anyhow::{Context, Result, ensure};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// The programs that tests use of it.
const PROGRAMS: &[&str] = &["smtp-source", "smtp-sink"];

/// Unpacks `package` into a folder below `peers`.
pub(super) fn install(package: &str, peers: &Path) -> Result<()> {
    let root = peers.join(package);
    let files = root.join("files");
    fs::create_dir_all(&files)?;
    if !is_known(package) {
        update()?;
    }
    let mut wanted = vec![package.to_owned()];
    wanted.extend(libraries(package)?);
    let status = quiet("apt-get").arg("download").args(&wanted).current_dir(&root).status()?;
    ensure!(status.success(), "apt-get could not download {}", wanted.join(", "));
    for entry in fs::read_dir(&root)? {
        let path = entry?.path();
        if path.extension().is_some_and(|ending| ending == "deb") {
            let status = quiet("dpkg").arg("-x").arg(&path).arg(&files).status()?;
            ensure!(status.success(), "dpkg could not unpack {}", path.display());
            fs::remove_file(&path)?;
        }
    }
    let programs = peers.join("bin");
    fs::create_dir_all(&programs)?;
    for program in PROGRAMS {
        wrap(&files, program, &programs.join(program))?;
    }
    Ok(())
}

/// The libraries it depends on that are not installed.
fn libraries(package: &str) -> Result<Vec<String>> {
    let output = quiet("apt-cache")
        .args(["depends", "--no-recommends", "--no-suggests", "--no-conflicts", "--no-breaks"])
        .args(["--no-replaces", "--no-enhances", "--recurse", package])
        .output()
        .context("cannot start apt-cache")?;
    let mut names: Vec<String> = String::from_utf8_lossy(&output.stdout)
        .lines()
        .filter_map(|line| line.trim().strip_prefix("Depends: lib"))
        .map(|rest| format!("lib{rest}"))
        .filter(|name| !name.contains(['<', ':']) && !is_installed(name))
        .collect();
    names.sort();
    names.dedup();
    Ok(names)
}

fn is_installed(package: &str) -> bool {
    quiet("dpkg-query")
        .args(["--show", "--showformat", "${db:Status-Status}", package])
        .output()
        .is_ok_and(|output| output.stdout == b"installed")
}

fn wrap(files: &Path, program: &str, wrapper: &Path) -> Result<()> {
    let files = files.display();
    let text = format!(
        "#!/bin/sh\nlib={files}/usr/lib\n\
         LD_LIBRARY_PATH=$lib/postfix:$(echo \"$lib\"/*-linux-gnu*) \
         exec {files}/usr/sbin/{program} \"$@\"\n"
    );
    fs::write(wrapper, text)?;
    fs::set_permissions(wrapper, fs::Permissions::from_mode(0o755)).context("chmod")
}
