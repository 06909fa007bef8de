//! The store's SQL, said in PostgreSQL's words: three substitutions and nothing else.

/// Words that stand for another, outside of literals.
const WORDS: &[(&str, &str)] = &[("INTEGER", "BIGINT"), ("BLOB", "BYTEA")];
/// Dropped: PostgreSQL has no other kind of table.
const DROPPED: &str = "WITHOUT ROWID";

/// Translates one statement without comments.
pub(crate) fn translate(sql: &str) -> String {
    let mut translated = String::with_capacity(sql.len());
    for (n, part) in sql.split('\'').enumerate() {
        let is_literal = n % 2 == 1;
        if n > 0 {
            translated.push('\'');
        }
        if is_literal {
            translated.push_str(part);
        } else {
            translate_code(&part.replace(DROPPED, ""), &mut translated);
        }
    }
    translated
}

fn translate_code(code: &str, to: &mut String) {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '$';
    let mut rest = code;
    while !rest.is_empty() {
        let word = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
        let (word, after) = rest.split_at(word);
        let said = WORDS.iter().find(|(from, _)| *from == word).map_or(word, |(_, said)| said);
        to.push_str(said);
        let gap = after.find(is_word).unwrap_or(after.len());
        let (gap, after) = after.split_at(gap);
        to.push_str(gap);
        rest = after;
    }
}

#[cfg(test)]
mod tests {
    use super::translate;

    #[track_caller]
    fn check(sql: &str, expected: &str) {
        assert_eq!(translate(sql), expected);
    }

    #[test]
    fn whole_words_outside_of_literals_are_translated() {
        check("CREATE TABLE a (b INTEGER, c BLOB)", "CREATE TABLE a (b BIGINT, c BYTEA)");
        check("CAST(sum(x) AS INTEGER)", "CAST(sum(x) AS BIGINT)");
        check("a (b TEXT) WITHOUT ROWID", "a (b TEXT) ");
        check("x = 'INTEGER' AND INTEGERS = $1", "x = 'INTEGER' AND INTEGERS = $1");
        check("x = 'it''s a BLOB', BLOB", "x = 'it''s a BLOB', BYTEA");
        check("SELECT $1, ä FROM t", "SELECT $1, ä FROM t");
    }

    #[test]
    fn nothing_of_the_schema_is_left_untranslated() {
        for step in store::schema::steps_from(0).unwrap_or_default() {
            for statement in store::schema::statements(step.sql) {
                let translated = translate(&statement);
                for word in ["INTEGER", "BLOB", "ROWID"] {
                    assert!(!translated.contains(word), "{translated}");
                }
            }
        }
    }
}
