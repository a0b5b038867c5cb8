import { describe, expect, it } from "vitest";
import { npmPackages, pnpmPackages, yarnPackages } from "../../../src/clearml/locked-packages.js";
import { withoutCredentials } from "../../../src/clearml/script-detection.js";

describe("a repository's address", () => {
  it.each([
    ["https://host/team/repo.git", "https://host/team/repo.git"],
    ["https://user@host/repo.git", "https://host/repo.git"],
    ["https://user:pass@host:8443/repo.git", "https://host:8443/repo.git"],
    ["https://oauth2:glpat-x@host/@scope/repo.git", "https://host/@scope/repo.git"],
    ["https://user:p@ss@host/repo.git", "https://host/repo.git"],
    ["https://user:pa/ss@host/repo.git", "https://host/repo.git"],
    ["https://host/@scope/repo.git", "https://host/@scope/repo.git"],
    ["https://host/repo.git?access_token=x#y", "https://host/repo.git"],
    ["ssh://git@host:22/repo.git", "ssh://git@host:22/repo.git"],
    ["ssh://git:pass@host/repo.git", "ssh://git@host/repo.git"],
    ["git@github.com:team/repo.git", "git@github.com:team/repo.git"],
    ["/srv/git/repo.git", "/srv/git/repo.git"],
    ["", ""],
  ])("%s becomes %s", (address, shown) => {
    expect(withoutCredentials(address)).toBe(shown);
  });
});

describe("lock files", () => {
  it("of npm tell direct dependencies, in their old form all that are not for development", () => {
    const old = { lockfileVersion: 1, dependencies: { zod: { version: "4.0.0" }, vitest: { version: "5.0.0", dev: true } } };
    expect(npmPackages(JSON.stringify(old))).toEqual(["zod@4.0.0"]);
    expect(npmPackages("no JSON")).toEqual([]);
  });

  it("of pnpm tell the dependencies of the importer at the root", () => {
    const lock = `lockfileVersion: '9.0'

importers:

  .:
    dependencies:
      '@aws-sdk/client-s3':
        specifier: ^3.1.0
        version: 3.1.2(aws-crt@1.0.0)
      zod:
        specifier: ^4
        version: 4.6.7
    devDependencies:
      vitest:
        specifier: ^5
        version: 5.1.1

  packages/a:
    dependencies:
      undici:
        specifier: ^8
        version: 8.0.0

packages:

  zod@4.6.7:
    resolution: {integrity: sha512-x}
`;
    expect(pnpmPackages(lock)).toEqual(["@aws-sdk/client-s3@3.1.2", "zod@4.6.7"]);
    expect(pnpmPackages("lockfileVersion: 5.4\n\ndependencies:\n  zod: 4.0.0\n  ws: 8.0.0_utf-8@1.0.0\n")).toEqual([
      "ws@8.0.0",
      "zod@4.0.0",
    ]);
  });

  it("of yarn, old and new, tell what the manifest asks for", () => {
    const old = `# yarn lockfile v1\n\n"@a/b@^1.0.0", "@a/b@^1.2.0":\n  version "1.3.0"\n  resolved "x"\n\nzod@^4:\n  version "4.6.7"\n`;
    expect(yarnPackages(old, { "@a/b": "^1.2.0", zod: "^4", none: "^1" })).toEqual(["@a/b@1.3.0", "zod@4.6.7"]);
    const berry = `__metadata:\n  version: 8\n\n"zod@npm:^4, zod@npm:^4.1":\n  version: 4.6.7\n  resolution: "zod@npm:4.6.7"\n`;
    expect(yarnPackages(berry, { zod: "^4.1" })).toEqual(["zod@4.6.7"]);
  });
});
