//! The folder that the session works in.

use super::{BLUE, Piece, Segment};
use crate::scene::Scene;

/// The segment.
pub static SEGMENT: Segment = Segment {
    id: "dir",
    about: "The folder that the session works in",
    example: "📁:~/app",
    priority: 65,
    colour: BLUE,
    ground: 24,
    build,
};

fn build(scene: &Scene<'_>) -> Option<Piece> {
    let dir = scene.payload.dir.as_deref()?;
    let label = scene.label("📁:", "");
    Some(Piece::new(format!("{label}{}", short(dir, scene.nearby.home.as_deref()))))
}

/// The home folder is `~`, where all of its name is there. Nothing is cut: half a path is another path.
fn short(dir: &str, home: Option<&str>) -> String {
    let home = home.map(|home| home.trim_end_matches('/')).filter(|home| !home.is_empty());
    match home.and_then(|home| dir.strip_prefix(home)) {
        Some("") => "~".to_owned(),
        Some(rest) if rest.starts_with('/') => format!("~{rest}"),
        _ => dir.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn home_is_shortened_only_as_a_whole_name() {
        let rows = [
            ("/home/dev/app", Some("/home/dev"), "~/app"),
            ("/home/dev", Some("/home/dev/"), "~"),
            ("/home/developer/app", Some("/home/dev"), "/home/developer/app"),
            ("/srv/app", Some("/home/dev"), "/srv/app"),
            ("/srv/app", Some("/"), "/srv/app"),
            ("/srv/app", Some(""), "/srv/app"),
            ("/srv/app", None, "/srv/app"),
        ];
        for (dir, home, shown) in rows {
            assert_eq!(short(dir, home), shown);
        }
    }
}
