//! Pages of lists that are at hand as a whole.

use crate::request::CURSOR_WRONG;
use crate::{Error, Page, Paging};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// The page of `rows` that `paging` asks for, in the order of their keys.
///
/// The cursor holds the key of the last row shown, so a page stays right while rows come and go.
/// Only the rows of the page are turned into views.
///
/// # Errors
/// `paging` asks for what no page of this `list` can be.
pub(crate) fn page<T, V>(
    list: &str,
    rows: impl IntoIterator<Item = T>,
    paging: &Paging,
    key: impl Fn(&T) -> String,
    view: impl Fn(T) -> V,
) -> Result<Page<V>, Error> {
    let limit = paging.rows()?;
    let after = paging.cursor.as_deref().map(|cursor| open(list, cursor)).transpose()?;
    let keyed = rows.into_iter().map(|row| (key(&row), row));
    let mut rows: Vec<_> =
        keyed.filter(|(key, _)| after.as_ref().is_none_or(|after| key > after)).collect();
    rows.sort_by(|(a, _), (b, _)| a.cmp(b));
    let more = rows.len() > limit;
    rows.truncate(limit);
    let next = rows.last().filter(|_| more).map(|(key, _)| cursor(list, key));
    Ok(Page { rows: rows.into_iter().map(|(_, row)| view(row)).collect(), next })
}

/// A key as a cursor: one word that no shell minds, and that only its own list takes back.
fn cursor(list: &str, key: &str) -> String {
    URL_SAFE_NO_PAD.encode(format!("{list}:{key}"))
}

fn open(list: &str, cursor: &str) -> Result<String, Error> {
    let text = URL_SAFE_NO_PAD.decode(cursor).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    let key = text.as_deref().and_then(|text| text.strip_prefix(list)?.strip_prefix(':'));
    key.map(str::to_owned).ok_or_else(|| Error::Invalid(CURSOR_WRONG.to_owned()))
}

/// A number as a key: in the order of numbers.
pub(crate) fn number_key(number: i64) -> String {
    format!("{number:020}")
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::{cursor, number_key, page};
    use crate::{Error, Page, Paging};
    use proptest::prelude::*;

    fn numbers(rows: &[i64], limit: usize, cursor: Option<String>) -> Result<Page<i64>, Error> {
        page("numbers", rows, &Paging { limit, cursor }, |n| number_key(**n), |n| *n)
    }

    fn walk(rows: &[i64], limit: usize) -> Vec<i64> {
        let mut seen = Vec::new();
        let mut cursor = None;
        loop {
            let page = numbers(rows, limit, cursor).unwrap();
            assert!(page.rows.len() <= limit);
            seen.extend(page.rows);
            cursor = page.next;
            if cursor.is_none() {
                return seen;
            }
        }
    }

    #[test]
    fn the_limit_is_bounded_both_ways() {
        let rows: Vec<i64> = (0..1_500).collect();
        assert_eq!(numbers(&rows, 1_000, None).unwrap().rows.len(), 1_000);
        for limit in [0, 1_001, usize::MAX] {
            assert!(matches!(numbers(&rows, limit, None), Err(Error::Invalid(_))), "{limit}");
        }
    }

    #[test]
    fn a_cursor_is_one_word_and_belongs_to_its_list() {
        let mine = cursor("numbers", "a b@example.org's");
        assert!(mine.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b)), "{mine}");
        for wrong in ["garbage", "", "a b", &cursor("names", &number_key(1))] {
            let page = numbers(&[1, 2], 1, Some(wrong.to_owned()));
            assert!(matches!(page, Err(Error::Invalid(_))), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn pages_show_each_row_once(
            rows in proptest::collection::btree_set(0_i64.., 0..40), limit in 1_usize..9,
        ) {
            let rows: Vec<i64> = rows.into_iter().collect();
            let mut mixed = rows.clone();
            mixed.reverse();
            prop_assert_eq!(walk(&mixed, limit), rows);
        }
    }
}
