//! Settings that are understood and not obeyed by this release: `validate` says so.

use crate::config::{Document, Section};
use crate::model::{Code, Diagnostic};

/// Family or table, key, and what stays undone. A row goes when the setting works.
const LATER: &[(&str, &str, &str)] = &[(
    "store",
    "keep",
    "readings are kept; `truecount db compact` thins them",
)];

/// A note for every such setting that is written.
pub(super) fn notes(document: &Document) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for (table, key, undone) in LATER {
        let mut sections: Vec<&Section> = document
            .family(table)
            .into_iter()
            .map(|(_, _, section)| section)
            .collect();
        sections.extend(document.table(table));
        let written = sections
            .into_iter()
            .filter_map(|section| Some((section, section.entries.get(*key)?)));
        for (section, entry) in written {
            let message = format!(
                "`{key}` of [{}] is not part of this release",
                section.title()
            );
            found.push(
                Diagnostic::note(Code(214), message)
                    .at(entry.key, "understood, not obeyed")
                    .help(*undone),
            );
        }
    }
    found
}
