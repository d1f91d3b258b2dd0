//! Interpolations in scripts: places, what they become, and that real shells then see the very value.

use std::process::{Command, Stdio};

use super::shell::{Language, Lowered, Place, lower_script, places};
use super::*;
use problem::Quoting;

fn lowered(script: &str) -> (Lowered, Report) {
    let mut report = Report::default();
    let lowered = lower_script(&parsed_script(script), Language::Shell, &table(), &mut report);
    (lowered, report)
}

/// The script as the shell gets it, or what is said about it.
fn outcome_of(script: &str) -> String {
    let (lowered, report) = lowered(script);
    if report.problems.is_empty() {
        return lowered.text.trim_end_matches('\n').to_owned();
    }
    report
        .problems
        .iter()
        .map(|problem| format!("{}: {}", problem.rule, problem.message))
        .collect::<Vec<_>>()
        .join("\n")
}

#[test]
fn places_are_told_apart() {
    use Place::{Arithmetic, Bare, Comment, DoubleQuoted, HereDoc, Plain};
    let rows: &[(&str, &[Place])] = &[
        ("echo {{ stdout }}", &[Bare]),
        ("echo {{ stdout }} | sed s/a/{{ stdout }}/", &[Bare, Bare]),
        ("echo \"{{ stdout }}\"", &[DoubleQuoted]),
        ("echo '{{ stdout }}'", &[Plain(Quoting::Single)]),
        ("echo $'{{ stdout }}'", &[Plain(Quoting::AnsiC)]),
        ("echo \"$(ls {{ stdout }})\"", &[Bare]),
        ("echo \"$(ls \"{{ stdout }}\")\"", &[DoubleQuoted]),
        ("echo \"`ls {{ stdout }}`\"", &[Bare]),
        ("echo $(ls '{{ stdout }}')", &[Plain(Quoting::Single)]),
        (
            "# {{ stdout }}\necho {{ stdout }} # {{ stdout }}",
            &[Comment, Bare, Comment],
        ),
        ("echo a#{{ stdout }}", &[Bare]),
        (
            "cat <<END\n{{ stdout }} '{{ stdout }}'\nEND\necho {{ stdout }}",
            &[HereDoc, HereDoc, Bare],
        ),
        (
            "cat <<'END'\n{{ stdout }}\nEND\necho '{{ stdout }}'",
            &[Plain(Quoting::HereDoc), Plain(Quoting::Single)],
        ),
        ("cat <<\"END\"\n{{ stdout }}\nEND", &[Plain(Quoting::HereDoc)]),
        ("cat <<\\END\n{{ stdout }}\nEND", &[Plain(Quoting::HereDoc)]),
        ("cat <<END | grep {{ stdout }}\n$(ls {{ stdout }})\nEND", &[Bare, Bare]),
        (
            "cat <<'A' <<B\n{{ stdout }}\nA\n{{ stdout }}\nB",
            &[Plain(Quoting::HereDoc), HereDoc],
        ),
        ("cat <<< {{ stdout }}", &[Bare]),
        (
            "cat <<END |\nit's {{ stdout }}\nEND\n  sed 's/a/{{ nope }}/'",
            &[HereDoc, Plain(Quoting::Single)],
        ),
        (
            "{ cat <<END; echo {{ stdout }}\nit's {{ stdout }}\nEND\n} | sed {{ stdout }}",
            &[Bare, HereDoc, Bare],
        ),
        (
            "x=\"$(cat <<END\nit's \" {{ stdout }}\nEND\n)\"\necho {{ stdout }}",
            &[HereDoc, Bare],
        ),
        (
            "if x; then\n  cat <<-END\n\t{{ stdout }}\n\tEND\n  echo '{{ nope }}'\nfi",
            &[HereDoc, Plain(Quoting::Single)],
        ),
        (
            "echo $(( 1 << {{ exit }} ))\necho '{{ nope }}'",
            &[Arithmetic, Plain(Quoting::Single)],
        ),
        ("echo '<<END' \"<<END\" # <<END\necho {{ stdout }}\nEND", &[Bare]),
        ("cat <<{{ stdout }}\nx", &[Plain(Quoting::Delimiter)]),
        (
            "cat <<END\n$(( {{ exit }} )) `ls {{ stdout }}`\nEND",
            &[Arithmetic, Bare],
        ),
        (
            "cat <<END\na \"b $(ls \"{{ stdout }}\") \"{{ stdout }}\" 'c'\nEND",
            &[DoubleQuoted, HereDoc],
        ),
        ("echo ${x:{{ exit }}:2}", &[Arithmetic]),
        (
            "let \"a = {{ exit }}\"\ndeclare -i a={{ exit }}\ndeclare b={{ stdout }}",
            &[Arithmetic, Arithmetic, Bare],
        ),
        ("diff <(ls {{ stdout }}) \"{{ stdout }}\"", &[Bare, DoubleQuoted]),
        ("echo $(( {{ exit }} + 1 ))", &[Arithmetic]),
        ("echo \"$(( {{ exit }} + 1 ))\"", &[Arithmetic]),
        ("(( {{ exit }} > 1 ))", &[Arithmetic]),
        (
            "for (( i = 0; i < {{ exit }}; i++ )); do echo {{ stdout }}; done",
            &[Arithmetic, Bare],
        ),
        ("echo ${a[{{ exit }}]}", &[Arithmetic]),
        ("[[ {{ exit }} -eq 1 ]]", &[Arithmetic]),
        ("[[ {{ exit }} == 1 && -n \"{{ stdout }}\" ]]", &[Bare, DoubleQuoted]),
        ("[ {{ exit }} -eq 1 ]", &[Bare]),
        ("echo \"${x:-{{ stdout }}}\" ${x:-{{ stdout }}}", &[DoubleQuoted, Bare]),
        ("echo \\{{ stdout }}", &[Plain(Quoting::Backslash)]),
        (
            "if [ -e {{ stdout }} ]; then\n  cat \"{{ stdout }}\"\nfi",
            &[Bare, DoubleQuoted],
        ),
        (
            "f() { echo {{ stdout }}; }\ncase {{ stdout }} in a) echo \"{{ stdout }}\";; esac",
            &[Bare, Bare, DoubleQuoted],
        ),
    ];
    let mut wrong = String::new();
    for (script, expected) in rows {
        let actual = places(&parsed_script(script));
        if actual != *expected {
            wrong.push_str(&format!("{script}\n  expected: {expected:?}\n  actual:   {actual:?}\n"));
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}

#[test]
fn interpolations_become_variables_quoted_as_their_place_needs() {
    check_table(
        &[
            ("echo {{ stdout }}", "echo \"${DSLC_1}\""),
            ("echo \"a {{ stdout }} b\"", "echo \"a ${DSLC_1} b\""),
            (
                "echo {{ stdout }} {{ exit }} {{ stdout }}",
                "echo \"${DSLC_1}\" \"${DSLC_2}\" \"${DSLC_1}\"",
            ),
            ("cat <<END\n{{ stdout }}\nEND", "cat <<END\n${DSLC_1}\nEND"),
            ("echo $(( {{ exit }} + 1 ))", "echo $(( ${DSLC_1} + 1 ))"),
            ("echo \"costs \\${{ exit }}\"", "echo \"costs \\$${DSLC_1}\""),
            ("touch /tmp/x.$${{ exit }}", "touch /tmp/x.$$\"${DSLC_1}\""),
            ("# ${{ stdout }}", "# ${{ stdout }}"),
            ("docker ps --format '${{.ID}}'", "docker ps --format '${{.ID}}'"),
            ("echo \"a\\{{ exit }}\"", "echo \"a\\\\${DSLC_1}\""),
            (
                "docker ps --format '{{.ID}}' # {{ nope }}",
                "docker ps --format '{{.ID}}' # {{ nope }}",
            ),
            (
                "docker ps --format '{{ range .Names }}'",
                "docker ps --format '{{ range .Names }}'",
            ),
            ("echo '{{ nope.x }}'", "echo '{{ nope.x }}'"),
            (
                "printf '%s\\n' {{ params.tags | join(\"\\n\") }}",
                "printf '%s\\n' \"${DSLC_1}\"",
            ),
        ],
        outcome_of,
    );
}

#[test]
fn mistakes_in_scripts_are_said() {
    check_table(
        &[
            ("echo {{ nope }}", "unresolved-name: `nope` is not in scope"),
            (
                "echo {{ params.note }}",
                "not-optional-safe: `params.note` may be absent, expected a value to write into the text",
            ),
            (
                "echo '{{ stdout }}'",
                "interpolation-in-quotes: `{{ stdout }}` is plain text inside single quotes, expected where the shell expands",
            ),
            (
                "cat <<'END'\n{{ params.query }}\nEND",
                "interpolation-in-quotes: `{{ params.query }}` is plain text in a here-document with a quoted delimiter, expected where the shell expands",
            ),
            (
                "echo ${{ stdout }}",
                "stray-dollar: the `$` before `{{ stdout }}` stays in the text, expected the braces alone",
            ),
            (
                "cat <<END\n$$${{ exit }}\nEND",
                "stray-dollar: the `$` before `{{ exit }}` stays in the text, expected the braces alone",
            ),
            (
                "echo $(( ${{ exit }} + 1 ))",
                "stray-dollar: the `$` before `{{ exit }}` stays in the text, expected the braces alone",
            ),
            // one mistake at a time
            ("echo ${{ nope }}", "unresolved-name: `nope` is not in scope"),
            (
                "echo '${{ stdout }}'",
                "interpolation-in-quotes: `{{ stdout }}` is plain text inside single quotes, expected where the shell expands",
            ),
            (
                "echo $(( {{ stdout }} + 1 ))",
                "type-mismatch: found `string` where the shell calculates, expected `int`",
            ),
        ],
        outcome_of,
    );
    let (_, report) = lowered("echo {{ 1 + }}");
    assert_eq!(
        report.problems.iter().map(|problem| problem.rule).collect::<Vec<_>>(),
        ["syntax"]
    );
    let (_, report) = lowered("echo '{{ 1 + }}'");
    assert_eq!(report, Report::default());
}

/// The script after the first repair that is offered, and what the repair is called.
fn repaired(script: &str) -> Option<(String, String)> {
    let indented: String = script.lines().map(|line| format!("    {line}\n")).collect();
    let (_, report) = lowered(script);
    let fix = report.problems.first()?.fixes.first()?;
    let mut fixed = format!("task a\n  run: |\n{indented}");
    let mut edits = fix.edits.clone();
    edits.sort_by_key(|(span, _)| std::cmp::Reverse(span.start));
    for (span, text) in edits {
        fixed.replace_range(span.start as usize..span.end as usize, &text);
    }
    let lines: Vec<&str> = fixed.lines().skip(2).map(|line| &line[4..]).collect();
    Some((lines.join("\n"), fix.title.clone()))
}

#[test]
fn the_fix_of_an_interpolation_in_quotes_works() {
    let (fixed, _) = repaired("echo 'a {{ stdout }} b'").expect("a repair");
    assert_eq!(fixed, "echo 'a '{{ stdout }}' b'");
    assert_eq!(outcome_of(&fixed), "echo 'a '\"${DSLC_1}\"' b'");
}

#[test]
fn a_script_on_one_line_keeps_what_is_no_value_and_is_repaired_where_it_stands() {
    let file = r#"task a
  run: "é \t '{{ nope.x }}' '{{stdout}}' ${{ stdout }} \\{{ exit }}"
"#;
    let mut report = Report::default();
    let lowered = lower_script(&script_in(file), Language::Shell, &table(), &mut report);
    assert_eq!(
        lowered.text,
        "é \t '{{ nope.x }}' '{{stdout}}' \\$\"${DSLC_1}\" \\{{ exit }}\n"
    );
    let mut fixed = file.to_owned();
    for problem in report.problems.iter().rev() {
        for (span, text) in problem.fixes[0].edits.iter().rev() {
            fixed.replace_range(span.range(), text);
        }
    }
    assert_eq!(
        fixed.lines().nth(1),
        Some(r#"  run: "é \t '{{ nope.x }}' {{stdout}} {{ stdout }} {{ exit }}""#)
    );
}

#[test]
fn a_stray_dollar_is_removed() {
    check_table(
        &[
            ("echo ${{ stdout }}", "echo {{ stdout }}"),
            (
                "echo \"a$${{ stdout }} $${{ stdout }} ${{ stdout }}\"",
                "echo \"a$${{ stdout }} $${{ stdout }} {{ stdout }}\"",
            ),
            ("echo 'a ${{ stdout }} b'", "echo 'a '{{ stdout }}' b'"),
            ("echo $'a ${{ stdout }} b'", "echo $'a '{{ stdout }}$' b'"),
            // a column of awk, or a price
            ("awk '{ print ${{ exit }} }'", "awk '{ print $'{{ exit }}' }'"),
            (
                "cat <<'END'\n$x ${{ stdout }}\nEND",
                "cat <<END\n\\$x ${{ stdout }}\nEND",
            ),
        ],
        |script| repaired(script).expect("a repair").0,
    );
}

#[test]
fn a_quoted_here_document_is_unquoted_where_that_changes_nothing_else() {
    check_table(
        &[
            (
                "cat <<'END'\n{{ stdout }}\nEND",
                "unquote the delimiter: cat <<END|{{ stdout }}|END",
            ),
            (
                "cat <<-\"E\" | grep x\n\ta {{ stdout }}\n\tE\necho '$x'",
                "unquote the delimiter: cat <<-E | grep x|\ta {{ stdout }}|\tE|echo '$x'",
            ),
            (
                "cat <<\\END\nit costs 5$, `not run`, \\n \\{{ stdout }}\\\nand {{ exit }}\nEND",
                "unquote the delimiter, and keep the rest as it is: \
                 cat <<END|it costs 5\\$, \\`not run\\`, \\n \\\\{{ stdout }}\\\\|and {{ exit }}|END",
            ),
            // other braces would become mistakes, and this delimiter needs its quotes
            ("cat <<'END'\n{{ stdout }} {{.Names}}\nEND", "nothing"),
            ("cat <<'the end'\n{{ stdout }}\nthe end", "nothing"),
        ],
        |script| {
            repaired(script).map_or("nothing".to_owned(), |(fixed, title)| {
                format!("{title}: {}", fixed.replace('\n', "|"))
            })
        },
    );
    // more than somebody wants to read
    let dear = format!("cat <<'END'\n{{{{ stdout }}}}{}\nEND", "$".repeat(100));
    assert_eq!(repaired(&dear), None);
}

#[test]
fn what_else_an_unquoted_here_document_holds_stays_as_it_was() {
    let texts = [
        "plain",
        "$HOME ${HOME} $(id) `id` $((1 + 1)) $",
        "\\ \\\\ \\n \\$x \\` \\\"",
        "ends in one \\",
        "it's \"quoted\" 'twice'",
    ];
    for text in texts {
        for around in [format!("{text}<>"), format!("<>{text}"), format!("<>\n{text}\n<>")] {
            let script = format!("cat <<'END'\n{}\nEND", around.replace("<>", "{{ stdout }}"));
            let (fixed, _) = repaired(&script).expect("a repair");
            for shell in [&["bash"][..], &["sh"][..]] {
                for value in NASTY {
                    assert_eq!(
                        run(shell, &fixed, value),
                        format!("{}\n", around.replace("<>", value)),
                        "{fixed}"
                    );
                }
            }
        }
    }
}

#[test]
fn scripts_of_other_languages_are_left_alone() {
    let mut report = Report::default();
    let raw = parsed_script("print('{{ stdout }}', {{ stdout }})");
    let lowered = lower_script(&raw, Language::Other, &table(), &mut report);
    assert_eq!(
        (lowered.text, lowered.vars.len(), report),
        (raw.text, 0, Report::default())
    );
}

const NASTY: &[&str] = &[
    "plain",
    "",
    "two  words",
    "a\nb\n",
    "it's \"quoted\"",
    "$HOME `id` $(id) ${HOME}",
    "; rm -rf / & | > x",
    "back\\slash \\n \\$x \\",
    "* ? [a-z] ~ {a,b}",
    "END",
    "{{ stdout }}",
    "-n",
    "#no comment",
    "!history é 🦀",
    "a[$(echo pwned >&2)]",
];

fn run(shell: &[&str], script: &str, value: &str) -> String {
    let (lowered, report) = lowered(script);
    let wrong = report.problems.iter().find(|problem| problem.rule != "stray-dollar");
    assert_eq!(wrong, None, "{script}");
    let mut command = Command::new(shell[0]);
    command
        .args(&shell[1..])
        .args(["-c", &lowered.text])
        .stdin(Stdio::null());
    for binding in &lowered.vars {
        command.env(binding.name.as_str(), value);
    }
    let output = command.output().expect("the shell runs");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success() && errors.is_empty(),
        "{}\n{errors}",
        lowered.text
    );
    String::from_utf8(output.stdout).expect("UTF-8")
}

#[test]
fn values_arrive_verbatim_in_bash_and_sh() {
    // `<>` stands for the value.
    let rows: &[(&str, &str)] = &[
        ("printf '[%s]' {{ stdout }}", "[<>]"),
        ("printf '[%s]' a{{ stdout }}b", "[a<>b]"),
        ("printf '[%s]' 'x y'{{ stdout }}'z'", "[x y<>z]"),
        ("printf '[%s]' \"a {{ stdout }} b\"", "[a <> b]"),
        ("printf '[%s]' \"$(printf '(%s)' {{ stdout }}; echo)\"", "[(<>)]"),
        ("x={{ stdout }}\nprintf '[%s]' \"$x\"", "[<>]"),
        ("printf '[%s]' \"\\{{ stdout }}\"", "[\\<>]"),
        ("printf '[%s]' \"$ {{ stdout }}\" \"${{ stdout }}\"", "[$ <>][$<>]"),
        ("printf '[%s]' ${{ stdout }}", "[$<>]"),
        ("cat <<END\n{{ stdout }}\nEND", "<>\n"),
        (
            "cat <<END\n\"{{ stdout }}\" '{{ stdout }}' \\{{ stdout }}\nEND",
            "\"<>\" '<>' \\<>\n",
        ),
        ("cat <<END |\nit's {{ stdout }}\nEND\n  cat", "it's <>\n"),
        ("cat <<'A' - <<B\n$x\nA\n{{ stdout }}\nB", "<>\n"),
        (
            "x=\"$(cat <<END\n{{ stdout }}.\nEND\n)\"\nprintf '[%s]' \"$x\"",
            "[<>.]",
        ),
        ("cat <<END\n$(printf '(%s)' {{ stdout }}; echo)\nEND", "(<>)\n"),
        ("printf '[%s]' \"${unset:-{{ stdout }}}\"", "[<>]"),
        ("case {{ stdout }} in {{ stdout }}) printf same;; esac", "same"),
        ("for x in {{ stdout }} b; do printf '[%s]' \"$x\"; done", "[<>][b]"),
        ("f() { printf '[%s]' \"$1\"; }\nf {{ stdout }}", "[<>]"),
        ("# it's {{ stdout }}\nprintf '[%s]' {{ stdout }} # don't", "[<>]"),
    ];
    for shell in [&["bash", "-euo", "pipefail"][..], &["sh", "-eu"][..]] {
        for (script, expected) in rows {
            // `$unset` is only read with a default.
            for value in NASTY {
                assert_eq!(
                    run(shell, script, value),
                    expected.replace("<>", value),
                    "{shell:?} {script}"
                );
            }
        }
    }
}

#[test]
fn places_of_bash_take_values_too() {
    for value in NASTY {
        assert_eq!(run(&["bash"], "cat <<< {{ stdout }}", value), format!("{value}\n"));
        assert_eq!(
            run(&["bash"], "[[ {{ stdout }} == {{ stdout }} ]] && printf same", value),
            "same"
        );
        assert_eq!(
            run(&["bash"], "a=({{ stdout }} b); printf '[%s]' \"${a[@]}\"", value),
            format!("[{value}][b]")
        );
    }
    assert_eq!(run(&["bash"], "printf %s $(( {{ exit }} * 2 ))", "21"), "42");
}

#[test]
fn ten_thousand_plain_scripts_are_cheap() {
    let raw = parsed_script("make -C {{ params.repo }} {{ params.query }}\necho done");
    let quoted = parsed_script("echo \"{{ params.repo }}\" '{{.ID}}' | sed -n 1p");
    let timed = |raw: &Raw| {
        let start = std::time::Instant::now();
        for _ in 0..1000 {
            assert_eq!(places(raw).len(), 2);
        }
        start.elapsed() / 1000
    };
    // Generous: the figure is for reading, the bound for an accident of another order.
    let (plain, parsed) = (timed(&raw), timed(&quoted));
    assert!(
        plain.as_micros() < 200 && parsed.as_micros() < 20_000,
        "{plain:?} plain, {parsed:?} parsed"
    );
}

#[test]
fn no_script_breaks_it_and_only_interpolations_change() {
    const PIECES: &[&str] = &[
        "{{ stdout }}",
        "{{ exit }}",
        "{{ nope",
        "}}",
        "'",
        "\"",
        "`",
        "$(",
        ")",
        "((",
        "))",
        "<<END",
        "<<-'E D'",
        "<<\\é",
        "END",
        "\n",
        " ",
        "\\",
        "$",
        "${x:",
        "}",
        "#",
        "[[",
        "]]",
        " -eq ",
        "case x in a)",
        "esac",
        ";",
        "|",
        "é🦀",
        "let ",
        "x",
    ];
    let mut state = 7_u64;
    let mut random = |below: usize| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % below
    };
    for _ in 0..3000 {
        let script: String = (0..random(30)).map(|_| PIECES[random(PIECES.len())]).collect();
        let script = format!("x{script}");
        let raw = parsed_script(&script);
        assert_eq!(places(&raw).len(), raw.interps.len(), "{script}");
        let lowered = lower_script(&raw, Language::Shell, &table(), &mut Report::default());
        assert!(lowered.vars.len() <= raw.interps.len(), "{script}");
    }
}

/// The variables that a script prints, and the interpolations, each as it is written.
fn printed(script: &str) -> String {
    let raw = parsed_script(script);
    let found = super::shell::printed(&raw);
    let variables = found.variables.iter().map(|(name, _)| name.to_string());
    let interps = raw.interps.iter().filter(|interp| found.values.contains(&interp.span));
    let values = interps.map(|interp| raw.text[interp.start as usize..interp.end as usize].to_owned());
    let mut all: Vec<String> = variables.chain(values).filter(|name| name != "HOME").collect();
    all.sort_unstable();
    all.dedup();
    all.join(" ")
}

#[test]
fn what_a_script_prints() {
    let prints = [
        "echo \"$KEY\"",
        "echo \"$HOME $KEY\"",
        "echo \"$(date) $KEY\"",
        "echo \"`date` $KEY\"",
        "echo \"$? $KEY\"",
        "echo \"$KEY\" 2>/dev/null",
        "echo \"$KEY\" >&2",
        "/bin/echo \"$KEY\"",
        "command echo \"$KEY\"",
        "builtin echo \"$KEY\"",
        "env echo \"$KEY\"",
        "env A=b /usr/bin/printf \"$KEY\"",
        "time echo \"$KEY\"",
        "echo \"$KEY\" > /dev/stderr",
        "echo \"$KEY\" >&2 2>/dev/null",
        "echo \"${KEY:-none}\"",
        "echo \"${KEY-none}\"",
        "t=\"$KEY\"; echo \"$t\"",
        "export t=\"a $KEY\"\nu=\"$t\"\necho \"$u\"",
        "KEY+=x\necho \"$KEY\"",
        "f() { echo \"$KEY\"; }; f",
        "f() { echo \"$KEY\" >&2; }; f > log",
        "KEY=none printf '%s' \"$KEY\"",
        "(KEY=none)\necho \"$KEY\"",
    ];
    for script in prints {
        assert_eq!(printed(script), "KEY", "{script}");
    }
    assert_eq!(printed("t={{ stdout }}; echo \"$t\""), "{{ stdout }}");
}

#[test]
fn what_a_script_does_not_print() {
    let silent = [
        "> log echo \"$KEY\"",
        ">&2 echo \"$KEY\" > log",
        "echo \"$KEY\" >& log",
        "echo \"$KEY\" &> log",
        "echo \"$KEY\" >&3",
        "echo \"$KEY\" > /dev/null 2>&1",
        "{ echo \"$KEY\" >&2; } 2>/dev/null",
        "printf -v x '%s' \"$KEY\"",
        "KEY=none; echo \"$KEY\"",
        "KEY=none\nt=\"$KEY\"\necho \"$t\"",
        "read -r KEY\necho \"$KEY\"",
        "unset KEY\necho \"$KEY\"",
        "for KEY in a b; do echo \"$KEY\"; done",
        "(t=\"$KEY\")\necho \"$t\"",
        "echo \"${#KEY} ${KEY:0:2} ${KEY:+set} ${!KEY}\"",
        "f() { echo \"$KEY\"; }; f | ./login",
        "f() { echo \"$KEY\"; }; f > log",
        "f() { echo \"$KEY\"; } > log; f",
        "f() { echo \"$KEY\"; }",
        "command -v echo \"$KEY\"",
        "exec > log\necho \"$KEY\"",
    ];
    for script in silent {
        assert!(!printed(script).contains("KEY"), "{script}");
    }
}
