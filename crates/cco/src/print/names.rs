//! What projects are called in one report: by their last names, namesakes by as much more of their paths as it takes.
//!
//! Must not: know which report it is; go for scripts, which have the path.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::text;

/// The projects of a report by path, with what to call them.
pub(crate) struct ProjectNames(HashMap<String, String>);

impl ProjectNames {
    /// Names for these paths, which may repeat; empty: unknown.
    pub(crate) fn of<'p>(paths: impl Iterator<Item = &'p str>) -> Self {
        let mut names = HashMap::new();
        let mut alike: BTreeSet<&str> = paths.collect();
        for parts in 1.. {
            // Told apart by what is shown: two long names may differ behind the cut only.
            let mut shown: BTreeMap<String, Vec<&str>> = BTreeMap::new();
            for path in std::mem::take(&mut alike) {
                shown.entry(called(path, parts)).or_default().push(path);
            }
            for (name, namesakes) in shown {
                let several = namesakes.len() > 1;
                for path in namesakes {
                    match tail(path, parts) {
                        Some(_) if several => drop(alike.insert(path)),
                        _ => drop(names.insert(path.to_owned(), name.clone())),
                    }
                }
            }
            if alike.is_empty() {
                break;
            }
        }
        Self(names)
    }

    /// What to call the project of this path.
    pub(crate) fn get(&self, path: &str) -> String {
        self.0.get(path).cloned().unwrap_or_else(|| text::project(path))
    }
}

fn called(path: &str, parts: usize) -> String {
    match parts {
        1 => text::project(path),
        _ => text::name(tail(path, parts).unwrap_or(path)),
    }
}

/// The last so many parts of a path; none: it has no more than that.
fn tail(path: &str, parts: usize) -> Option<&str> {
    let path = path.trim_end_matches(['/', '\\']);
    let start = path.rmatch_indices(['/', '\\']).nth(parts - 1).map(|(at, _)| at)?;
    path.get(start + 1..)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names<const N: usize>(paths: [&str; N]) -> [String; N] {
        let names = ProjectNames::of(paths.into_iter());
        paths.map(|path| names.get(path))
    }

    #[test]
    fn namesakes_are_told_apart_by_the_folders_they_are_in() {
        assert_eq!(names(["/code/a/web", "/code/b/web", "/code/atlas"]), ["a/web", "b/web", "atlas"]);
        assert_eq!(
            names(["/x/a/web", "/y/a/web", "/y/b/web", "/y/b/web"]),
            ["x/a/web", "y/a/web", "b/web", "b/web"]
        );
        assert_eq!(
            names(["/code/web/", "/code/web/"]),
            ["web", "web"],
            "one project is no namesake of itself"
        );
        assert_eq!(names([r"C:\code\a\web", r"C:\code\b\web"]), [r"a\web", r"b\web"]);
    }

    #[test]
    fn a_path_that_has_no_more_parts_is_named_whole() {
        assert_eq!(names(["/web", "/a/web", "web"]), ["/web", "a/web", "web"]);
        assert_eq!(names(["", "/code/unknown"]), ["unknown", "code/unknown"]);
        assert_eq!(names(["/", ""]), ["/", "unknown"]);
    }

    #[test]
    fn long_names_are_told_apart_too() {
        let long = "x".repeat(300);
        let [first, second] = names([&format!("/a/{long}1"), &format!("/b/{long}2")]);
        assert_ne!(first, second);
        assert!(first.starts_with("a/xxx") && second.starts_with("b/xxx"), "{first} {second}");
    }
}
