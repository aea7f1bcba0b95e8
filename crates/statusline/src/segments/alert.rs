//! What is wrong, and only the user can mend.

use cco_model::limit::login::Login;

use super::{DEFAULT, Piece, Segment};
use crate::scene::Scene;
use crate::snapshot::Alert;

/// The segment.
pub static SEGMENT: Segment = Segment {
    id: "alert",
    about: "What is wrong and needs you: a dead login, a full disk, a wrong config.toml",
    example: "🔺login",
    priority: 100,
    colour: DEFAULT,
    ground: 88,
    build,
};

fn build(scene: &Scene<'_>) -> Option<Piece> {
    let critical = scene.mark(cco_model::limit::mark::Mark::Critical);
    let warning = scene.mark(cco_model::limit::mark::Mark::Aging);
    let works = login_works(scene);
    let words: Vec<String> = scene
        .snapshot
        .alerts
        .iter()
        .filter(|alert| !(matches!(alert, Alert::Login | Alert::OneLogin) && works))
        .map(|alert| match alert {
            Alert::Login => format!("{critical}login"),
            Alert::OneLogin => format!("{warning}login"),
            Alert::Disk => format!("{warning}disk"),
            Alert::Config => format!("{warning}config"),
        })
        .collect();
    (!words.is_empty()).then(|| Piece::new(words.join(" ")).alarming())
}

/// The session was told of its limits since its account's login was found dead: whoever looked does not know yet.
fn login_works(scene: &Scene<'_>) -> bool {
    let Some(Login::NeedsLogin { since_ms, .. }) = scene.account().map(|account| account.login) else {
        return false;
    };
    scene.payload.windows.iter().any(|told| scene.told_at_ms(told) > since_ms)
}
