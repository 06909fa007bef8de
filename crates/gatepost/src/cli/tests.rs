use super::Cli;
use clap::{Command, CommandFactory, Parser};

#[test]
fn the_command_line_is_consistent() {
    Cli::command().debug_assert();
}

/// Every command that does something, with the words that name it.
fn leaves(command: &Command, path: &str, found: &mut Vec<(String, String)>) {
    let mut below = command.get_subcommands().filter(|c| c.get_name() != "help").peekable();
    if below.peek().is_none() {
        let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
        found.push((path.to_owned(), help));
    }
    for command in below {
        leaves(command, &format!("{path} {}", command.get_name()), found);
    }
}

/// The command in a line of the help.
fn example(line: &str) -> &str {
    let line = line.trim_start();
    let behind = line.strip_prefix("Examples:").or(line.strip_prefix("Example:"));
    behind.unwrap_or(line).trim()
}

/// Words as a shell makes them; knows single quotes, and ends at what follows the command.
fn words(line: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut quoted = false;
    for c in line.chars() {
        match (c, words.last_mut()) {
            ('\'', _) => quoted = !quoted,
            (' ', _) if !quoted => words.push(String::new()),
            ('>' | '|' | '#', _) if !quoted => break,
            (c, Some(word)) => word.push(c),
            (_, None) => unreachable!("there is always a word"),
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

#[test]
fn every_command_has_an_example_that_is_one() {
    let mut found = Vec::new();
    leaves(&Cli::command(), "gatepost", &mut found);
    assert!(found.len() > 30, "{found:?}");
    for (path, help) in found {
        let examples: Vec<&str> = help.lines().map(example).filter(|e| !e.is_empty()).collect();
        assert!(!examples.is_empty(), "{path} --help has no example");
        for example in examples {
            assert!(example.starts_with(&path), "{path} --help shows: {example}");
            if let Err(error) = Cli::try_parse_from(words(example)) {
                panic!("{example}: {error}");
            }
        }
    }
}
