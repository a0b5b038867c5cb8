import { expect, it } from "vitest";
import { foreignRequests, foreignStyles, readHtml, readMarkdown } from "../../../scripts/links.js";

it("finds the links of a Markdown page, and none in code or to other hosts", () => {
  const { links } = readMarkdown(
    [
      "[one](a.md#b) and [`two`](../c.ts), [far](https://example.com), [mail](mailto:a@b)",
      "`[x](no.md)`",
      "```md",
      "[y](no.md)",
      "```",
    ].join("\n"),
  );
  expect(links).toEqual(["a.md#b", "../c.ts"]);
});

it("names headings as their addresses do, the second of a name with a number", () => {
  const { anchors } = readMarkdown(
    ["# What is `promised`?", "## A, b & c", "## Twice", "## Twice", "```sh", "# a comment", "```", "## See [there](x.md)"].join("\n"),
  );
  expect([...anchors]).toEqual(["what-is-promised", "a-b--c", "twice", "twice-1", "see-there"]);
});

it("finds links and places of a built page", () => {
  const { links, anchors } = readHtml(
    `<h2 id="a&amp;b"></h2><a class="x" href="b.html?q=1&amp;r#c">b</a><img src="i.png"><a href="https://e.com">`,
  );
  expect(links).toEqual(["b.html?q=1&r#c", "i.png"]);
  expect([...anchors]).toEqual(["a&b"]);
});

it("tells what a page would fetch from elsewhere, and lets it link there", () => {
  const html = `<a href="https://example.com">there</a><link rel="stylesheet" href="//cdn.example/x.css"><script async src="https://cdn.example/x.js"></script>`;
  expect(foreignRequests(html)).toEqual(["//cdn.example/x.css", "https://cdn.example/x.js"]);
  expect(
    foreignStyles(`@import "https://f.example/a.css"; a { background: url(data:x) } b { src: url('https://f.example/f.woff') }`),
  ).toEqual(["https://f.example/a.css", "https://f.example/f.woff"]);
});
