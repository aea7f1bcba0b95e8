//! The API, described by OpenAPI 3.1 from the routes themselves.

use std::sync::OnceLock;

use axum::http::HeaderMap;
use axum::response::Response;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{ComponentsBuilder, InfoBuilder, OpenApi, OpenApiBuilder, SecurityRequirement};

use super::answer::Answer;
use super::problem::Problem;

/// What is said before the routes.
pub(super) fn frame() -> OpenApi {
    let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build();
    OpenApiBuilder::new()
        .info(
            InfoBuilder::new()
                .title("cco")
                .version(env!("CARGO_PKG_VERSION"))
                .description(Some(
                    "What Claude Code used and cost on this machine. Amounts are US dollars as exact decimal numbers \
                     with up to nine places; read them with a parser that keeps them. Times are RFC 3339, UTC. What \
                     has no name is \"\". Whoever gets no answer gets `application/problem+json`; but what is no HTTP, \
                     or has a head of more than 16 KiB, gets a bare 400 or 431, since no route ever sees it.",
                ))
                .build(),
        )
        .components(Some(
            ComponentsBuilder::new().security_scheme("token", SecurityScheme::Http(bearer)).build(),
        ))
        .security(Some([SecurityRequirement::new::<_, [&str; 0], &str>("token", [])]))
        .build()
}

/// This description.
#[utoipa::path(get, path = "/api/openapi.json", tag = "daemon", responses((status = OK, body = Object)))]
pub(super) async fn openapi(headers: HeaderMap) -> Result<Response, Problem> {
    static MADE: OnceLock<Answer> = OnceLock::new();
    if let Some(made) = MADE.get() {
        return Ok(made.send(&headers));
    }
    let answer = Answer::of(&super::description())?;
    Ok(MADE.get_or_init(|| answer).send(&headers))
}
