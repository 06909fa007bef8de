#![expect(clippy::unwrap_used, reason = "tests stop at the first surprise")]

use super::{canonical, generate, prove, salt, verifier};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use mail::Secret;
use mail::scram::Attempt;
use std::collections::HashSet;

fn secret(text: &str) -> Secret<String> {
    Secret::new(text.to_owned())
}

/// RFC 7677 §3.
fn example() -> Attempt {
    let proof = STANDARD.decode("dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=").unwrap();
    Attempt {
        user: "user".to_owned(),
        plus: false,
        salt: STANDARD.decode("W22ZaJ0SNY7soEsUEjb6gQ==").unwrap(),
        iterations: 4_096,
        auth_message: "n=user,r=rOprNGfwEbeRWgbNEkqO,\
            r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,\
            i=4096,c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"
            .to_owned(),
        proof: Secret::new(proof.try_into().unwrap()),
    }
}

#[test]
fn the_example_of_rfc_7677_is_proved() {
    let attempt = example();
    let kept = verifier(&secret("pencil"), &attempt.salt, 4_096);
    let signature = prove(&kept, &attempt).unwrap();
    assert_eq!(STANDARD.encode(signature), "6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=");
    assert_eq!(format!("{kept:?}"), "***");
    for wrong in ["Pencil", "pencil ", ""] {
        let kept = verifier(&secret(wrong), &attempt.salt, 4_096);
        assert_eq!(prove(&kept, &attempt), None, "{wrong}");
    }
}

#[test]
fn nothing_of_an_attempt_may_be_another() {
    let kept = verifier(&secret("pencil"), &example().salt, 4_096);
    let mut other = example();
    other.auth_message.push('x');
    assert_eq!(prove(&kept, &other), None);
    let mut other = example();
    other.proof.change(|proof| *proof.first_mut().unwrap() ^= 1);
    assert_eq!(prove(&kept, &other), None);
    // A proof of nothing, which fits a stored key of nothing.
    let mut other = example();
    other.proof.change(|proof| proof.fill(0));
    assert_eq!(prove(&kept, &other), None);
    let other = Attempt { iterations: 4_097, ..example() };
    assert_eq!(prove(&kept, &other), None);
    let other = Attempt { salt: vec![1; 16], ..example() };
    assert_eq!(prove(&kept, &other), None);
}

#[test]
fn they_are_readable_random_and_read_however_they_are_typed() {
    let made: HashSet<String> = (0..100).map(|_| generate().unwrap().expose().clone()).collect();
    assert_eq!(made.len(), 100);
    for password in &made {
        let groups: Vec<usize> = password.split('-').map(str::len).collect();
        assert_eq!(groups, [5, 5, 5, 5, 6], "{password}");
        let read = |typed: &str| canonical(typed).map(|read| read.expose().clone());
        assert_eq!(read(password).as_ref(), Some(password));
        for typed in [
            password.to_uppercase(),
            password.replace('-', ""),
            password.replace('-', " "),
            format!(" {password} "),
            password.replace('0', "O").replace('1', "l"),
            password.replace('1', "I"),
        ] {
            assert_eq!(read(&typed).as_ref(), Some(password), "{typed}");
        }
        for typed in [
            format!("{password}0"),
            password[1..].to_owned(),
            password.replace('-', "_"),
            format!("{}u", &password[1..]),
            format!("{}\u{fc}", &password[1..]),
            format!("{password}{}", "-".repeat(80)),
        ] {
            assert_eq!(read(&typed), None, "{typed}");
        }
    }
    let used: HashSet<char> = made.iter().flat_map(|password| password.chars()).collect();
    assert_eq!(used.len(), 33, "every letter of the alphabet and the hyphen occur");
}

#[test]
fn a_name_has_one_salt_and_a_store_its_own() {
    let (one, other) = (Secret::new([1; 32]), Secret::new([2; 32]));
    assert_eq!(salt(&one, "anna@ours.example"), salt(&one, "anna@ours.example"));
    assert_eq!(salt(&one, "anna@ours.example").len(), 16);
    assert_ne!(salt(&one, "anna@ours.example"), salt(&one, "bert@ours.example"));
    assert_ne!(salt(&one, "anna@ours.example"), salt(&other, "anna@ours.example"));
}
