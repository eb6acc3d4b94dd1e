/**
 * Splits the bytes of a watch into events. The complete lines of a chunk are parsed in one batch.
 * Not here: what is done with events (http-transport.ts).
 */
import type { KubeObject } from "../../machinery/index.ts";
import type { WatchEvent } from "./client.ts";

/** Bytes of one event. The largest stored object has 1.5 MiB. */
const watchLineBytesMax: number = 16 * 1024 * 1024;

const newline = 0x0a;

export class WatchLines {
  #partial: Buffer[] = [];
  #partialBytes = 0;

  /** The events that `chunk` completes, in order. @throws Error for a line that is no event, or is too long. */
  push(chunk: Buffer): readonly WatchEvent[] {
    const last = chunk.lastIndexOf(newline);
    if (last < 0) {
      this.#keep(chunk);
      return [];
    }
    const head = chunk.subarray(0, last);
    const text =
      this.#partial.length === 0
        ? head.toString("utf8")
        : Buffer.concat([...this.#partial, head]).toString("utf8");
    this.#partial = [];
    this.#partialBytes = 0;
    if (last + 1 < chunk.length) this.#keep(chunk.subarray(last + 1));
    return parseLines(text);
  }

  #keep(bytes: Buffer): void {
    this.#partialBytes += bytes.length;
    if (this.#partialBytes > watchLineBytesMax)
      throw new Error(`a watch event is longer than ${watchLineBytesMax} bytes`);
    this.#partial.push(bytes);
  }
}

/** One call of the parser for all lines; compact JSON has no line breaks of its own. */
function parseLines(text: string): readonly WatchEvent[] {
  const lines =
    text.includes("\n\n") || text.startsWith("\n") || text.endsWith("\n") ? withoutEmptyLines(text) : text;
  if (lines === "") return [];
  const events = JSON.parse(
    lines.includes("\n") ? `[${lines.replaceAll("\n", ",")}]` : `[${lines}]`,
  ) as WatchEvent<KubeObject>[];
  for (const event of events) {
    if (typeof event?.type !== "string" || typeof event.object !== "object" || event.object === null) {
      throw new Error("the server sent a line that is no watch event");
    }
  }
  return events;
}

function withoutEmptyLines(text: string): string {
  return text
    .split("\n")
    .filter((line) => line.trim() !== "")
    .join("\n");
}
