//! Bodies whose writer put `NaN` or `Infinity` where JSON has no word for it.

const WORDS: [&[u8]; 3] = [b"-Infinity", b"Infinity", b"NaN"];

/// The body with `null` for each bare word; none: there is none, so nothing to mend.
pub(super) fn without_nan(body: &[u8]) -> Option<Vec<u8>> {
    let mut mended = Vec::with_capacity(body.len());
    let (mut rest, mut in_text, mut found) = (body, false, false);
    while let Some((&byte, after)) = rest.split_first() {
        if let Some(word) = WORDS.iter().find(|word| !in_text && rest.starts_with(word)) {
            mended.extend_from_slice(b"null");
            rest = &rest[word.len()..];
            found = true;
            continue;
        }
        mended.push(byte);
        rest = after;
        match byte {
            b'"' => in_text = !in_text,
            b'\\' if in_text => {
                mended.extend(rest.first());
                rest = rest.get(1..).unwrap_or_default();
            }
            _ => {}
        }
    }
    found.then_some(mended)
}
