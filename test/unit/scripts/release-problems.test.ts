import { describe, expect, it } from "vitest";
import { changelogProblems, releaseProblems, type ReleaseFacts } from "../../../scripts/release-problems.js";

const MANIFEST = { version: "0.2.0", repository: { type: "git", url: "x" }, publishConfig: { access: "public", provenance: true } };
const CHANGELOG = `# Changelog

## [Unreleased]

## [0.2.0] - 2026-03-01

### Added

- \`flush\`.

## [0.1.0] - 2026-01-31

### Added

- All of it.
`;
const READY: ReleaseFacts = { manifest: MANIFEST, changelog: CHANGELOG, tags: ["v0.2.0"], changedFiles: [] };

describe("a release", () => {
  it("may go out when changelog, version, tag and provenance agree", () => {
    expect(releaseProblems(READY)).toEqual([]);
  });

  it.each<[string, Partial<ReleaseFacts>, RegExp]>([
    ["lines that no version has", { changelog: CHANGELOG.replace("[Unreleased]\n", "[Unreleased]\n\n- More.\n") }, /under \[Unreleased\]/],
    [
      "a version without its part",
      { manifest: { ...MANIFEST, version: "0.3.0" } },
      /newest version is 0\.2\.0, package\.json's is 0\.3\.0/,
    ],
    ["a commit without its tag", { tags: ["v0.1.0"] }, /no tag v0\.2\.0/],
    ["files that are not committed", { changedFiles: ["src/index.ts"] }, /Not committed: src\/index\.ts/],
    ["no provenance", { manifest: { ...MANIFEST, publishConfig: { access: "public" } } }, /no provenance/],
    ["no repository", { manifest: { version: "0.2.0", publishConfig: MANIFEST.publishConfig } }, /names no repository/],
    ["a private package", { manifest: { ...MANIFEST, private: true } }, /private/],
  ])("is stopped by %s", (_case, change, words) => {
    const problems = releaseProblems({ ...READY, ...change });
    expect(
      problems.some((problem) => words.test(problem)),
      problems.join("\n"),
    ).toBe(true);
  });

  it("is stopped when its version is a smaller step than VERSIONING.md allows", () => {
    const patch = CHANGELOG.replaceAll("0.2.0", "0.1.1");
    expect(releaseProblems({ ...READY, manifest: { ...MANIFEST, version: "0.1.1" }, changelog: patch, tags: ["v0.1.1"] })).toEqual([
      "0.1.1 is a patch release, and CHANGELOG.md lists more than repairs.",
    ]);
    const minor = CHANGELOG.replaceAll("0.2.0", "1.1.0").replaceAll("0.1.0", "1.0.0").replace("### Added", "### Removed");
    expect(releaseProblems({ ...READY, manifest: { ...MANIFEST, version: "1.1.0" }, changelog: minor, tags: ["v1.1.0"] })).toEqual([
      "1.1.0 removes something: that is a major release.",
    ]);
  });
});

describe("a changelog", () => {
  it("is refused out of order, without dates, and with parts of its own making", () => {
    const changelog = "## [0.1.0] - 2026-01-31\n\n## [0.2.0] - soon\n\n### News\n\n- x\n";
    expect(changelogProblems(changelog)).toEqual([
      "CHANGELOG.md does not begin with ## [Unreleased].",
      "CHANGELOG.md: 0.2.0 has no date of the form 2026-01-31.",
      "CHANGELOG.md: 0.1.0 stands above 0.2.0.",
      "CHANGELOG.md: 0.2.0 has a part News; there are Added, Changed, Deprecated, Removed, Fixed, Security.",
    ]);
    expect(
      changelogProblems("## [Unreleased]\n## [0.1.0] - 2026-01-31\n## [0.1.0-rc.1] - 2026-01-30\n## [0.1.0-rc.2] - 2026-01-29\n"),
    ).toEqual(["CHANGELOG.md: 0.1.0-rc.1 stands above 0.1.0-rc.2."]);
  });
});
