//! `man`.

use std::process::Command;

use crate::run::Shell;

#[test]
fn every_command_has_a_page_and_every_option_is_in_it() {
    let shell = Shell::new();
    let done = shell.run(&["man", "made/man1"]);
    assert_eq!((done.code, done.stdout.as_str(), done.stderr.as_str()), (0, "", ""));
    let page = |name: &str| std::fs::read_to_string(shell.path(&format!("made/man1/{name}.1"))).unwrap();

    let program = page("glue-ddb-crawler");
    for command in shell.commands() {
        let name = format!("glue-ddb-crawler-{command}");
        // roff writes a hyphen that stays one as `\-`.
        assert!(program.contains(&name.replace('-', r"\-")), "{name}");
        let page = page(&name).replace(r"\-", "-");
        for option in options(&shell.run(&[&command, "--help"]).stdout) {
            assert!(page.contains(&option), "{name}: {option}");
        }
    }
}

/// The long options that a help text lists.
fn options(help: &str) -> Vec<String> {
    let options: Vec<String> = help
        .lines()
        .filter_map(|line| {
            let option = line.trim_start().trim_start_matches("-h, ").strip_prefix("--")?;
            let end = option.find(|c: char| c != '-' && !c.is_ascii_alphabetic()).unwrap_or(option.len());
            Some(format!("--{}", &option[..end]))
        })
        .collect();
    assert!(options.contains(&"--region".to_owned()) && options.contains(&"--help".to_owned()), "{options:?}");
    options
}

/// groff is what `man` formats pages with on Linux.
#[test]
#[cfg(target_os = "linux")]
fn the_pages_format_without_a_warning() {
    let shell = Shell::new();
    assert_eq!(shell.run(&["man", "."]).code, 0);
    for page in std::fs::read_dir(shell.folder.path()).unwrap() {
        let page = page.unwrap().path();
        let output = Command::new("groff")
            .args(["-ww", "-K", "utf8", "-man", "-T", "utf8", "-P", "-cbou"])
            .arg(&page)
            .output()
            .expect("groff formats the pages; on Debian: apt-get install groff-base");
        assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{}", page.display());
        assert!(String::from_utf8(output.stdout).unwrap().contains("SYNOPSIS"), "{}", page.display());
    }
}

#[test]
fn a_folder_that_cannot_be_made_is_told() {
    let shell = Shell::new();
    shell.write("file", "");
    let done = shell.run(&["man", "file"]);
    assert_eq!((done.code, done.stdout.as_str()), (1, ""));
    insta::assert_snapshot!(done.stderr, @"glue-ddb-crawler: file: File exists (os error 17)");
}
