import { describe, expect, it } from "vitest";
import { captureConsole } from "../../../src/observe/capture-console.js";
import { ConsoleCapture, type ConsoleCaptureOptions } from "../../../src/observe/console-capture.js";
import { FakeClock } from "../../support/fake-clock.js";

/** Streams that remember what they printed, and a capture of them. */
function aConsole(options: ConsoleCaptureOptions = {}) {
  const printed: string[] = [];
  const stream = () => ({
    write(chunk: unknown): boolean {
      printed.push(Buffer.from(chunk as Uint8Array).toString());
      return true;
    },
  });
  const streams = { stdout: stream(), stderr: stream() };
  const clock = new FakeClock();
  const reported: string[] = [];
  const all: ConsoleCaptureOptions = { streams, clock, ...options };
  const print = (text: unknown, to: "stdout" | "stderr" = "stdout", ...rest: unknown[]): boolean =>
    Reflect.apply(streams[to].write, streams[to], [text, ...rest]) as boolean;
  return { printed, streams, clock, reported, options: all, print };
}

const target = (reported: string[]) => ({
  reportText: (text: string, { level }: { level: string }) => void reported.push(`${level}: ${text}`),
});

describe("captureConsole", () => {
  it("reports what is printed, gathered, with the stream's level, and leaves what is printed as it is", async () => {
    const { printed, clock, reported, options, print } = aConsole();
    using _capture = captureConsole(target(reported), options);
    expect(print("one\n")).toBe(true);
    print("two\n");
    print("bad\n", "stderr");
    expect(printed).toEqual(["one\n", "two\n", "bad\n"]);
    expect(reported).toEqual([]);
    await clock.advance(1_000);
    expect(reported).toEqual(["info: one\ntwo", "error: bad"]);
  });

  it("takes a TrainerSDK's log as well", () => {
    const { reported, options, print } = aConsole();
    const capture = captureConsole({ log: (level: string, text: string) => reported.push(`${level}! ${text}`) }, options);
    print("one\n");
    capture.flush();
    expect(reported).toEqual(["info! one"]);
    capture.restore();
  });

  it("hands over the rest when it ends, and gives the streams back as they were", () => {
    const { streams, reported, options, print } = aConsole();
    const { write } = streams.stdout;
    const capture = captureConsole(target(reported), options);
    expect(streams.stdout.write).not.toBe(write);
    print("unfinished");
    capture.restore();
    capture.restore();
    expect(reported).toEqual(["info: unfinished"]);
    expect(streams.stdout.write).toBe(write);
    print("later\n");
    expect(reported).toHaveLength(1);
  });

  it("removes what it put on a stream whose write it inherits", () => {
    class Stream {
      write(): boolean {
        return true;
      }
    }
    const streams = { stdout: new Stream(), stderr: new Stream() };
    captureConsole(target([]), { streams }).restore();
    expect(Object.keys(streams.stdout)).toEqual([]);
  });

  it("only passes on after its end when somebody else has taken the stream since", () => {
    const { printed, streams, reported, options, print } = aConsole();
    const capture = captureConsole(target(reported), options);
    const ours = streams.stdout.write;
    const theirs = (chunk: unknown) => ours.call(streams.stdout, chunk);
    streams.stdout.write = theirs;
    capture.restore();
    expect(streams.stdout.write).toBe(theirs);
    print("one\n");
    expect(printed).toEqual(["one\n"]);
    expect(reported).toEqual([]);
  });

  it("does not hear a target that prints, nor the logger that speaks of what was captured", () => {
    const { printed, options, print } = aConsole();
    const texts: string[] = [];
    const capture = new ConsoleCapture(options);
    const say = (message: string): void => void print(`${message}\n`);
    const logger = capture.unheard({ debug: say, info: say, warn: say, error: say });
    capture.start((text) => {
      texts.push(text);
      print(`reported ${text}\n`);
    });
    print("one\n");
    logger.warn("the server is away");
    capture.flush();
    capture.flush();
    expect(texts).toEqual(["one"]);
    expect(printed).toEqual(["one\n", "the server is away\n", "reported one\n"]);
    capture.restore();
  });

  it("lets the program print though the target throws", () => {
    const { printed, options, print } = aConsole();
    const capture = captureConsole(
      {
        reportText: () => {
          throw new Error("no");
        },
      },
      options,
    );
    print("one\n");
    expect(() => {
      capture.flush();
    }).not.toThrow();
    print("two\n");
    expect(printed).toEqual(["one\n", "two\n"]);
    capture.restore();
  });

  it("throws what the stream itself throws, and does not report what was never printed", () => {
    const { streams, reported, options, print } = aConsole();
    streams.stdout.write = () => {
      throw new Error("EPIPE");
    };
    const capture = captureConsole(target(reported), options);
    expect(() => print("one\n")).toThrow("EPIPE");
    capture.restore();
    expect(reported).toEqual([]);
  });

  it("says how many lines were printed too fast to be kept", () => {
    const { reported, options, print } = aConsole({ maxCharacters: 20 });
    const capture = captureConsole(target(reported), options);
    for (let at = 0; at < 100; at++) print(`line ${String(at)}\n`);
    capture.restore();
    expect(reported).toEqual(["info: line 0\nline 1\nline 2\n[trainer-sdk left out 97 lines that were printed too fast]"]);
  });

  it("reports the state of a progress bar every ten seconds, and its last one", async () => {
    const { clock, reported, options, print } = aConsole();
    const capture = captureConsole(target(reported), options);
    for (let second = 1; second <= 25; second++) {
      print(`\r${String(second * 4)}%`);
      await clock.advance(1_000);
    }
    print("\n");
    capture.restore();
    expect(reported).toEqual(["info: 40%", "info: 80%", "info: 100%"]);
  });

  it("puts characters together that were printed in pieces of bytes", () => {
    const { reported, options, print } = aConsole();
    const capture = captureConsole(target(reported), options);
    const bytes = Buffer.from("grün\n");
    print(bytes.subarray(0, 3));
    print(bytes.subarray(3));
    print("68616c6c6f0a", "stdout", "hex");
    capture.restore();
    expect(reported).toEqual(["info: grün\nhallo"]);
  });

  it("leaves a stream alone that is not asked for", () => {
    const { streams, options } = aConsole({ stderr: false });
    const { write } = streams.stderr;
    const capture = captureConsole(target([]), options);
    expect(streams.stderr.write).toBe(write);
    capture.restore();
  });
});
