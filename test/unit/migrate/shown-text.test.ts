import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { shownTag, withoutPasswords } from "../../../src/migrate/shown-text.js";
import { asPublic } from "../../../src/migrate/verify-metadata.js";

const CASES: readonly (readonly [text: string, shown: string])[] = [
  ["https://ada:s3cret@host.example/team/repo.git", "https://host.example/team/repo.git"],
  ["https://ghp_token@host.example/repo", "https://host.example/repo"],
  ["git+https://ada:s3cret@host.example/repo@v2#egg=x", "git+https://host.example/repo@v2#egg=x"],
  ["https://ada:s3/cr@et@host.example/repo", "https://host.example/repo"],
  ["ssh://git@host.example:22/repo", "ssh://git@host.example:22/repo"],
  ["ssh://git:s3cret@host.example/repo", "ssh://git@host.example/repo"],
  ["sftp://ada:s3cret@host.example/mlflow/1", "sftp://ada@host.example/mlflow/1"],
  ["git@host.example:team/repo.git", "git@host.example:team/repo.git"],
  ["clone (https://a:s3cret@h/r), then postgresql://b:s3cret@db:5432/x", "clone (https://h/r), then postgresql://db:5432/x"],
  ['{"url":"https://a:s3cret@h/r","n":"a@b"}', '{"url":"https://h/r","n":"a@b"}'],
  ["https://host.example:8443/@ada/repo", "https://host.example:8443/@ada/repo"],
  ["https://[::1]:80/a@b", "https://[::1]:80/a@b"],
  ["s3://bucket/a@b", "s3://bucket/a@b"],
  ["ada@host.example wrote: https://host.example", "ada@host.example wrote: https://host.example"],
];

describe("a text of MLflow as ClearML shows it", () => {
  it.each(CASES)("%s", (text, shown) => {
    expect(withoutPasswords(text)).toBe(shown);
  });

  it("is what the proof expects, whatever the text", () => {
    const piece = fc.constantFrom(...CASES.map(([text]) => text), "://", "@", ":", "/", "a", " ", '"', "https://", "git:", "[", "#", "1");
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 8 }), (pieces) => {
        const text = pieces.join("");
        expect(asPublic(text)).toBe(withoutPasswords(text));
      }),
      { numRuns: 2000 },
    );
  });

  it("leaves a diff as it is, or it could not be applied", () => {
    const diff = "+clone('https://a:b@h/r')";
    expect(shownTag({ key: "mlflow.source.git.diff", value: diff })).toBe(diff);
    expect(shownTag({ key: "other", value: diff })).toBe("+clone('https://h/r')");
  });
});
