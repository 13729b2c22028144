//! `diff` against revisions of a real repository: the same files as on the disk, no more, no less.

use std::fs;
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

use super::cli::Done;

const PLAN: &str = "include = [\"*.toml\", \"rules/*.toml\", \"more/**/*.toml\"]\n[project]\nname = \"A\"\ntimezone = \"Europe/Berlin\"\n[source.web]\ntype = \"files\"\npath = \"web.csv\"\n[route.default]\nslack = { env = \"S\" }\n";

/// A repository whose project lies in a folder below its root.
struct Repository {
    folder: TempDir,
}

impl Repository {
    fn new(files: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let this = Self { folder };
        this.git(&["init", "-q", "-b", "main", "."]);
        for (path, text) in files {
            this.write(path, text);
        }
        this.commit();
        this
    }

    fn write(&self, path: &str, text: &str) {
        let full = self.folder.path().join("track").join(path);
        fs::create_dir_all(full.parent().unwrap()).unwrap();
        fs::write(full, text).unwrap();
    }

    fn git(&self, words: &[&str]) {
        let done = Command::new("git")
            .arg("-C")
            .arg(self.folder.path())
            .args(["-c", "user.name=a", "-c", "user.email=a@b.example"])
            .args(["-c", "commit.gpgsign=false"])
            .args(words)
            .output()
            .unwrap();
        assert!(done.status.success(), "{words:?}: {done:?}");
    }

    fn commit(&self) {
        self.git(&["add", "-A"]);
        self.git(&["commit", "-q", "-m", "one"]);
    }

    fn diff(&self, words: &[&str]) -> Done {
        let done = Command::new(env!("CARGO_BIN_EXE_truecount"))
            .current_dir(self.folder.path())
            .args(["-c", "track/truecount.toml", "diff"])
            .args(words)
            .output()
            .unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Done {
            code: done.status.code().unwrap(),
            out: text(done.stdout),
            err: text(done.stderr),
        }
    }

    /// Changes as `+ event purchase`, in order.
    fn changes(&self, words: &[&str]) -> Vec<String> {
        let more = [words, &["--format", "json"]].concat();
        let done = self.diff(&more);
        assert_eq!(done.code, 0, "{}", done.err);
        let value: Value = serde_json::from_str(&done.out).unwrap();
        let text = |one: &Value, key: &str| one[key].as_str().unwrap().to_owned();
        let line = |one: &Value| {
            let breaks = if one["breaking"] == true {
                " breaks"
            } else {
                ""
            };
            format!(
                "{} {} {}{breaks}",
                text(one, "how"),
                text(one, "what"),
                text(one, "name")
            )
        };
        value["changes"]
            .as_array()
            .unwrap()
            .iter()
            .map(line)
            .collect()
    }
}

fn repository() -> Repository {
    Repository::new(&[
        ("truecount.toml", PLAN),
        (
            "rules/käufe und mehr.toml",
            "[event.purchase]\nrequired = [\"id\"]\n",
        ),
        // Not included: a `*` stays inside its folder.
        ("rules/deep/x.toml", "[event.hidden]\n"),
        ("more/deep/er/y.toml", "[event.deep]\n"),
        ("other/z.toml", "[event.other]\n"),
    ])
}

#[test]
fn a_revision_has_the_files_that_the_disk_has() {
    let repository = repository();
    assert_eq!(repository.changes(&[]), Vec::<String>::new());
    let purchase = "[event.purchase]\nrequired = [\"id\", \"value\"]\n";
    repository.write("rules/käufe und mehr.toml", purchase);
    repository.write("rules/new.toml", "[event.signup]\n");
    fs::remove_dir_all(repository.folder.path().join("track/more")).unwrap();
    let changed = [
        "changed event purchase breaks",
        "added event signup",
        "removed event deep breaks",
    ];
    let mut found = repository.changes(&["HEAD"]);
    found.sort_by_key(|one| changed.iter().position(|known| known == one));
    assert_eq!(found, changed);
    repository.commit();
    assert_eq!(repository.changes(&["HEAD"]), Vec::<String>::new());
    assert_eq!(repository.changes(&["HEAD~1"]).len(), 3);
    assert_eq!(repository.changes(&["main~1"]).len(), 3, "by branch");
}

#[test]
fn exit_codes_and_what_is_wrong_are_told() {
    let repository = repository();
    assert_eq!(repository.diff(&["--exit-code"]).code, 0);
    repository.write("rules/käufe und mehr.toml", "[event.order]\n");
    assert_eq!(repository.diff(&[]).code, 0);
    assert_eq!(repository.diff(&["--exit-code"]).code, 1);
    let wrong = repository.diff(&["nowhere"]);
    assert_eq!(wrong.code, 2);
    assert!(wrong.err.contains("nowhere"), "{}", wrong.err);
    let dashes = repository.diff(&["--", "--output=x"]);
    assert_eq!(dashes.code, 2);
    assert!(dashes.err.contains("is not a revision"), "{}", dashes.err);

    // Another file instead of a revision, and a broken one.
    let before = repository.folder.path().join("before.toml");
    fs::write(&before, PLAN.replace("rules/*", "track/rules/*")).unwrap();
    assert_eq!(repository.changes(&["before.toml"]), ["added event deep"]);
    fs::write(&before, PLAN.replace("\"files\"", "\"fils\"")).unwrap();
    let broken = repository.diff(&["before.toml"]);
    assert!(broken.err.contains("has errors"), "{}", broken.err);
}

#[test]
fn without_git_or_a_repository_it_says_so() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("truecount.toml"), PLAN).unwrap();
    let done = super::cli::run(&folder, "diff");
    assert_eq!(done.code, 2);
    assert!(done.err.contains("git"), "{}", done.err);
}
