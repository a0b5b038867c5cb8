/** Reads a multipart form and hands over its files one after the other, streamed. @see clearml-protocol 10.1 */
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";

/** Called for each part that has a file name, in order; must read the stream to its end or destroy it. */
export type OnFile = (fieldName: string, stream: Readable) => Promise<void>;

/** Longest header of a part: it holds a field name, which here is a path. */
const MAX_HEADER_BYTES = 64 * 1024;

/**
 * Reads the form to its end.
 * @throws what `onFile` threw, or the parser's error when the form is malformed or ends too early.
 */
export async function readForm(contentType: string, body: AsyncIterable<Uint8Array>, onFile: OnFile): Promise<void> {
  const { Busboy } = await import("@fastify/busboy");
  const parser = new Busboy({
    headers: { "content-type": contentType },
    isPartAFile: (_field, _type, fileName) => fileName !== undefined,
    limits: { headerSize: MAX_HEADER_BYTES },
  });
  const work: Promise<void>[] = [];
  const streams: Readable[] = [];
  parser.on("file", (fieldName, stream) => {
    streams.push(stream);
    const one = onFile(fieldName, stream).catch((error: unknown) => {
      // What is left of the part must be read, or the parser waits for ever; the error is reported below.
      stream.resume();
      throw error;
    });
    one.catch(() => undefined);
    work.push(one);
  });
  try {
    await pipeline(Readable.from(body, { objectMode: false }), parser);
  } catch (error) {
    // The parser tells its parts nothing when the sender goes away: who reads one would wait for ever.
    for (const stream of streams) stream.destroy(error as Error);
    throw error;
  } finally {
    await Promise.all(work);
  }
}
