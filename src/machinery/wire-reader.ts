/**
 * Protobuf's wire format: tags, varints, lengths, and skipping of unknown fields.
 * As tolerant and as strict as upstream's generated code (gogo), with its wording; only strings must be UTF-8.
 * Not here: what the fields mean (protobuf.ts).
 */

export class ProtobufError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "ProtobufError";
  }
}

/** A varint has at most 64 bits: ten bytes of seven. */
const varintBitsMax = 64;

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Reads one message, from `at` up to `end`, once. Every method throws ProtobufError when the bytes do not allow it. */
export class WireReader {
  readonly #bytes: Uint8Array;
  readonly #end: number;
  #at: number;
  /** Field number of the tag read last. */
  number = 0;
  wireType = 0;
  /** Halves of the varint read last, as signed 32-bit numbers. */
  #low = 0;
  #high = 0;

  constructor(bytes: Uint8Array, at = 0, end: number = bytes.length) {
    this.#bytes = bytes;
    this.#at = at;
    this.#end = end;
  }

  /** Goes to the next field of the message called `message`. @returns false at the end. */
  next(message: string): boolean {
    if (this.#at === this.#end) return false;
    this.#readTag();
    if (this.wireType === 4) throw new ProtobufError(`proto: ${message}: wiretype end group for non-group`);
    if (this.number <= 0) {
      throw new ProtobufError(`proto: ${message}: illegal tag ${this.number} (wire type ${this.wireType})`);
    }
    return true;
  }

  /** @throws ProtobufError when the field is of another wire type. `field` is its name in JSON. */
  expect(wireType: number, field: string): void {
    if (this.wireType === wireType) return;
    const goName = field.charAt(0).toUpperCase() + field.slice(1);
    throw new ProtobufError(`proto: wrong wireType = ${this.wireType} for field ${goName}`);
  }

  get isAtEnd(): boolean {
    return this.#at === this.#end;
  }

  /** The low half, as Go reads an int32. */
  int32(): number {
    this.#readVarint();
    return this.#low;
  }

  /** The nearest number, as JSON would have given it. */
  int64(): number {
    this.#readVarint();
    return this.#high * 2 ** 32 + (this.#low >>> 0);
  }

  bool(): boolean {
    this.#readVarint();
    return this.#low !== 0 || this.#high !== 0;
  }

  /** A view, not a copy. */
  bytes(): Uint8Array {
    const start = this.#skipLength();
    return this.#bytes.subarray(start, this.#at);
  }

  string(field: string): string {
    const bytes = this.bytes();
    try {
      return utf8.decode(bytes);
    } catch {
      throw new ProtobufError(`proto: field ${field} contains invalid UTF-8`);
    }
  }

  /** A reader of the message at this place. */
  message(): WireReader {
    const start = this.#skipLength();
    return new WireReader(this.#bytes, start, this.#at);
  }

  /** A reader of packed numbers: each is the value of a field. */
  packed(): WireReader {
    const reader = this.message();
    reader.wireType = 0;
    return reader;
  }

  /** Skips the value of the field. Groups may nest to any depth, because nothing is kept of them. */
  skip(): void {
    for (let depth = this.#skipOne(); depth > 0; depth += this.#skipOne()) this.#readTag();
  }

  /** @returns 1 when a group begins, -1 when it ends, else 0. */
  #skipOne(): number {
    switch (this.wireType) {
      case 0:
        this.#readVarint();
        return 0;
      case 1:
        this.#advance(8);
        return 0;
      case 2:
        this.#skipLength();
        return 0;
      case 3:
        return 1;
      case 4:
        return -1;
      case 5:
        this.#advance(4);
        return 0;
      default:
        throw new ProtobufError(`proto: illegal wireType ${this.wireType}`);
    }
  }

  #readTag(): void {
    this.#readVarint();
    this.number = (this.#high << 29) | (this.#low >>> 3);
    this.wireType = this.#low & 7;
  }

  /** Skips the bytes of a value with a length. @returns where they begin. */
  #skipLength(): number {
    this.#readVarint();
    if (this.#high < 0) throw new ProtobufError("proto: negative length found during unmarshaling");
    const start = this.#at;
    this.#advance(this.#high * 2 ** 32 + (this.#low >>> 0));
    return start;
  }

  #advance(count: number): void {
    if (count > this.#end - this.#at) throw new ProtobufError("unexpected EOF");
    this.#at += count;
  }

  #readVarint(): void {
    let low = 0;
    let high = 0;
    for (let shift = 0; ; shift += 7) {
      if (shift >= varintBitsMax) throw new ProtobufError("proto: integer overflow");
      if (this.#at >= this.#end) throw new ProtobufError("unexpected EOF");
      const byte = this.#bytes[this.#at++]!;
      const bits = byte & 0x7f;
      if (shift < 32) low |= bits << shift;
      if (shift === 28) high = bits >> 4;
      else if (shift > 28) high |= bits << (shift - 32);
      if (byte < 0x80) break;
    }
    this.#low = low;
    this.#high = high;
  }
}
