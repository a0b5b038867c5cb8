import { describe, expect, it } from "vitest";
import { publicProxy, readNetwork } from "../../../src/base/network.js";

describe("the proxy for an address", () => {
  const env = {
    HTTPS_PROXY: "http://secure:1",
    HTTP_PROXY: "plain:2",
    NO_PROXY: "localhost, .corp.example,minio:9000 10.0.0.0/8,[::1]:8008",
  };
  it.each([
    ["https://api.clear.ml/", "http://secure:1"],
    ["http://backend/", "http://plain:2"],
    ["http://localhost:8008/", undefined],
    ["https://a.corp.example/", undefined],
    ["https://corp.example/", undefined],
    ["https://notcorp.example/", "http://secure:1"],
    ["http://minio:9000/bucket", undefined],
    ["http://minio:9001/bucket", "http://plain:2"],
    ["http://10.1.2.3/", undefined],
    ["http://11.1.2.3/", "http://plain:2"],
    ["http://[::1]:8008/", undefined],
    ["http://[::1]:8009/", "http://plain:2"],
  ])("%s", (url, proxy) => {
    expect(readNetwork(env).proxyFor(url)).toBe(proxy);
  });

  it("is that of the variable in lower case where both are set, and ALL_PROXY where there is none", () => {
    const network = readNetwork({ https_proxy: "http://lower:1", HTTPS_PROXY: "http://upper:1", ALL_PROXY: "http://all:1" });
    expect(network.proxyFor("https://a/")).toBe("http://lower:1");
    expect(network.proxyFor("http://a/")).toBe("http://all:1");
    expect(readNetwork({ ...env, no_proxy: "*" }).proxyFor("https://a/")).toBeUndefined();
  });

  it("is none, and an issue without the password, when it cannot be one", () => {
    const network = readNetwork({ HTTPS_PROXY: "socks5://user:secret@proxy:1080" });
    expect(network.proxyFor("https://a/")).toBeUndefined();
    expect(network.issues).toEqual([{ path: "HTTPS_PROXY", message: expect.stringContaining("http://proxy:3128") as string }]);
    expect(JSON.stringify(network.issues)).not.toContain("secret");
    expect(publicProxy("http://user:secret@proxy:3128/")).toBe("http://proxy:3128");
  });
});

it("a file of certificates that cannot be read is an issue, and no more", () => {
  const network = readNetwork({ SSL_CERT_FILE: "/nowhere/ca.pem", REQUESTS_CA_BUNDLE: "" });
  expect(network.certificates).toEqual([]);
  expect(network.issues).toEqual([{ path: "SSL_CERT_FILE", message: expect.stringContaining("/nowhere/ca.pem") as string }]);
});
