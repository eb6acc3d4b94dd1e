/**
 * Values that are alike, kept as what earlier ones do not have already: objects of one kind repeat nearly all of their bytes.
 *
 *   value        {"apiVersion":"v1","kind":"Pod","metadata":{"name":"│agent-x7k2p│","generateName":"agent-","namespace":"…
 *                 copy: as in the dictionary, from place 0           │ literal   │ copy: from place 61
 *   packed       length │ literals, copy │ literals, copy │ … │ literals
 *
 * A packed value is a string of one byte a character. A string is one small object that the collector moves and frees by
 * itself; a buffer of its own takes 200 bytes beside its content, and a part of a shared one keeps the whole.
 * Not here: which values are packed, and when (mvcc.ts).
 */

/** What values are packed against. Kept alive by the values that need it. */
export interface Dictionary {
  readonly bytes: Uint8Array;
}

export interface Packed {
  readonly text: string;
  /** Absent when the text holds the whole value as literals. */
  readonly dictionary: Dictionary | undefined;
}

/** 16 KiB: some pods and nodes or two dozen events. Twice as much packs a twentieth better. */
const dictionaryBytes = 16 * 1024;
/** At most so much of one value goes into a dictionary, so that it holds several: 4 KiB. */
const sampleBytesMax = 4 * 1024;
/** The next dictionary is made of every value at first, then of every second one, … at last of every 256th. */
const sampleStrideMax = 256;
/** Values that a new dictionary is tried on beside the present one. */
const trialValues = 32;
/** It takes the place of the present one if it saves a tenth: each change leaves the old one in memory. */
const trialGain = 0.9;
/** Resources beyond this many share one packer: each has a dictionary, whatever little it holds. */
const packersMax = 256;

/** Bits of a hash: 8,192 places for 16 KiB of text. */
const hashBits = 13;
/** Bytes that a hash is made of; shorter copies save nothing. */
const hashBytes = 6;
/** Bytes of the longest literals that are one piece of scratch memory, kept for the next value: 64 KiB. */
const scratchBytes = 64 * 1024;
/** A packed value is longer than the value by its length, twice, at most. */
const overheadBytesMax = 16;

/** Bytes of this class of values in this order, and where each run of them stands. */
class Index {
  readonly dictionary: Dictionary;
  readonly view: DataView;
  /** By hash of what begins there: place + 1, or 0. */
  readonly places = new Uint16Array(1 << hashBits);

  constructor(bytes: Uint8Array) {
    this.dictionary = { bytes };
    this.view = viewOf(bytes);
    for (let at = 0; at + hashBytes <= bytes.byteLength; at++) this.places[hashAt(this.view, at)] = at + 1;
  }
}

/** A dictionary that is being made. */
class Samples {
  readonly #bytes = new Uint8Array(dictionaryBytes);
  #used = 0;

  /** @returns the full dictionary, once. */
  add(value: Uint8Array): Uint8Array | undefined {
    const sample = value.subarray(0, Math.min(sampleBytesMax, dictionaryBytes - this.#used));
    this.#bytes.set(sample, this.#used);
    this.#used += sample.byteLength;
    return this.#used < dictionaryBytes ? undefined : this.#bytes;
  }
}

interface Trial {
  readonly index: Index;
  values: number;
  bytes: number;
  /** With the present dictionary. */
  presentBytes: number;
}

/** Packs the values of one resource; its dictionary follows what they look like. */
class Packer {
  readonly #scratch: Scratch;
  #index: Index | undefined;
  #samples = new Samples();
  #stride = 1;
  #untilSample = 1;
  #trial: Trial | undefined;

  constructor(scratch: Scratch) {
    this.#scratch = scratch;
  }

  /** O(bytes). The result shares no memory with `value`. */
  pack(value: Uint8Array): Packed {
    this.#sample(value);
    const index = this.#index;
    const text = this.#scratch.pack(value, index);
    if (this.#trial !== undefined) this.#try(this.#trial, value, text.length);
    return { text, dictionary: index?.dictionary };
  }

  #sample(value: Uint8Array): void {
    if (this.#trial !== undefined || --this.#untilSample > 0) return;
    this.#untilSample = this.#stride;
    const full = this.#samples.add(value);
    if (full === undefined) return;
    this.#samples = new Samples();
    this.#stride = Math.min(2 * this.#stride, sampleStrideMax);
    const index = new Index(full);
    if (this.#index === undefined) this.#index = index;
    else this.#trial = { index, values: 0, bytes: 0, presentBytes: 0 };
  }

  #try(trial: Trial, value: Uint8Array, presentBytes: number): void {
    trial.bytes += this.#scratch.pack(value, trial.index).length;
    trial.presentBytes += presentBytes;
    if (++trial.values < trialValues) return;
    if (trial.bytes < trial.presentBytes * trialGain) this.#index = trial.index;
    this.#trial = undefined;
  }
}

/** One packer for each resource. */
export class Packers {
  readonly #scratch = new Scratch();
  readonly #byPrefix = new Map<string, Packer>();
  readonly #others = new Packer(this.#scratch);

  /** Values whose keys agree up to the third slash (`/core/pods/`) are packed alike. */
  pack(key: string, value: Uint8Array): Packed {
    const prefix = key.slice(0, key.indexOf("/", key.indexOf("/", 1) + 1) + 1);
    let packer = this.#byPrefix.get(prefix);
    if (packer === undefined) {
      packer = this.#byPrefix.size < packersMax ? new Packer(this.#scratch) : this.#others;
      if (packer !== this.#others) this.#byPrefix.set(prefix, packer);
    }
    return packer.pack(value);
  }

  /** Of two packed values with one dictionary: what the older text has in place of the newer one's. */
  difference(older: string, newer: string): string {
    return this.#scratch.difference(older, newer);
  }
}

/** Where packed values are put together. */
class Scratch {
  readonly #kept: Buffer = Buffer.allocUnsafeSlow(scratchBytes);

  pack(value: Uint8Array, index: Index | undefined): string {
    const out = this.#room(value.byteLength + overheadBytesMax);
    return textOf(out, pack(value, index, out));
  }

  difference(older: string, newer: string): string {
    const shorter = Math.min(older.length, newer.length);
    let head = 0;
    while (head < shorter && older.charCodeAt(head) === newer.charCodeAt(head)) head++;
    let tail = 0;
    const [oldEnd, newEnd] = [older.length - 1, newer.length - 1];
    while (tail < shorter - head && older.charCodeAt(oldEnd - tail) === newer.charCodeAt(newEnd - tail))
      tail++;
    const out = this.#room(older.length - head - tail + overheadBytesMax);
    let at = putNumber(out, putNumber(out, 0, head), tail);
    // Not a slice, which would keep the whole older text.
    for (let from = head; from < older.length - tail; from++) out[at++] = older.charCodeAt(from);
    return textOf(out, at);
  }

  #room(bytes: number): Buffer {
    return bytes <= scratchBytes ? this.#kept : Buffer.allocUnsafeSlow(bytes);
  }
}

/** The older text again. */
export function withDifference(difference: string, newer: string): string {
  const numbers = new Reader(difference);
  const head = numbers.number();
  const tail = numbers.number();
  return newer.slice(0, head) + difference.slice(numbers.at) + newer.slice(newer.length - tail);
}

/** The value again, in memory of its own. O(bytes). */
export function unpacked({ text, dictionary }: Packed): Uint8Array {
  const reader = new Reader(text);
  const value = new Uint8Array(reader.number());
  let to = 0;
  for (;;) {
    const literals = reader.number();
    for (const end = to + literals; to < end;) value[to++] = reader.byte();
    if (to === value.byteLength) return value;
    const length = reader.number();
    let from = reader.byte() | (reader.byte() << 8);
    const { bytes } = dictionary!;
    for (const end = from + length; from < end;) value[to++] = bytes[from++]!;
  }
}

/** Bytes of the value. */
export function unpackedLength(text: string): number {
  return new Reader(text).number();
}

/** Whether it is this value, without unpacking: reads up to the first difference. */
export function isPackedValue({ text, dictionary }: Packed, value: Uint8Array): boolean {
  const reader = new Reader(text);
  if (reader.number() !== value.byteLength) return false;
  let to = 0;
  for (;;) {
    const literals = reader.number();
    for (const end = to + literals; to < end;) if (value[to++] !== reader.byte()) return false;
    if (to === value.byteLength) return true;
    const length = reader.number();
    let from = reader.byte() | (reader.byte() << 8);
    const { bytes } = dictionary!;
    for (const end = from + length; from < end;) if (value[to++] !== bytes[from++]) return false;
  }
}

class Reader {
  readonly #text: string;
  at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  byte(): number {
    return this.#text.charCodeAt(this.at++);
  }

  number(): number {
    let number = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = this.byte();
      number |= (byte & 0x7f) << shift;
      if (byte < 0x80) return number;
    }
  }
}

/** Writes the packed value into `out`, which has room for it. @returns where it ends. */
function pack(value: Uint8Array, index: Index | undefined, out: Uint8Array): number {
  let to = putNumber(out, 0, value.byteLength);
  const view = viewOf(value);
  const lastHash = index === undefined ? -1 : value.byteLength - hashBytes;
  let literalsFrom = 0;
  for (let at = 0; at <= lastHash;) {
    const place = index!.places[hashAt(view, at)]! - 1;
    const length = place < 0 ? 0 : commonLength(view, at, { view: index!.view, at: place });
    if (length < hashBytes) {
      at++;
      continue;
    }
    to = putNumber(out, to, at - literalsFrom);
    while (literalsFrom < at) out[to++] = value[literalsFrom++]!;
    to = putNumber(out, to, length);
    out[to++] = place & 0xff;
    out[to++] = place >> 8;
    at += length;
    literalsFrom = at;
  }
  to = putNumber(out, to, value.byteLength - literalsFrom);
  while (literalsFrom < value.byteLength) out[to++] = value[literalsFrom++]!;
  return to;
}

/** Bytes that are the same from here and from there. */
function commonLength(
  view: DataView,
  at: number,
  other: { readonly view: DataView; readonly at: number },
): number {
  const max = Math.min(view.byteLength - at, other.view.byteLength - other.at);
  let length = 0;
  while (length + 4 <= max && view.getUint32(at + length) === other.view.getUint32(other.at + length))
    length += 4;
  while (length < max && view.getUint8(at + length) === other.view.getUint8(other.at + length)) length++;
  return length;
}

function hashAt(view: DataView, at: number): number {
  const mixed = Math.imul(view.getUint32(at), 0x9e3779b1) ^ Math.imul(view.getUint32(at + 2), 0x85ebca6b);
  return mixed >>> (32 - hashBits);
}

function putNumber(out: Uint8Array, at: number, number: number): number {
  let rest = number;
  let to = at;
  for (; rest > 0x7f; rest >>>= 7) out[to++] = (rest & 0x7f) | 0x80;
  out[to++] = rest;
  return to;
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function textOf(out: Buffer, end: number): string {
  return out.toString("latin1", 0, end);
}
