import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { AddressBook, isIsoLookalike, metricAddress } from "../../../src/records/metric-address.js";

describe("metricAddress", () => {
  it.each([
    ["val/accuracy", { title: "accuracy", series: "val" }],
    ["a/b/c", { title: "b/c", series: "a" }],
    ["train_loss", { title: "loss", series: "train" }],
    ["best_mAP_50", { title: "mAP_50", series: "best" }],
    ["learning_rate", { title: "learning_rate", series: "metrics" }],
    ["loss", { title: "loss", series: "metrics" }],
    ["/loss", { title: "/loss", series: "metrics" }],
    ["loss/", { title: "loss/", series: "metrics" }],
    ["train_", { title: "train_", series: "metrics" }],
    ["_loss", { title: "_loss", series: "metrics" }],
    ["train_loss/fold_1", { title: "fold_1", series: "train_loss" }],
  ])("puts %s where a reader expects it", (name, address) => {
    expect(metricAddress(name)).toEqual(address);
  });

  it("splits after the phases that it is given and no others", () => {
    expect(metricAddress("warmup_loss", { phases: ["warmup"] })).toEqual({ title: "loss", series: "warmup" });
    expect(metricAddress("train_loss", { phases: ["warmup"] })).toEqual({ title: "train_loss", series: "metrics" });
  });
});

describe("AddressBook", () => {
  it("tells apart two addresses that the server would store as one", () => {
    const book = new AddressBook();
    expect(book.resolve({ title: "a-b", series: "c" })).toEqual({ title: "a-b", series: "c" });
    expect(book.resolve({ title: "a", series: "b-c" })).toEqual({ title: "a", series: "b-c (2)" });
    expect(book.resolve({ title: "a-b", series: "c" })).toEqual({ title: "a-b", series: "c" });
  });

  it("guards a name that the server would read as a date", () => {
    expect(new AddressBook().resolve({ title: "2024-01-01", series: "12:30" })).toEqual({ title: "2024-01-01_", series: "12:30_" });
    expect(isIsoLookalike("2024-01-01T00:00:00Z")).toBe(true);
    expect(isIsoLookalike("2024-01-01 is a day")).toBe(false);
  });

  it("never gives two addresses one identity, whatever the names", () => {
    const part = fc.stringMatching(/^[-ab_ ()2]{1,6}$/);
    fc.assert(
      fc.property(fc.array(fc.record({ title: part, series: part }), { maxLength: 30 }), (addresses) => {
        const book = new AddressBook();
        const owners = new Map<string, string>();
        for (const address of addresses) {
          const asked = JSON.stringify([address.title, address.series]);
          const { title, series } = book.resolve(address);
          const identity = `${title}-${series}`;
          expect(owners.get(identity) ?? asked).toBe(asked);
          owners.set(identity, asked);
        }
      }),
    );
  });

  it("answers the same in the next process when it is given the entries of the last", () => {
    const first = new AddressBook();
    const addresses = [
      { title: "a-b", series: "c" },
      { title: "a", series: "b-c" },
      { title: "plain", series: "x" },
      { title: "2024-01-01", series: "x" },
    ];
    const answers = addresses.map((address) => first.resolve(address));
    const second = new AddressBook(first.entries());
    // Asked in another order, which without the entries would give other answers.
    expect(addresses.toReversed().map((address) => second.resolve(address))).toEqual(answers.toReversed());
  });
});
