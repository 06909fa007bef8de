//! Which fields of a header a signature covers (RFC 6376 §5.4.2).

use crate::authentication::message::{Message, field_name};
use std::collections::HashMap;

/// Finds fields by name, from the bottom of the header.
pub(crate) struct Finder<'m> {
    fields: Vec<&'m [u8]>,
    /// Places of the fields of each name in lower case, from the top.
    places: HashMap<Vec<u8>, Vec<usize>>,
}

impl<'m> Finder<'m> {
    pub(crate) fn of(message: &'m Message<'_>) -> Self {
        let fields: Vec<&[u8]> = message.fields().collect();
        let mut places: HashMap<Vec<u8>, Vec<usize>> = HashMap::new();
        for (i, field) in fields.iter().enumerate() {
            places.entry(field_name(field).to_ascii_lowercase()).or_default().push(i);
        }
        Self { fields, places }
    }

    /// How many fields have this name, given in lower case.
    pub(crate) fn count(&self, name: &str) -> usize {
        self.places.get(name.as_bytes()).map_or(0, Vec::len)
    }

    /// The fields that a list of names in lower case stands for. Each time that a name stands
    /// there, it is the next field of that name above the one before; where none is left, it
    /// stands for nothing, so that a field added later spoils the signature.
    ///
    /// The field at `own` is the signature itself and never among them (RFC 6376 §3.7).
    pub(crate) fn select<'f>(
        &'f self,
        names: &'f [String],
        own: Option<usize>,
    ) -> impl Iterator<Item = &'m [u8]> + 'f {
        let mut taken: HashMap<&[u8], usize> = HashMap::new();
        names.iter().filter_map(move |name| {
            let places = self.places.get(name.as_bytes())?;
            let taken = taken.entry(name.as_bytes()).or_default();
            loop {
                *taken += 1;
                let place = *places.get(places.len().checked_sub(*taken)?)?;
                if Some(place) != own {
                    return self.fields.get(place).copied();
                }
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{Finder, Message};
    use mail::index::Index;

    #[test]
    fn fields_are_taken_from_the_bottom_each_once() {
        let text = b"A: 1\r\nB: 2\r\na : 3\r\nC: 4\r\nA: 5\r\n\r\n";
        let index = Index::of(text);
        let message = Message::at_hand(&index, text);
        let finder = Finder::of(&message);
        for (names, own, expected) in [
            ("a", None, "A: 5\r\n"),
            ("a a b a a", None, "A: 5\r\na : 3\r\nB: 2\r\nA: 1\r\n"),
            ("a a a", Some(2), "A: 5\r\nA: 1\r\n"),
            ("d c d", None, "C: 4\r\n"),
            ("c", Some(3), ""),
        ] {
            let names: Vec<String> = names.split(' ').map(str::to_owned).collect();
            let selected: Vec<&[u8]> = finder.select(&names, own).collect();
            assert_eq!(String::from_utf8_lossy(&selected.concat()), expected, "{names:?}");
        }
    }
}
