//! Words that readers from elsewhere do not search for or do not understand, and the standard terms to write instead.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};

/// Where a word is wrong.
enum Scope {
    /// In identifiers, comments, texts and documents.
    Everywhere,
    /// In identifiers; the word has a plain meaning in sentences.
    Identifiers,
}

use Scope::{Everywhere, Identifiers};

/// A part of an identifier or a word of a sentence, in lower case; where it is wrong; what to write instead.
const WORDS: &[(&str, Scope, &str)] = &[
    ("told", Everywhere, "reported, published, sent, or what the value holds"),
    ("tell", Identifiers, "report, publish, notify, send"),
    ("tells", Identifiers, "reports, publishes, notifies, sends"),
    ("outfit", Everywhere, "dependencies, or the fields themselves"),
    ("surroundings", Everywhere, "cluster, environment, or the fields themselves"),
    ("moment", Identifiers, "now, context, sample: what it is"),
    ("moments", Identifiers, "times, samples: what they are"),
    ("brake", Identifiers, "apply_backpressure"),
    ("bury", Identifiers, "dead_letter"),
    ("desk", Identifiers, "BlockWriter, or what it does"),
    ("converse", Everywhere, "run_connection"),
    ("limps", Everywhere, "degraded"),
    ("shelf", Identifiers, "SnapshotCache, or what it keeps"),
    ("switchboard", Everywhere, "Dispatcher"),
    ("door", Identifiers, "Acceptor"),
    ("lookout", Everywhere, "BrokerMonitor, or what it watches"),
    ("patience", Everywhere, "RetryPolicy, or the time limit"),
    ("homing", Everywhere, "descent, approach, or the motion itself"),
    ("seat", Identifiers, "slot, permit"),
    ("obey", Everywhere, "apply_command, keep to"),
    ("obeys", Everywhere, "applies the command, keeps to"),
    ("anew", Everywhere, "again"),
    ("lest", Everywhere, "so that ... not"),
    ("whoever", Everywhere, "any client, a program that"),
    ("whatever", Everywhere, "any, independent of"),
    ("pay", Identifiers, "send_acks, acknowledge"),
    ("owed", Identifiers, "to_acknowledge, pending"),
    ("blame", Identifiers, "lose, count as implausible"),
    ("tape", Identifiers, "Playback, recording"),
    ("bookmark", Identifiers, "ResumeFile, offset"),
    ("somebody", Everywhere, "a client, a user, a person"),
];

/// Texts of several words or parts, in lower case, and what to write instead. A text may be broken over two lines.
const PHRASES: &[(&str, &str)] = &[
    ("askforlife", "Ping"),
    ("ask_for_life", "ping"),
    ("to_memory", "to_checkpoint"),
    ("changed_memories", "changed_checkpoints"),
    ("cries wolf", "raises a false alarm"),
    ("reaches nobody", "is ignored, is not delivered"),
    ("concerns nobody", "is ignored because ..."),
    ("another life", "another generation"),
];

/// The words that a place may use.
enum Allowed {
    Any,
    One(&'static str),
}

/// Where a listed word stays, by the beginning of the path, and why. The first entry that fits counts; an entry that is
/// not needed any more fails the test.
const ALLOWED: &[(&str, Allowed, &str)] = &[
    ("tests/tests/architecture/words.rs", Allowed::Any, "the list itself"),
    // Names that others read.
    ("crates/air/src/core/privacy.rs", Allowed::One("told"), "`told_at_us` of the internal schema"),
    (
        "schemas/proto/updraft/v1/internal.proto",
        Allowed::One("told"),
        "`told_at_us`: a name of a field does not change",
    ),
    ("pusher/src/socket/shard.rs", Allowed::One("anew"), "a value of the label `made` of fanet_pusher_snapshots_total"),
    (
        "schemas/proto/updraft/v1/raw.proto",
        Allowed::One("whatever"),
        "a schema is registered with its comments: a new wording would be a new version",
    ),
    ("tests/services/chdb_http.py", Allowed::One("tell"), "a method of Python's files"),
    ("tests/tests/pusher_faults/main.rs", Allowed::One("anew"), "a label of a metric"),
    ("crates/history/migrations/", Allowed::Any, "an applied migration does not change"),
    ("CHANGELOG.md", Allowed::One("limps"), "the former name of a field"),
    // Made from the migrations.
    ("docs/data-dictionary.md", Allowed::Any, "made from crates/history/migrations"),
];

/// Data and generated files.
const SKIPPED: &[&str] = &["json", "jsonl", "lock", "png", "snap", "svg", "txt", "webmanifest"];
/// Files whose lines are code, what begins a comment there, and what encloses texts.
const CODE: &[Code] = &[
    ("css", "/*", "\"'"),
    ("java", "//", "\""),
    ("mjs", "//", "\"'`"),
    ("mts", "//", "\"'`"),
    ("proto", "//", "\""),
    ("py", "#", "\"'"),
    // A single quote begins a lifetime too.
    ("rs", "//", "\""),
    ("sh", "#", "\"'"),
    ("tf", "#", "\""),
    ("ts", "//", "\"'`"),
];
type Code = (&'static str, &'static str, &'static str);

pub(crate) fn violations(root: &Path) -> Result<Vec<String>> {
    let mut violations = Vec::new();
    let mut used = BTreeSet::new();
    for path in files(root)? {
        // Binary files hold no words.
        let Ok(text) = std::fs::read_to_string(root.join(&path)) else { continue };
        for Hit { line, word, replacement } in hits(&path, &text) {
            match ALLOWED.iter().position(|(start, allowed, _)| path.starts_with(start) && allowed.fits(word)) {
                Some(entry) => _ = used.insert(entry),
                None => violations.push(format!("{path}:{line}: \"{word}\": write {replacement}")),
            }
        }
    }
    let unused = ALLOWED.iter().enumerate().filter(|(entry, _)| !used.contains(entry));
    violations.extend(unused.map(|(_, (start, _, reason))| format!("remove the unused entry \"{start}\" ({reason})")));
    Ok(violations)
}

impl Allowed {
    fn fits(&self, word: &str) -> bool {
        match self {
            Self::Any => true,
            Self::One(allowed) => *allowed == word,
        }
    }
}

/// Files of the tree, new ones included, without those that Git ignores.
fn files(root: &Path) -> Result<Vec<String>> {
    let output = Command::new("git")
        .args(["ls-files", "-co", "--exclude-standard", "-z"])
        .current_dir(root)
        .output()
        .context("run git ls-files")?;
    ensure!(output.status.success(), "git ls-files failed: {}", String::from_utf8_lossy(&output.stderr));
    let paths = String::from_utf8(output.stdout)?;
    let skipped = |path: &str| extension(path).is_some_and(|end| SKIPPED.contains(&end));
    Ok(paths.split_terminator('\0').filter(|path| !skipped(path)).map(str::to_owned).collect())
}

fn extension(path: &str) -> Option<&str> {
    Path::new(path).extension()?.to_str()
}

#[derive(Debug, PartialEq)]
struct Hit {
    line: usize,
    word: &'static str,
    replacement: &'static str,
}

fn hits(path: &str, text: &str) -> Vec<Hit> {
    let code = CODE.iter().find(|(end, ..)| extension(path) == Some(end));
    let lines: Vec<&str> = text.lines().collect();
    let mut hits = Vec::new();
    for (index, line) in lines.iter().enumerate() {
        let words = parts(line);
        let identifiers = parts(&identifiers(line, code));
        for (word, scope, replacement) in WORDS {
            let searched = match scope {
                Everywhere => &words,
                Identifiers => &identifiers,
            };
            if searched.contains(*word) {
                hits.push(Hit { line: index + 1, word, replacement });
            }
        }
        let next = lines.get(index + 1).map_or_else(String::new, |next| sentence(next));
        let both = format!("{} {next}", sentence(line));
        for (phrase, replacement) in PHRASES {
            if has(&both, phrase) && !has(&next, phrase) {
                hits.push(Hit { line: index + 1, word: phrase, replacement });
            }
        }
    }
    hits
}

/// Whether a text has a phrase that ends with a word.
fn has(text: &str, phrase: &str) -> bool {
    text.match_indices(phrase).any(|(at, _)| !text[at + phrase.len()..].starts_with(char::is_alphabetic))
}

/// The identifiers of a line. Of code: all outside of comments and strings; besides, those in back-ticks.
fn identifiers(line: &str, code: Option<&Code>) -> String {
    let quoted = line.split('`').skip(1).step_by(2).filter(|text| !text.contains(' '));
    let quoted: Vec<&str> = quoted.collect();
    let Some((_, comment, quotes)) = code else { return quoted.join(" ") };
    if line.trim_start().starts_with('*') {
        return quoted.join(" ");
    }
    let mut found = quoted.join(" ");
    found.push(' ');
    let mut string = None;
    let mut escaped = false;
    for (at, letter) in line.char_indices() {
        if string.is_none() && line[at..].starts_with(*comment) {
            break;
        }
        match string {
            _ if escaped => escaped = false,
            Some(_) if letter == '\\' => escaped = true,
            Some(quote) if letter == quote => string = None,
            Some(_) => {}
            None if quotes.contains(letter) => string = Some(letter),
            None => found.push(letter),
        }
    }
    found
}

/// The parts of words and identifiers, in lower case: `changedMemories` and `changed_memories` have two.
fn parts(text: &str) -> BTreeSet<String> {
    let mut parts = BTreeSet::new();
    let mut part = String::new();
    let mut before = ' ';
    for letter in text.chars().chain([' ']) {
        let ends = !letter.is_alphabetic() || (letter.is_uppercase() && before.is_lowercase());
        if ends && !part.is_empty() {
            parts.insert(std::mem::take(&mut part));
        }
        if letter.is_alphabetic() {
            part.extend(letter.to_lowercase());
        }
        before = letter;
    }
    parts
}

/// A line in lower case, without what marks a comment or a list.
fn sentence(line: &str) -> String {
    line.trim().trim_start_matches(['/', '!', '#', '*', '-', '>', ' ']).to_lowercase()
}

#[test]
fn identifiers_and_sentences_are_searched() {
    let found = |path: &str, text: &str| hits(path, text).iter().map(|hit| (hit.line, hit.word)).collect::<Vec<_>>();
    assert_eq!(found("a.rs", "let x = 1;\nfn changed_told() {}"), [(2, "told")]);
    assert_eq!(found("a.rs", "struct LastMoment; // at the moment"), [(1, "moment")]);
    assert_eq!(found("a.rs", "// at the moment\nlet a = \"one moment\";"), []);
    assert_eq!(found("a.md", "another lifetime"), []);
    assert_eq!(found("a.ts", "expect(text).toBe('cannot tell');"), []);
    assert_eq!(found("a.md", "the `Moment` of a moment"), [(1, "moment")]);
    assert_eq!(found("a.rs", "state.to_memory();"), [(1, "to_memory")]);
    assert_eq!(found("a.rs", "/// An alarm that cries\n/// wolf."), [(1, "cries wolf")]);
    assert_eq!(found("a.md", "Renew the latest seats anew."), [(1, "anew")]);
}
