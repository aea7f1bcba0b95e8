//! Who stands between us and the service, as the user's environment says. Must not: read that environment.

use std::fmt;

use ureq::Proxy;

use super::Unusable;

/// What the environment says about proxies. May hold a password, so it is not printed.
#[derive(Clone, Default)]
pub struct Proxies {
    /// `HTTPS_PROXY`, or `https_proxy`.
    pub https: Option<String>,
    /// `ALL_PROXY`, or `all_proxy`.
    pub all: Option<String>,
    /// `NO_PROXY`, or `no_proxy`: hosts that are reached directly, with commas between.
    pub except: Option<String>,
}

impl fmt::Debug for Proxies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let told = |value: &Option<String>| value.is_some();
        write!(f, "Proxies(https: {}, all: {})", told(&self.https), told(&self.all))
    }
}

impl Proxies {
    /// The proxy on the way to a host of the service.
    pub(crate) fn on_the_way_to(&self, host: &str) -> Result<Option<Proxy>, Unusable> {
        let text =
            [&self.https, &self.all].into_iter().flatten().map(|text| text.trim()).find(|t| !t.is_empty());
        let Some(text) = text.filter(|_| !self.excepts(host)) else { return Ok(None) };
        Proxy::new(text).map(Some).map_err(|_| Unusable::Proxy)
    }

    fn excepts(&self, host: &str) -> bool {
        let entries = self.except.as_deref().unwrap_or_default().split([',', ' ']).map(str::trim);
        entries.filter(|entry| !entry.is_empty()).any(|entry| {
            let entry = entry.strip_suffix(":443").unwrap_or(entry).to_ascii_lowercase();
            let domain = entry.trim_start_matches("*.").trim_start_matches('.');
            entry == "*"
                || host == domain
                || host.strip_suffix(domain).is_some_and(|rest| rest.ends_with('.'))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(https: &str, all: &str, except: &str) -> Option<String> {
        let given = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        let proxies = Proxies { https: given(https), all: given(all), except: given(except) };
        proxies
            .on_the_way_to("api.anthropic.com")
            .unwrap()
            .map(|proxy| format!("{}:{}", proxy.host(), proxy.port()))
    }

    #[test]
    fn the_proxy_for_https_stands_before_the_one_for_all() {
        assert_eq!(host("http://one:3128", "http://two:1", ""), Some("one:3128".into()));
        assert_eq!(host("", "socks5://two:1080", ""), Some("two:1080".into()));
        assert_eq!(host("  ", "", ""), None);
    }

    #[test]
    fn hosts_that_are_excepted_are_reached_directly() {
        for except in
            ["*", "api.anthropic.com", "x, .anthropic.com", "*.anthropic.com", "anthropic.com", "com:443"]
        {
            assert_eq!(host("http://one:3128", "", except), None, "{except}");
        }
        for except in ["", "pi.anthropic.com", "anthropic.com.example", "example.com", ","] {
            assert!(host("http://one:3128", "", except).is_some(), "{except}");
        }
    }

    #[test]
    fn an_exception_is_for_the_host_that_it_names() {
        let proxies = Proxies {
            https: Some("http://one:3128".into()),
            except: Some("platform.claude.com".into()),
            ..Proxies::default()
        };
        assert!(proxies.on_the_way_to("platform.claude.com").unwrap().is_none());
        assert!(proxies.on_the_way_to("api.anthropic.com").unwrap().is_some());
    }

    #[test]
    fn a_proxy_that_cannot_be_used_is_not_gone_past() {
        for text in ["ftp://one", "http://", "one two", "socks9://x:1"] {
            let proxies = Proxies { https: Some(text.into()), ..Proxies::default() };
            assert!(proxies.on_the_way_to("api.anthropic.com").is_err(), "{text}");
        }
    }

    #[test]
    fn a_proxys_password_is_not_printed() {
        let proxies = Proxies { https: Some("http://u:canary@one:1".into()), ..Proxies::default() };
        assert!(!format!("{proxies:?}").contains("canary"));
    }
}
