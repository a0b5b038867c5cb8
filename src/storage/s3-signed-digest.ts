/**
 * The digest of a body that is known already, put where the AWS client would put its own: it would hash all of a part
 * anew, in one go, on the thread that trains.
 */
interface DigestHeader {
  readonly middlewareStack: {
    add(
      middleware: (next: (given: { request: unknown }) => Promise<never>) => (given: { request: unknown }) => Promise<never>,
      options: { readonly step: "build"; readonly name: string; readonly override: boolean },
    ): void;
  };
}

/**
 * Signs the request over this digest of its body. S3 hashes what arrives and refuses anything else
 * (`XAmzContentSHA256Mismatch`), so a byte damaged on the way is noticed at the other end.
 */
export function signOver(command: object, sha256Hex: string): void {
  // The commands' own types differ in input and output alone, which nothing here looks at.
  (command as DigestHeader).middlewareStack.add(
    (next) => (given) => {
      (given.request as { readonly headers: Record<string, string> }).headers["x-amz-content-sha256"] = sha256Hex;
      return next(given);
    },
    { step: "build", name: "knownContentDigest", override: true },
  );
}
