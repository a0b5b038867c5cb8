import { describe, expect, it } from "vitest";
import { metricAddress } from "../../../src/records/metric-address.js";
import { metricAddresses } from "../../../src/records/metric-addresses.js";

describe("addresses of metrics", () => {
  it("are those of live trainers", () => {
    for (const key of ["train_loss", "val/accuracy", "learning_rate"]) expect(metricAddresses([key]).get(key)).toEqual(metricAddress(key));
  });

  it("never put two metrics on one line", () => {
    const addresses = [...metricAddresses(["train_loss", "train/loss", "a-b/c", "b/c-a", "a/b-c", "b-c/a"]).values()];
    const identities = addresses.map(({ title, series }) => `${title}-${series}`);
    expect(new Set(identities).size).toBe(6);
  });
});
