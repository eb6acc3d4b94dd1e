/**
 * Indents compact JSON piece by piece, as Go's encoder does with two spaces, without parsing it: numbers and the order
 * of members stay as they are.
 * Not here: checks. The input is JSON that this server has made.
 */

const newline = 0x0a;
const space = 0x20;
const quote = 0x22;
const comma = 0x2c;
const colon = 0x3a;
const backslash = 0x5c;
const openBracket = 0x5b;
const closeBracket = 0x5d;
const openBrace = 0x7b;
const closeBrace = 0x7d;

/** Holds the state between pieces; one per document. */
export class JsonIndenter {
  #depth = 0;
  #isInString = false;
  #isEscaped = false;
  /** An opening brace was the last thing seen: whether it is empty decides on the line break. */
  #hasJustOpened = false;

  /** The indented form of the next bytes of the document. */
  push(piece: Uint8Array): Uint8Array {
    const out = new ByteList(piece.length * 2);
    for (const byte of piece) {
      if (this.#isInString) this.#inString(byte, out);
      else this.#outside(byte, out);
    }
    return out.bytes();
  }

  #inString(byte: number, out: ByteList): void {
    out.push(byte);
    if (this.#isEscaped) this.#isEscaped = false;
    else if (byte === backslash) this.#isEscaped = true;
    else if (byte === quote) this.#isInString = false;
  }

  #outside(byte: number, out: ByteList): void {
    if (byte === space || byte === newline || byte === 0x09 || byte === 0x0d) return;
    if (byte === closeBrace || byte === closeBracket) {
      this.#depth--;
      if (this.#hasJustOpened) this.#hasJustOpened = false;
      else this.#breakLine(out);
      out.push(byte);
      return;
    }
    if (this.#hasJustOpened) {
      this.#hasJustOpened = false;
      this.#breakLine(out);
    }
    out.push(byte);
    if (byte === quote) this.#isInString = true;
    else if (byte === openBrace || byte === openBracket) {
      this.#depth++;
      this.#hasJustOpened = true;
    } else if (byte === comma) this.#breakLine(out);
    else if (byte === colon) out.push(space);
  }

  #breakLine(out: ByteList): void {
    out.push(newline);
    for (let i = 0; i < this.#depth * 2; i++) out.push(space);
  }
}

/** Grows by doubling. */
class ByteList {
  #buffer: Uint8Array;
  #length = 0;

  constructor(capacity: number) {
    this.#buffer = new Uint8Array(Math.max(16, capacity));
  }

  push(byte: number): void {
    if (this.#length === this.#buffer.length) {
      const larger = new Uint8Array(this.#buffer.length * 2);
      larger.set(this.#buffer);
      this.#buffer = larger;
    }
    this.#buffer[this.#length++] = byte;
  }

  bytes(): Uint8Array {
    return this.#buffer.subarray(0, this.#length);
  }
}
