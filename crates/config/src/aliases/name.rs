//! The name of an alias.

use super::lines::Logical;
use mail::Address;

/// The name in lower case: a local part, or an address as [`Address::key`] has it.
pub(super) fn parse(alias: &Logical<'_>) -> Result<String, String> {
    let text = alias.name.trim();
    if text.is_empty() {
        return Err("the alias has no name".to_owned());
    }
    if super::goal::has_unquoted_at(text) {
        let address = Address::parse(text);
        return address.map(|a| a.key()).map_err(|e| format!("`{text}` is no address: {e}"));
    }
    super::goal::local_part(text).map(|local| local.key())
}
