/**
 * What the address of a stored file says. Addresses are used as they stand and never decoded: a key may itself hold
 * `%3A`, which is part of its name (`clearml-protocol`, 10.2). Pure.
 */

/** Where a file lies. */
export type ObjectAddress =
  | { readonly kind: "http"; readonly url: string }
  /** `host`: `host:port` of a compatible store; absent: AWS. */
  | { readonly kind: "s3"; readonly host?: string; readonly bucket: string; readonly key: string }
  /** `path`: what follows `file://`, as it stands there. */
  | { readonly kind: "file"; readonly url: string; readonly path: string }
  /** A store that this package cannot reach, such as `gs`, or no address at all. */
  | { readonly kind: "other"; readonly scheme: string };

/** Reads an address as ClearML's own client does: a port after the first word of an `s3` address makes it a host. */
export function objectAddress(uri: string): ObjectAddress {
  const [, scheme = "", rest = ""] = /^([A-Za-z][A-Za-z0-9+.-]*):\/\/(.*)$/s.exec(uri) ?? [];
  switch (scheme.toLowerCase()) {
    case "http":
    case "https":
      return { kind: "http", url: uri };
    case "file":
      return { kind: "file", url: uri, path: rest };
    case "s3": {
      const parts = rest.split("/");
      const host = /:\d+$/.test(parts[0] ?? "") ? parts.shift() : undefined;
      const bucket = parts.shift() ?? "";
      const key = parts.join("/");
      if (bucket === "" || key === "") return { kind: "other", scheme: "s3" };
      return { kind: "s3", ...(host === undefined ? {} : { host }), bucket, key };
    }
    default:
      return { kind: "other", scheme };
  }
}
