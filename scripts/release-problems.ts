/**
 * What stands between a checkout and its publication. Looks at texts alone; `scripts/release.ts` reads them and asks git. The
 * rules are those of VERSIONING.md and of Keep a Changelog.
 */

/** What a release is judged by. */
export interface ReleaseFacts {
  readonly manifest: {
    readonly version: string;
    readonly private?: boolean;
    readonly repository?: unknown;
    readonly publishConfig?: { readonly access?: string; readonly provenance?: boolean };
  };
  readonly changelog: string;
  /** Tags of the commit that is to be published; undefined where nobody asked. */
  readonly tags?: readonly string[];
  /** Files that differ from the commit. */
  readonly changedFiles?: readonly string[];
}

/** A version's part of the changelog. */
export interface ChangelogSection {
  /** `Unreleased`, or a version. */
  readonly version: string;
  readonly date: string | undefined;
  /** `Added`, `Fixed`, ... */
  readonly kinds: readonly string[];
  readonly isEmpty: boolean;
}

const KINDS = ["Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"];
const HEADING = /^## \[(?<version>[^\]]+)\](?: - (?<date>\S+))?\s*$/;
const VERSION = /^(?<major>\d+)\.(?<minor>\d+)\.(?<patch>\d+)(?:-(?<pre>[0-9A-Za-z.-]+))?$/;

export function changelogSections(changelog: string): ChangelogSection[] {
  return changelog
    .split(/^(?=## )/m)
    .filter((part) => part.startsWith("## "))
    .map((part) => {
      const [heading = "", ...lines] = part.split("\n");
      const { version = heading.replace(/^## /, ""), date } = HEADING.exec(heading)?.groups ?? {};
      return {
        version,
        date,
        kinds: lines.flatMap((line) => /^### (.+)$/.exec(line)?.[1] ?? []),
        isEmpty: !lines.some((line) => line.startsWith("- ")),
      };
    });
}

/** What is wrong with the changelog at any time, between releases too. */
export function changelogProblems(changelog: string): string[] {
  const problems: string[] = [];
  const sections = changelogSections(changelog);
  if (sections[0]?.version !== "Unreleased") problems.push("CHANGELOG.md does not begin with ## [Unreleased].");
  const released = sections.filter(({ version }) => version !== "Unreleased");
  for (const { version, date } of released) {
    if (!VERSION.test(version)) problems.push(`CHANGELOG.md: ${version} is no version of the form 1.2.3.`);
    if (date === undefined || !/^\d{4}-\d{2}-\d{2}$/.test(date) || Number.isNaN(Date.parse(date)))
      problems.push(`CHANGELOG.md: ${version} has no date of the form 2026-01-31.`);
  }
  for (const [at, { version }] of released.entries()) {
    const older = released[at + 1]?.version;
    if (older !== undefined && compareVersions(version, older) <= 0) problems.push(`CHANGELOG.md: ${version} stands above ${older}.`);
  }
  for (const { version, kinds } of sections) {
    for (const kind of kinds)
      if (!KINDS.includes(kind)) problems.push(`CHANGELOG.md: ${version} has a part ${kind}; there are ${KINDS.join(", ")}.`);
    const twice = kinds.find((kind, at) => kinds.indexOf(kind) !== at);
    if (twice !== undefined) problems.push(`CHANGELOG.md: ${version} has two parts ${twice}.`);
  }
  return problems;
}

/** Everything that must be put right before this is published; empty when it may be. */
export function releaseProblems({ manifest, changelog, tags, changedFiles = [] }: ReleaseFacts): string[] {
  const { version } = manifest;
  const problems = changelogProblems(changelog);
  const [unreleased, newest, before] = changelogSections(changelog);
  if (unreleased?.isEmpty === false) problems.push("CHANGELOG.md has lines under [Unreleased]: move them under the version.");
  if (newest?.version !== version)
    problems.push(`CHANGELOG.md's newest version is ${newest?.version ?? "missing"}, package.json's is ${version}.`);
  else problems.push(...stepProblems(before?.version, newest));
  if (tags !== undefined && !tags.includes(`v${version}`)) problems.push(`The commit has no tag v${version}.`);
  if (changedFiles.length > 0) problems.push(`Not committed: ${changedFiles.join(", ")}.`);
  if (manifest.private === true) problems.push("package.json says private.");
  if (manifest.publishConfig?.access !== "public" || manifest.publishConfig.provenance !== true)
    problems.push("package.json's publishConfig asks for no provenance, or not for public access.");
  if (manifest.repository === undefined)
    problems.push("package.json names no repository: provenance is refused unless it is the one that the publishing workflow runs in.");
  return problems;
}

/** A version that is a smaller step than its changes, by VERSIONING.md. */
function stepProblems(before: string | undefined, { version, kinds }: ChangelogSection): string[] {
  const [from, to] = [parse(before ?? ""), parse(version)];
  if (!from || !to) return [];
  const isPatch = from.major === to.major && from.minor === to.minor;
  const isMinor = from.major === to.major && !isPatch;
  if (isPatch && kinds.some((kind) => kind !== "Fixed" && kind !== "Security"))
    return [`${version} is a patch release, and CHANGELOG.md lists more than repairs.`];
  if (isMinor && from.major > 0 && kinds.includes("Removed")) return [`${version} removes something: that is a major release.`];
  return [];
}

function parse(
  version: string,
): { readonly major: number; readonly minor: number; readonly patch: number; readonly pre: string | undefined } | undefined {
  const groups = VERSION.exec(version)?.groups;
  if (!groups) return undefined;
  return { major: Number(groups["major"]), minor: Number(groups["minor"]), patch: Number(groups["patch"]), pre: groups["pre"] };
}

function compareVersions(one: string, other: string): number {
  const [a, b] = [parse(one), parse(other)];
  if (!a || !b) return 1;
  // A pre-release comes before its release.
  return (
    a.major - b.major ||
    a.minor - b.minor ||
    a.patch - b.patch ||
    Number(a.pre === undefined) - Number(b.pre === undefined) ||
    (a.pre ?? "").localeCompare(b.pre ?? "", "en", { numeric: true })
  );
}
