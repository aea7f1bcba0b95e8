//! What people mean by a name that they type, and what things are called.

use cco_engine::limits::KnownAccount;

use crate::text;

/// So many characters of an id tell it apart, mostly.
pub const SHORT_ID: usize = 8;

/// The project of this path is meant by this name: its path, its last folder or its last folders.
pub fn is_project(path: &str, name: &str) -> bool {
    let name = name.strip_suffix('/').unwrap_or(name);
    path == name || (!path.is_empty() && text::whole_project(path) == name) || ends_in(path, name)
}

/// The last folders of a path are these: reports call projects of one name so.
fn ends_in(path: &str, folders: &str) -> bool {
    let before = path.trim_end_matches(['/', '\\']).strip_suffix(folders);
    folders.contains(['/', '\\']) && before.is_some_and(|before| before.ends_with(['/', '\\']))
}

/// What people know an account by: the name they gave it, else its address, else its id.
pub fn account_label(account: &KnownAccount) -> String {
    let label = [&account.name, &account.email].into_iter().find(|label| !label.is_empty());
    label.map_or_else(|| account.id.to_string(), |label| text::name(label))
}

/// An id, or so much of it that people take it for one.
fn begins(id: &str, name: &str) -> bool {
    name.len() >= SHORT_ID.min(id.len().max(1)) && id.starts_with(&name.to_ascii_lowercase())
}

/// A name, an address or an id of the account. Nothing is the name of no account.
pub fn called(account: &KnownAccount, name: &str) -> bool {
    !name.is_empty()
        && (account.name == name
            || account.email.eq_ignore_ascii_case(name)
            || begins(&account.id.account, name)
            || begins(&account.id.organization, name)
            || account.id.to_string() == name)
}

/// The name that was meant, if one of them is near.
pub fn nearest<'a>(given: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let given = given.to_lowercase();
    let near = |name: &&str| distance(&given, &name.to_lowercase());
    let name = names.into_iter().min_by_key(near)?;
    (near(&name) <= 1 + name.chars().count() / 4).then_some(name)
}

/// The least number of characters to insert, remove or replace.
pub fn distance(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (i, a) in from.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, b) in to.iter().enumerate() {
            let replaced = diagonal + usize::from(a != *b);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[to.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_found_only_when_near() {
        let names = ["timezone", "enabled", "watch"];
        assert_eq!(nearest("time_zone", names), Some("timezone"));
        assert_eq!(nearest("TIMEZONE", names), Some("timezone"));
        assert_eq!(nearest("colour", names), None);
        assert_eq!((distance("", "abc"), distance("kitten", "sitting")), (3, 3));
    }
}
