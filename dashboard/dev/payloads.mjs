// Names that would run, load or disguise something, were they taken for anything but text.
// Must not: be shipped.

const RUN = "window.__ran=1";
const ELEMENTS = ["img src=x", "svg", "body", "iframe src=x", "video src=x", "audio src=x", "details open", "input autofocus", "select autofocus", "marquee", "object data=x", "embed src=x", "style", "link rel=stylesheet href=//evil.invalid/x", "math"];
const HANDLERS = ["onerror", "onload", "onfocus", "ontoggle", "onmouseover", "onclick", "onstart", "onanimationstart", "onpointerenter"];
const URLS = ["javascript:", "JaVaScRiPt:", "java\tscript:", "java\nscript:", " javascript:", "\u0001javascript:", "data:text/html,<script>", "vbscript:", "vscode://file/", "file:///etc/passwd#", "//evil.invalid/", "blob:", "https://evil.invalid/\" onclick=\""];
const OTHERS = [
  `<script>${RUN}</script>`, `</script><script>${RUN}</script>`, `</title><script>${RUN}</script>`, `</textarea><img src=x onerror=${RUN}>`, `"><script>${RUN}</script>`, `'><svg onload=${RUN}>`, `\`><svg onload=${RUN}>`,
  `<svg><script>${RUN}</script></svg>`, `<svg><animate onbegin=${RUN} attributeName=x dur=1s>`, `<math><mtext><table><mglyph><style><img src=x onerror=${RUN}>`, `<noscript><p title="</noscript><img src=x onerror=${RUN}>">`, `<template><img src=x onerror=${RUN}></template>`,
  `<form><button formaction=javascript:${RUN}>x`, `<a href=javascript:${RUN}>x</a>`, `<base href=//evil.invalid/>`, `<meta http-equiv=refresh content="0;url=//evil.invalid">`, `<style>@import'//evil.invalid'</style>`, `" style="background:url(//evil.invalid/x)`, `" autofocus onfocus="${RUN}`, `{{constructor.constructor('${RUN}')()}}`, `\${${RUN}}`, `#{${RUN}}`, `<%= ${RUN} %>`, `[[${RUN}]]`, `__proto__`, `constructor`, `toString`, `hasOwnProperty`,
  "\u202Egnp.exe\u202C", "pay\u200Bpal", "раypal", "\u2066x\u2069", "a\u2028b", "a\u2029b", "a\nb\tc", "\u0000nul", "\uFEFFbom", "\u{E0041}tag", "\ud800", "🏳️‍🌈 dépôt", "ｊａｖａｓｃｒｉｐｔ：", "x".repeat(300), "W".repeat(120), "é́́́́́", "%00%0a<b>", "&lt;b&gt;&#60;script&#62;",
  "=HYPERLINK(\"http://evil.invalid\",\"y\")", "+1+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\t=1", "\"=1", "a,b\"c",
];

export const PAYLOADS = [
  ...OTHERS,
  ...ELEMENTS.flatMap((element) => HANDLERS.map((handler) => `<${element} ${handler}=${RUN}>`)),
  ...URLS.map((url) => `${url}${RUN}`),
];
