#![expect(clippy::unwrap_used, reason = "tests stop at the first surprise")]

use super::{HashError, Verdict, acceptable_hash, hash, verify};
use proptest::prelude::*;

const PASSWORD: &str = "correct horse";

/// Made by crypt(3) of Debian 12 and by Python's hashlib, all of `correct horse`.
const OLD_FORMS: &[&str] = &[
    "$1$dzIMduIV$osf2HldFLnDnP87FuymFp.",
    "$5$o19vqG.FNhRB.nzx$OE04qoK9g3WESZvYCNSXKFxHDzZ3zc1gTvigCfNY1A3",
    "$5$rounds=2000$saltstring$5Jm.h69KcY3fwMRMDAl4nQEUgGCOAjLPwKGTGaww3l8",
    "$6$ab$taQi2R/p.00nDn/0OiJ.5VXxxXle4RnNFdp1MRTAv1YDfnWjTzvJxb43j8XusV1GVxGhgSwzDrEJhwBIxU\
        w.Q/",
    "$6$N0RCxzWBeCd0R4No$V3..aMN6gtLEg006nVAM0ywMpJInlVr6FX214ag56KDOx73CmZSvmkXRn598mxEM5O3qu\
        8Po2HxUudwG4fwCd0",
    "$2b$04$Vwup/XraQCoqDM8sT3Qe6ecg1o2PkgyEYZ0I6DW0YqKEC.XmQlL2S",
    "$2y$05$abcdefghijklmnopqrstuuHNbAKRhpaujgo33bRWs.NLUTJO3lOy2",
    "KLiDSn.EdrCj6",
    "{CRYPT}$1$dzIMduIV$osf2HldFLnDnP87FuymFp.",
    "{MD5-CRYPT}$1$dzIMduIV$osf2HldFLnDnP87FuymFp.",
    "{MD5}$1$dzIMduIV$osf2HldFLnDnP87FuymFp.",
    "{SHA256-CRYPT}$5$rounds=2000$saltstring$5Jm.h69KcY3fwMRMDAl4nQEUgGCOAjLPwKGTGaww3l8",
    "{BLF-CRYPT}$2y$05$abcdefghijklmnopqrstuuHNbAKRhpaujgo33bRWs.NLUTJO3lOy2",
    "{CRYPT.b64}JDEkZHpJTWR1SVYkb3NmMkhsZEZMbkRuUDg3RnV5bUZwLg==",
    "{SHA}L55TUjtiq8FBorTWAZ0jy6g129A=",
    "{SHA1}L55TUjtiq8FBorTWAZ0jy6g129A=",
    "{SSHA}LhKrkM9Fy+zlstjdD7Kv2s6QvhBzYWx0",
    "{sha.hex}2f9e53523b62abc141a2b4d6019d23cba835dbd0",
    "{SHA256}QQTTb42iwlQ0n4WDZ5Pr4CngyVcGOjTJHC6SAxh7VjE=",
    "{SSHA256}n+NyCAC8BTzorAU7AQEsEfh4qDAh0HpRtPLX0dsQdApzYWx0",
    "{SSHA256.hex}9fe3720800bc053ce8ac053b01012c11f878a83021d07a51b4f2d7d1db10740a73616c74",
    "{SHA512}VraY3v7bWkNbY0r+MyC7rz/c2SC2xQOkRvx7endrKY1HnRumqLYXgI6wv1ec6aldZoNHvKtxSQhayTyye\
        ZUZew==",
    "{SSHA512}MObRFvUHqU5pLIXjc0HkeJH+PKVdEQk34oSyXkDftCxTU6Fk9rWjilWA553MtCFyazGhAOPiDyO1Rv1hnd\
        A96XNhbHQ=",
    "{PLAIN-MD5}3cb4e732631f47e6eb961f34554b7cde",
    "{LDAP-MD5}PLTnMmMfR+brlh80VUt83g==",
    "{SMD5}D4rOOyuX/Dgg3vClp5z5OnNhbHQ=",
    "{PBKDF2}$1$NaCl$5000$0b0d23938ec9ceb345d48dec817cd042e77d71f4",
];

#[test]
fn what_other_servers_keep_is_checked_and_made_anew() {
    for stored in OLD_FORMS {
        assert_eq!(acceptable_hash(stored).as_deref(), Ok(*stored));
        assert_eq!(verify(stored, PASSWORD), Verdict::GoodRehash, "{stored}");
        assert_eq!(verify(stored, "Correct horse"), Verdict::Bad, "{stored}");
        assert_eq!(verify(stored, ""), Verdict::Bad, "{stored}");
    }
    // A byte above 127 is where the old `$2a$` of other programs went wrong.
    let eight_bit = "$2a$05$abcdefghijklmnopqrstuuZVEMa1pjhlynBQ1qXmSvGBJpN9h1w8G";
    assert_eq!(verify(eight_bit, "pässwörd"), Verdict::GoodRehash);
    assert_eq!(verify(eight_bit, "passwörd"), Verdict::Bad);
}

#[test]
fn our_own_form_is_salted_and_fresh() {
    let (one, two) = (hash(PASSWORD).unwrap(), hash(PASSWORD).unwrap());
    assert_ne!(one, two);
    assert!(one.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{one}");
    assert_eq!(verify(&one, PASSWORD), Verdict::Good);
    assert_eq!(verify(&format!("{{ARGON2ID}}{one}"), PASSWORD), Verdict::Good);
    assert_eq!(verify(&one, "correct horse "), Verdict::Bad);
    assert_eq!(hash(""), Err(HashError::Length));
    assert_eq!(hash(&"x".repeat(1_025)), Err(HashError::Length));
}

#[test]
fn a_cheaper_argon2_is_made_anew() {
    let cheap = argon2::Params::new(64, 1, 1, None).unwrap();
    let cheap = argon2::Argon2::new(argon2::Algorithm::Argon2id, argon2::Version::V0x13, cheap);
    let cheap = argon2::PasswordHasher::hash_password(&cheap, PASSWORD.as_bytes()).unwrap();
    assert_eq!(verify(&cheap.to_string(), PASSWORD), Verdict::GoodRehash);
}

#[test]
fn a_password_in_the_clear_is_hashed_at_once() {
    for (text, password) in
        [("{PLAIN}correct horse", PASSWORD), ("{cleartext.b64}Y29ycmVjdCBob3JzZQ==", PASSWORD)]
    {
        let stored = acceptable_hash(text).unwrap();
        assert!(stored.starts_with("$argon2id$"), "{stored}");
        assert_eq!(verify(&stored, password), Verdict::Good);
    }
}

#[test]
fn what_is_refused_says_why() {
    let check = |text: &str, expected: &str| {
        let shown = acceptable_hash(text).map_err(|e| e.to_string());
        assert!(shown.as_ref().is_err_and(|e| e.contains(expected)), "{text}: {shown:?}");
        assert!(matches!(verify(text, PASSWORD), Verdict::Unknown), "{text}");
    };
    let sum = "A".repeat(53);
    check("", "empty");
    check("secret", "{PLAIN}password");
    check("!", "locked");
    check("*LK*", "locked");
    check("!$6$ab$xyz", "locked");
    check("$y$j9T$abc$def", "yescrypt");
    check("$7$abc", "yescrypt");
    check("$9$abc", "not known");
    check(&format!("$2x$05${sum}"), "not known");
    check(&format!("$2y$14${sum}"), "the cost is above the limit of 13");
    check(&format!("$2y$31${sum}"), "the cost is above the limit of 13");
    check(&format!("$2y$99${sum}"), "above the limit");
    check(&format!("$2y$03${sum}"), "the cost is wrong");
    check(&format!("$2y$5${sum}"), "not of the form");
    check(&format!("$2y$05${}é", "A".repeat(51)), "not of the form");
    let six = "B".repeat(86);
    check(&format!("$6$rounds=999999999$ab${six}"), "rounds is above the limit");
    check(&format!("$6$rounds=99999999999999$ab${six}"), "rounds is above the limit");
    check(&format!("$6$rounds=10$ab${six}"), "rounds is wrong");
    check(&format!("$6$rounds=-1$ab${six}"), "rounds is wrong");
    check(&format!("$6$a b${six}"), "salt");
    check("$6$ab$short", "not of the form");
    check("$1$toolongsalt$osf2HldFLnDnP87FuymFp.", "not of the form");
    check("$1$salt\u{1}$osf2HldFLnDnP87FuymFp.", "control");
    check("$argon2id$v=19$m=4194304,t=2,p=1$c2FsdHNhbHQ$aGFzaGhhc2hoYXNo", "memory");
    check("$argon2id$v=19$m=1024,t=4000000,p=1$c2FsdHNhbHQ$aGFzaGhhc2hoYXNo", "passes");
    check("$argon2id$v=19$m=65536,t=1,p=255$c2FsdHNhbHQ$aGFzaGhhc2hoYXNo", "lanes");
    check("$argon2id$v=19$m=1024,t=1,p=1$c2FsdHNhbHQ", "without salt or hash");
    check("{SHA}abc", "SHA");
    check("{SHA}LhKrkM9Fy+zlstjdD7Kv2s6QvhBzYWx0", "wrong length");
    check("{SSHA}L55TUjtiq8FBorTWAZ0jy6g129A=", "wrong length");
    check("{PBKDF2}$1$NaCl$4000000000$0b0d23938ec9ceb345d48dec817cd042e77d71f4", "rounds");
    check("{PBKDF2}$1$NaCl$0$0b0d23938ec9ceb345d48dec817cd042e77d71f4", "rounds");
    check("{CRAM-MD5}abcdef", "another protocol");
    check("{WHAT}abcdef", "not known");
    check("{PLAIN}", "not known");
}

proptest! {
    #[test]
    fn no_text_makes_it_fall_over(text in "(\\{[A-Z0-9.-]{0,12}\\})?[$a-zA-Z0-9=,./+é ]{0,80}") {
        let _ = super::forms::parse(&text);
        let _ = super::forms::parse(&format!("$1${text}"));
        let _ = super::forms::parse(&format!("$6$rounds={text}"));
        let _ = super::forms::parse(&format!("$argon2id$v=19$m={text}"));
    }
}
