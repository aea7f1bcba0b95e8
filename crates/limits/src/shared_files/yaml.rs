//! YAML as a small tree, which no text can make large.
//!
//! An alias is its anchor's node shared, not copied, so a bomb of aliases stays as small as its text; depth and number
//! of nodes are bounded. Merge keys and tags mean nothing here. Of a key that stands twice the last one counts.

use std::collections::HashMap;
use std::rc::Rc;

use granit_parser::{Event, Parser};

use crate::input::Unread;

const DEEPEST: u32 = 32;
const MOST_NODES: usize = 20_000;

/// A node and how deep the tree below it is.
#[derive(Clone)]
pub(super) struct Node {
    kind: Rc<Kind>,
    depth: u32,
}

enum Kind {
    Scalar(String),
    List,
    Map(Vec<(String, Node)>),
}

impl Node {
    /// The first document of a text. An empty text has none.
    pub(super) fn parse(text: &str) -> Result<Self, Unread> {
        let mut builder = Builder::default();
        let mut document = None;
        for (count, event) in Parser::new_from_str(text).enumerate() {
            let (event, span) = event.map_err(|error| broken(error.marker().line(), "no YAML"))?;
            if count > MOST_NODES {
                return Err(Unread::broken("it has too many values"));
            }
            if let Some(node) = builder.take(event).map_err(|why| broken(span.start.line(), why))?
                && document.is_none()
            {
                document = Some(node);
            }
        }
        document.ok_or_else(|| Unread::broken("it is empty"))
    }

    /// The value of a key.
    pub(super) fn get(&self, key: &str) -> Option<&Self> {
        let Kind::Map(pairs) = &*self.kind else { return None };
        pairs.iter().rev().find(|(name, _)| name == key).map(|(_, value)| value)
    }

    /// The pairs of a mapping; none of anything else.
    pub(super) fn pairs(&self) -> &[(String, Self)] {
        let Kind::Map(pairs) = &*self.kind else { return &[] };
        pairs
    }

    /// The text of a scalar that says something.
    pub(super) fn text(&self) -> Option<&str> {
        let Kind::Scalar(text) = &*self.kind else { return None };
        Some(text.as_str()).filter(|text| !["", "~", "null"].contains(text))
    }

    pub(super) fn text_of(&self, key: &str) -> Option<String> {
        self.get(key)?.text().map(str::to_owned)
    }

    pub(super) fn is_map(&self) -> bool {
        matches!(&*self.kind, Kind::Map(_))
    }
}

fn broken(line: usize, why: &str) -> Unread {
    Unread::Broken(format!("{why} (line {line})"))
}

/// A list or a mapping that has not ended.
struct Open {
    anchor: usize,
    depth: u32,
    is_map: bool,
    pairs: Vec<(String, Node)>,
    key: Option<Option<String>>,
}

#[derive(Default)]
struct Builder {
    open: Vec<Open>,
    anchors: HashMap<usize, Node>,
}

impl Builder {
    /// Takes in an event; a whole document comes back.
    fn take(&mut self, event: Event<'_>) -> Result<Option<Node>, &'static str> {
        match event {
            Event::Scalar(text, _, anchor, _) => {
                let node = Node { kind: Rc::new(Kind::Scalar(text.into_owned())), depth: 0 };
                self.place(anchor, node)
            }
            Event::SequenceStart(_, anchor, _) => self.begin(anchor, false),
            Event::MappingStart(_, anchor, _) => self.begin(anchor, true),
            Event::SequenceEnd | Event::MappingEnd => {
                let Some(open) = self.open.pop() else { return Err("an end without a beginning") };
                let kind = if open.is_map { Kind::Map(open.pairs) } else { Kind::List };
                self.place(open.anchor, Node { kind: Rc::new(kind), depth: open.depth })
            }
            Event::Alias(anchor) => {
                let node = self.anchors.get(&anchor).cloned().ok_or("an alias of what has not ended")?;
                self.place(0, node)
            }
            _ => Ok(None),
        }
    }

    fn begin(&mut self, anchor: usize, is_map: bool) -> Result<Option<Node>, &'static str> {
        if self.open.len() >= DEEPEST as usize {
            return Err("too deep");
        }
        self.open.push(Open { anchor, depth: 1, is_map, pairs: Vec::new(), key: None });
        Ok(None)
    }

    /// Puts a whole node where it belongs. Nothing here reads lists, so their items are let go.
    fn place(&mut self, anchor: usize, node: Node) -> Result<Option<Node>, &'static str> {
        if anchor != 0 {
            self.anchors.insert(anchor, node.clone());
        }
        let Some(open) = self.open.last_mut() else { return Ok(Some(node)) };
        if !open.is_map {
            return Ok(None);
        }
        match open.key.take() {
            None => open.key = Some(node.text().map(str::to_owned)),
            Some(key) => {
                open.depth = open.depth.max(node.depth + 1);
                if open.depth > DEEPEST {
                    return Err("too deep");
                }
                open.pairs.extend(key.map(|key| (key, node)));
            }
        }
        Ok(None)
    }
}
