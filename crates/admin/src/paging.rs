//! Pages of lists that are at hand as a whole.

use crate::{Page, Paging};

/// The page of `rows` that `paging` asks for, in the order of their keys.
///
/// The cursor is the key of the last row shown, so a page stays right while rows come and go.
/// Only the rows of the page are turned into views.
pub(crate) fn page<T, V>(
    rows: impl IntoIterator<Item = T>,
    paging: &Paging,
    key: impl Fn(&T) -> String,
    view: impl Fn(T) -> V,
) -> Page<V> {
    let after = paging.cursor.as_deref();
    let keyed = rows.into_iter().map(|row| (key(&row), row));
    let mut rows: Vec<_> =
        keyed.filter(|(key, _)| after.is_none_or(|after| key.as_str() > after)).collect();
    rows.sort_by(|(a, _), (b, _)| a.cmp(b));
    let limit = paging.limit.clamp(1, Paging::LIMIT_MAX);
    let more = rows.len() > limit;
    rows.truncate(limit);
    let next = rows.last().filter(|_| more).map(|(key, _)| key.clone());
    Page { rows: rows.into_iter().map(|(_, row)| view(row)).collect(), next }
}

/// A number as a key: in the order of numbers.
pub(crate) fn number_key(number: i64) -> String {
    format!("{number:020}")
}

#[cfg(test)]
mod tests {
    use super::{number_key, page};
    use crate::Paging;
    use proptest::prelude::*;

    fn walk(rows: &[i64], limit: usize) -> Vec<i64> {
        let mut seen = Vec::new();
        let mut cursor = None;
        loop {
            let page = page(rows.iter(), &Paging { limit, cursor }, |n| number_key(**n), |n| *n);
            assert!(page.rows.len() <= limit.clamp(1, Paging::LIMIT_MAX));
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
        let first =
            |limit| page(&rows, &Paging { limit, cursor: None }, |n| number_key(**n), |n| n);
        assert_eq!(first(0).rows.len(), 1);
        assert_eq!(first(usize::MAX).rows.len(), 1_000);
    }

    proptest! {
        #[test]
        fn pages_show_each_row_once(
            rows in proptest::collection::btree_set(0_i64.., 0..40), limit in 0_usize..9,
        ) {
            let rows: Vec<i64> = rows.into_iter().collect();
            let mut mixed = rows.clone();
            mixed.reverse();
            prop_assert_eq!(walk(&mixed, limit), rows);
        }
    }
}
