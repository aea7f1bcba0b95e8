//! What keys hold: kinds of values, and values as TOML has them.

use std::fmt;

/// What a key holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// `true` or `false`.
    Flag,
    /// A whole number, at least this.
    Whole(u64),
    /// A string.
    Text,
    /// A list of strings.
    Texts,
    /// A list of lists of strings.
    Lists,
    /// A list of whole numbers.
    Wholes,
}

impl Kind {
    /// The kind in words, with its article.
    pub(crate) fn words(self) -> String {
        match self {
            Self::Flag => "true or false".to_owned(),
            Self::Whole(0) => "a whole number".to_owned(),
            Self::Whole(least) => format!("a whole number, {least} or more"),
            Self::Text => "a string".to_owned(),
            Self::Texts => "a list of strings".to_owned(),
            Self::Lists => "a list of lists of strings".to_owned(),
            Self::Wholes => "a list of whole numbers".to_owned(),
        }
    }
}

/// A value of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Value {
    /// Of [`Kind::Flag`].
    Flag(bool),
    /// Of [`Kind::Whole`].
    Whole(u64),
    /// Of [`Kind::Text`].
    Text(String),
    /// Of [`Kind::Texts`].
    Texts(Vec<String>),
    /// Of [`Kind::Lists`].
    Lists(Vec<Vec<String>>),
    /// Of [`Kind::Wholes`].
    Wholes(Vec<u64>),
}

impl fmt::Display for Value {
    /// As TOML has it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(flag) => write!(f, "{flag}"),
            Self::Whole(number) => write!(f, "{number}"),
            Self::Text(text) => write!(f, "{}", toml::Value::from(text.as_str())),
            Self::Texts(texts) => write!(f, "{}", toml::Value::from(texts.clone())),
            Self::Lists(lists) => {
                let lists = lists.iter().map(|texts| toml::Value::from(texts.clone())).collect();
                write!(f, "{}", toml::Value::Array(lists))
            }
            Self::Wholes(numbers) => {
                let numbers: Vec<String> = numbers.iter().map(u64::to_string).collect();
                write!(f, "[{}]", numbers.join(", "))
            }
        }
    }
}
