/** The packages that are the user's to install: which version is here, and whether it is one that this package works with. */
import { createRequire } from "node:module";
import type { Finding } from "./finding.js";

/** Optional peers that `s3://` needs. */
const AWS_PACKAGES = ["@aws-sdk/client-s3", "@aws-sdk/lib-storage"] as const;
/** The oldest that works, as in `peerDependencies`: 3.729 brought the switch of the checksums. */
export const OLDEST_AWS = [3, 729] as const;
const INSTALL = `npm install ${AWS_PACKAGES.join(" ")}`;

/** The version of a package as this one would load it; undefined: it is not installed. */
export function installedVersion(name: string): string | undefined {
  try {
    return (createRequire(import.meta.url)(`${name}/package.json`) as { version: string }).version;
  } catch {
    return undefined;
  }
}

/** Told whether or not files go to S3: who asks is often about to set it up. What a missing one costs, the check of the storage says. */
export function checkAwsPackages(versionOf: (name: string) => string | undefined): readonly Finding[] {
  return AWS_PACKAGES.map((name): Finding => {
    const id = `versions.${name.slice("@aws-sdk/".length)}`;
    const version = versionOf(name);
    if (version === undefined)
      return { id, severity: "note", message: `${name} is not installed; s3:// needs it.`, advice: INSTALL, facts: { installed: false } };
    const facts = { installed: true, version };
    const [major = 0, minor = 0] = version.split(".").map(Number);
    if (major === OLDEST_AWS[0] && minor >= OLDEST_AWS[1]) return { id, severity: "ok", message: `${name} ${version}.`, facts };
    return {
      id,
      severity: "warning",
      message: `${name} is ${version}, and this package works with ${OLDEST_AWS.join(".")} up to the next major version.`,
      advice: INSTALL,
      facts,
    };
  });
}
