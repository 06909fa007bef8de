//! Passwords that the server makes: for new accounts, shown once.

/// Letters and digits that nobody confuses when reading them out (Crockford's base 32).
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
/// Groups of five characters: 4 x 5 x 5 bits are 100 bits.
const GROUPS: usize = 4;

/// A random password of 100 bits, in groups: `k7m2q-9xptw-04hve-r8zsd`.
///
/// # Errors
/// The operating system gives no random bytes.
pub fn generate() -> std::io::Result<String> {
    let mut random = [0_u8; GROUPS * 5];
    getrandom::fill(&mut random)
        .map_err(|error| std::io::Error::other(format!("no random bytes: {error}")))?;
    let letters = random.iter().filter_map(|byte| ALPHABET.get(usize::from(byte % 32)));
    let mut password = String::with_capacity(GROUPS * 6);
    for (i, letter) in letters.enumerate() {
        if i > 0 && i % 5 == 0 {
            password.push('-');
        }
        password.push(char::from(*letter));
    }
    Ok(password)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::generate;
    use std::collections::HashSet;

    #[test]
    fn passwords_are_readable_and_never_the_same() {
        let made: HashSet<String> = (0..100).map(|_| generate().unwrap()).collect();
        assert_eq!(made.len(), 100);
        for password in &made {
            assert_eq!(password.split('-').map(str::len).collect::<Vec<_>>(), [5; 4], "{password}");
        }
        let used: HashSet<char> = made.iter().flat_map(|password| password.chars()).collect();
        assert_eq!(used.len(), 33, "every letter of the alphabet and the hyphen occur");
    }
}
