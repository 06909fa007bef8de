//! What must hold for any address, shared by the fuzz target and the test that replays its corpus.

use mail::address_list::AddressList;
use mail::{Address, Domain, ForwardPath, ReversePath};

/// Addresses, paths, domains and lists of addresses.
pub(crate) fn exercise(bytes: &[u8]) {
    let list = AddressList::parse(bytes);
    for address in list.addresses() {
        assert_eq!(Address::parse(&address.to_string()).as_ref(), Ok(address));
    }
    let text = String::from_utf8_lossy(bytes);
    if let Ok(domain) = Domain::parse(&text) {
        assert_eq!(Domain::parse(domain.as_str()), Ok(domain.clone()));
        assert_eq!(Domain::parse(&domain.to_unicode()), Ok(domain));
    }
    match Address::parse(&text) {
        Ok(address) => {
            let shown = address.to_string();
            assert!(shown.len() <= 254 && !shown.contains(char::is_control), "{shown:?}");
            let in_brackets = ReversePath::parse(&format!("<{shown}>"));
            assert_eq!(Address::parse(&shown).as_ref(), Ok(&address));
            assert_eq!(in_brackets, Ok(ReversePath::Address(address)));
        }
        Err(error) => assert!(error.at <= text.len(), "{error} in {text:?}"),
    }
    if let Err(error) = ForwardPath::parse(&text) {
        assert!(error.at <= text.len(), "{error} in {text:?}");
    }
    mail::address::view(&text);
}
