//! `gatepost sign`: a message with a signature before it, on standard output. Needs neither
//! settings nor server; `sign arc` asks the DNS for the keys of the chain that is there.

use crate::cli::{Global, SignCommand, SignerArgs};
use crate::message_file::MessageFile;
use crate::{message_file, output, verify};
use anyhow::{Context, Result};
use filter::authentication::dkim::{self, Signer, SigningKey};
use filter::authentication::message::Message;
use filter::authentication::{arc, evidence, results};
use mail::index::Index;
use std::io::Read;
use std::path::Path;
use std::process::ExitCode;

/// Bytes of a key file that are read; what is larger is no key, and is told so.
const KEY_MAX: u64 = 64 * 1024 + 1;

/// `gatepost sign dkim|arc FILE`
pub(crate) fn run(global: &Global, command: &SignCommand) -> Result<ExitCode> {
    let (file, args) = match command {
        SignCommand::Dkim { file, signer } | SignCommand::Arc { file, signer, .. } => {
            (file, signer)
        }
    };
    let signer = signer(args)?;
    let file = message_file::read(file)?;
    let index = Index::of(&file.bytes);
    let message = Message::at_hand(&index, &file.bytes);
    let fields = crate::serve::runtime()?.block_on(async {
        match command {
            SignCommand::Dkim { .. } => {
                let now = global.clock().now();
                Ok(dkim::sign(&message, &[&signer], now, None).await?)
            }
            SignCommand::Arc { results, .. } => {
                sealed(global, &message, &signer, results.as_deref()).await
            }
        }
    })?;
    print(global, &fields, &file)
}

fn signer(args: &SignerArgs) -> Result<Signer> {
    let key = key(&args.key).with_context(|| format!("cannot sign with {}", args.key.display()))?;
    Ok(Signer { domain: args.domain.clone(), selector: args.selector.clone(), key })
}

fn key(file: &Path) -> Result<SigningKey> {
    let mut pem = Vec::new();
    std::fs::File::open(file)?.take(KEY_MAX).read_to_end(&mut pem)?;
    Ok(SigningKey::read(mail::Secret::new(pem).expose())?)
}

/// The fields of a new set, after the chain was verified. Without results of the user's those
/// count that can be found in the message itself.
async fn sealed(
    global: &Global,
    message: &Message<'_>,
    signer: &Signer,
    results: Option<&str>,
) -> Result<String> {
    let now = global.clock().now();
    let signed = verify::signed(&*global.resolver()?, message, now).await?;
    let found = || {
        let mut told = evidence::dkim_results(&signed.dkim);
        told.push((&signed.arc).into());
        let field = results::field(&signer.domain, &told);
        field.split_once(':').map(|(_, value)| value.to_owned()).unwrap_or_default()
    };
    let results = results.map_or_else(found, str::to_owned);
    Ok(arc::seal(message, &signed.arc, &results, signer, now).await?)
}

fn print(global: &Global, fields: &str, file: &MessageFile) -> Result<ExitCode> {
    if global.json {
        let repaired = file.repaired;
        output::json_line(
            &serde_json::json!({ "fields": fields, "line_ends_repaired": repaired }),
        )?;
    } else {
        if file.repaired {
            output::complain("lines ended with LF alone: signed and printed with CRLF");
        }
        output::bytes(&[fields.as_bytes(), &file.bytes])?;
    }
    Ok(ExitCode::SUCCESS)
}
