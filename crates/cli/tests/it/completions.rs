//! `completions`.

use std::process::Command;

use crate::run::Shell;

/// What bash offers for the words of a command line, of which the last is being typed.
fn bash_offers(shell: &Shell, words: &[&str]) -> Vec<String> {
    let script = r#"
        source completions.bash || exit
        COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
        [[ $(complete -p glue-ddb-crawler) =~ -F\ ([^ ]+) ]] || exit
        "${BASH_REMATCH[1]}" glue-ddb-crawler "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
        printf '%s\n' "${COMPREPLY[@]}"
    "#;
    let output = Command::new("bash")
        .args(["--noprofile", "--norc", "-c", script, "bash"])
        .args(words)
        .current_dir(shell.folder.path())
        .output()
        .unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
}

#[test]
fn bash_completes_commands_options_and_their_values() {
    let shell = Shell::new();
    let done = shell.run(&["completions", "bash"]);
    assert_eq!((done.code, done.stderr.as_str()), (0, ""));
    shell.write("completions.bash", &done.stdout);
    let offers = |words: &[&str]| bash_offers(&shell, words);
    assert_eq!(offers(&["glue-ddb-crawler", "sy"]), ["sync"]);
    assert_eq!(offers(&["glue-ddb-crawler", "sync", "--dry"]), ["--dry-run"]);
    assert_eq!(offers(&["glue-ddb-crawler", "infer", "--format", "json"]), ["json-schema"]);
}

#[test]
fn the_script_of_every_shell_knows_every_command() {
    let shell = Shell::new();
    for name in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let done = shell.run(&["completions", name]);
        assert_eq!((done.code, done.stderr.as_str()), (0, ""));
        for command in shell.commands() {
            assert!(done.stdout.contains(&command), "{name}: {command}");
        }
    }
}

#[test]
fn an_unknown_shell_is_wrong_usage() {
    let done = Shell::new().run(&["completions", "tcsh"]);
    assert_eq!((done.code, done.stdout.as_str()), (2, ""));
    assert!(done.stderr.contains("[possible values: bash, elvish, fish, powershell, zsh]"), "{}", done.stderr);
}
