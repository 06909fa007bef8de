//! `gatepost init`: settings, data folder, first account, and the DNS records to publish.

use crate::cli::{Global, InitArgs};
use crate::output;
use anyhow::{Context, Result, bail};
use mail::{Address, Domain};
use std::fs::{DirBuilder, OpenOptions, Permissions};
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;
use std::process::ExitCode;

/// Makes everything; refuses to touch settings that are there.
pub(crate) fn run(global: &Global, args: &InitArgs) -> Result<ExitCode> {
    crate::logging::start("warn", config::LogFormat::Text, global.clock());
    if global.config.exists() {
        bail!(
            "{} is there already; remove it first, or give --config FILE for another server",
            global.config.display()
        );
    }
    let hostname = match &args.hostname {
        Some(name) => name.clone(),
        None => Domain::parse(&format!("mail.{}", args.domain))?,
    };
    let address = Address::at(&args.account, &args.domain)?;
    private_folder(&args.data)?;
    let text = settings_text(&hostname, &args.data);
    let settings =
        config::Settings::from_str(&text, &global.config).map_err(crate::offline::problems)?;
    let password = admin::password::generate()?;
    let hash = policy::password::hash(&password)?;
    let runtime = crate::serve::runtime()?;
    runtime.block_on(async {
        let store = crate::engine::open(&settings, &global.clock()).await?;
        if store.directory().domain(&args.domain).is_none() {
            store.add_domain(&args.domain).await?;
        }
        let account = store::NewAccount {
            address: address.clone(),
            password_hash: hash,
            quota: None,
            admin: true,
        };
        store.add_account(account).await?;
        store.close().await;
        anyhow::Ok(())
    })?;
    write_settings(&global.config, &text)?;
    hand_over(&settings.server.user, &args.data, &global.config);
    report(global, args, &hostname, &address, &password)?;
    Ok(ExitCode::SUCCESS)
}

fn settings_text(hostname: &Domain, data: &Path) -> String {
    let quoted = serde_json::Value::from(data.to_string_lossy());
    format!(
        "# Gatepost's settings. Everything not said here has a secure default: see the manual.\n\
         [server]\nhostname = \"{hostname}\"\n\n[storage]\ndata = {quoted}\n"
    )
}

fn private_folder(folder: &Path) -> Result<()> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .with_context(|| format!("cannot make the data folder {}", folder.display()))?;
    // It may have been there with other rights.
    std::fs::set_permissions(folder, Permissions::from_mode(0o700))
        .with_context(|| format!("cannot close {} to others", folder.display()))
}

fn write_settings(path: &Path, text: &str) -> Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)
            .with_context(|| format!("cannot make the folder {}", folder.display()))?;
    }
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o644)
        .open(path)
        .with_context(|| format!("cannot write {}", path.display()))?;
    file.write_all(text.as_bytes())?;
    file.sync_all().with_context(|| format!("cannot write {}", path.display()))
}

/// Gives what root made to the user that the server runs as, if that user exists.
fn hand_over(user: &str, data: &Path, config: &Path) {
    if !nix::unistd::geteuid().is_root() {
        return;
    }
    let Ok(Some(user)) = nix::unistd::User::from_name(user) else {
        eprintln!(
            "gatepost: the user {user} does not exist yet; make it (adduser --system --group \
             {user}) and give it {}",
            data.display()
        );
        return;
    };
    for path in walk(data) {
        let given =
            std::os::unix::fs::chown(&path, Some(user.uid.as_raw()), Some(user.gid.as_raw()));
        if let Err(error) = given {
            eprintln!("gatepost: cannot give {} to {}: {error}", path.display(), user.name);
        }
    }
    let _ = config;
}

/// The folder and everything in it.
fn walk(folder: &Path) -> Vec<std::path::PathBuf> {
    let mut found = vec![folder.to_owned()];
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() && !path.is_symlink() {
            found.extend(walk(&path));
        } else {
            found.push(path);
        }
    }
    found
}

fn report(
    global: &Global,
    args: &InitArgs,
    hostname: &Domain,
    address: &Address,
    password: &str,
) -> Result<()> {
    let records = records(&args.domain, hostname);
    if global.json {
        return output::json_line(&serde_json::json!({
            "config": global.config,
            "data": args.data,
            "account": address,
            "password": password,
            "dns": records,
        }));
    }
    output::print(&format!(
        "Settings: {}\nData:     {}\n\nThe first account, shown this once:\n  {address}\n  {password}\n\n\
         DNS records to publish:\n{}\n\nThen: gatepost serve",
        global.config.display(),
        args.data.display(),
        records.iter().map(|r| format!("  {r}")).collect::<Vec<_>>().join("\n")
    ))
}

/// What must be in the DNS so that mail comes in and the name is believed.
fn records(domain: &Domain, hostname: &Domain) -> Vec<String> {
    vec![
        format!("{hostname}. A     <this machine's IPv4 address>"),
        format!("{hostname}. AAAA  <this machine's IPv6 address, if it has one>"),
        format!("{domain}. MX    10 {hostname}."),
        format!("{domain}. TXT   \"v=spf1 mx -all\""),
        format!(
            "_dmarc.{domain}. TXT   \"v=DMARC1; p=quarantine; rua=mailto:postmaster@{domain}\""
        ),
        format!("_pop3s._tcp.{domain}. SRV   10 1 995 {hostname}."),
        format!("(reverse) <this machine's address> PTR   {hostname}."),
    ]
}
