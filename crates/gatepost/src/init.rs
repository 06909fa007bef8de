//! `gatepost init`: settings, data folder, first account, and the DNS records to publish.

use crate::cli::{Global, InitArgs};
use crate::output;
use anyhow::{Context, Result, bail};
use mail::{Address, Domain};
use nix::unistd::User;
use std::fs::{DirBuilder, OpenOptions, Permissions};
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _, chown};
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
    if hostname.as_str().contains('_') {
        bail!("{hostname}: a host name has letters, digits and hyphens alone (RFC 5321 §2.3.5)");
    }
    let address = account(args)?;
    let user = system_user(&args.user)?;
    let data = std::path::absolute(&args.data)
        .with_context(|| format!("{} is no folder", args.data.display()))?;
    private_folder(&data)?;
    let text = settings_text(&hostname, &args.user, &data);
    let settings =
        config::Settings::from_str(&text, &global.config).map_err(crate::offline::problems)?;
    let password = admin::password::generate()?;
    let hash = policy::password::hash(&password)?;
    let runtime = crate::serve::runtime()?;
    let planned = runtime.block_on(async {
        let store = crate::engine::make(&settings, &global.clock()).await?;
        if store.directory().domain(&args.domain).is_none() {
            store.add_domain(&args.domain).await?;
        }
        admin::dkim::make_missing(&store, &global.clock(), &args.domain).await?;
        let account = store::NewAccount {
            address: address.clone(),
            password_hash: hash,
            quota: None,
            admin: true,
        };
        store.add_account(account).await?;
        let planned = planned(&args.domain, &settings, &store);
        store.close().await;
        anyhow::Ok(planned)
    })?;
    write_settings(&global.config, &text)?;
    if let Some(user) = user {
        hand_over(&user, &data, &global.config)?;
    }
    let mut records = addresses(&hostname);
    records.extend(planned);
    report(global, args, &data, &records, &address, &password)?;
    Ok(ExitCode::SUCCESS)
}

/// The first account's address: a name that can be typed without quotes wherever one logs in.
fn account(args: &InitArgs) -> Result<Address> {
    let address = Address::at(&args.account, &args.domain)?;
    if address.to_string().starts_with('"') {
        bail!("--account {:?}: it would have to be written as {address}", args.account);
    }
    Ok(address)
}

/// Whom the server's files are for: as root the user that it becomes, who must be there before
/// anything is made; otherwise whoever runs this.
fn system_user(name: &str) -> Result<Option<User>> {
    if !nix::unistd::geteuid().is_root() {
        return Ok(None);
    }
    net::privileges::check_user(name).with_context(|| {
        format!(
            "the server needs a user of its own; make it first (adduser --system --group {name}), \
             or name one with --user"
        )
    })?;
    Ok(User::from_name(name)?)
}

fn settings_text(hostname: &Domain, user: &str, data: &Path) -> String {
    let quoted = |text: &str| serde_json::Value::from(text).to_string();
    let default = config::settings::USER;
    let user = if user == default { String::new() } else { format!("user = {}\n", quoted(user)) };
    format!(
        "# Gatepost's settings. Everything not said here has a secure default: see the manual.\n\
         [server]\nhostname = \"{hostname}\"\n{user}\n[storage]\ndata = {}\n",
        quoted(&data.to_string_lossy())
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
        // There may be a password in it one day.
        .mode(0o640)
        .open(path)
        .with_context(|| format!("cannot write {}", path.display()))?;
    file.write_all(text.as_bytes())?;
    file.sync_all().with_context(|| format!("cannot write {}", path.display()))
}

/// Gives what root made to the user that the server runs as: the data, and the settings to read.
fn hand_over(user: &User, data: &Path, config: &Path) -> Result<()> {
    let (uid, gid) = (Some(user.uid.as_raw()), Some(user.gid.as_raw()));
    for path in walk(data) {
        chown(&path, uid, gid)
            .with_context(|| format!("cannot give {} to {}", path.display(), user.name))?;
    }
    chown(config, None, gid)
        .with_context(|| format!("cannot let {} read {}", user.name, config.display()))
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
    data: &Path,
    records: &[String],
    address: &Address,
    password: &str,
) -> Result<()> {
    if global.json {
        return output::json_line(&serde_json::json!({
            "config": global.config,
            "data": data,
            "user": args.user,
            "account": address,
            "password": password,
            "dns": records,
        }));
    }
    output::print(&format!(
        "Settings: {}\nData:     {}\n\nThe first account, shown this once:\n  {address}\n  {password}\n\n\
         DNS records to publish (again: gatepost domain dns {}):\n{}\n\nThen: gatepost serve{}",
        global.config.display(),
        data.display(),
        args.domain,
        records.iter().map(|r| format!("  {r}")).collect::<Vec<_>>().join("\n"),
        if global.config == Path::new(crate::cli::CONFIG) {
            String::new()
        } else {
            format!(" --config {}", global.config.display())
        }
    ))
}

/// What only the administrator knows.
fn addresses(hostname: &Domain) -> Vec<String> {
    vec![
        format!("{hostname}. A     <this machine's IPv4 address>"),
        format!("{hostname}. AAAA  <this machine's IPv6 address, if it has one>"),
        format!("(reverse) <this machine's address> PTR   {hostname}."),
    ]
}

/// What mail cannot do without, as lines of a zone file.
fn planned(domain: &Domain, settings: &config::Settings, store: &store::Store) -> Vec<String> {
    let doors = admin::records::named_doors(settings);
    let directory = store.directory();
    let keys = directory.dkim_keys_of(domain);
    let site = admin::records::Site { settings, keys, key_digest: None, doors: &doors };
    let plan = admin::records::plan(domain, &site);
    let needed = plan.records.iter().filter(|record| !record.optional);
    needed.map(|record| format!("{}. {} {}", record.name, record.kind, record.value)).collect()
}
