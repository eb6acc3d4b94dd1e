/**
 * A request to change one stored object: who asks, what for, and what came of it.
 * Not here: how it is made (writes.ts).
 */
import type { ApiRequest, Draft, KubeObject } from "../../machinery/index.ts";
import type { StoredObject } from "../watch-cache/encode.ts";
import type { Allocation } from "./allocator.ts";
import type { Writer } from "./admitted-write.ts";
import type { WriteOptions } from "./query.ts";

export interface Target {
  readonly namespace?: string;
  readonly name: string;
}

export interface Change {
  readonly writer: Writer;
  /** How often a lost race is run again with the newest state; 1 when the client named the state it wants changed. */
  readonly attempts: number;
  /** The wanted state: an object of its own, which may share parts with `before`. Throws what refuses the change. */
  next(before: KubeObject): NextState | Promise<NextState>;
}

export interface NextState {
  readonly object: Draft<KubeObject>;
  /** What the wanted state has been given already. */
  readonly allocation?: Allocation;
}

export interface Written {
  readonly state: StoredObject;
  readonly isCreated: boolean;
}

export interface WriteRequest {
  readonly call: ApiRequest;
  readonly options: WriteOptions;
}

/** Who waits for the answer. */
export function callerOf(call: ApiRequest): Pick<Writer, "user" | "signal" | "warn"> {
  return { user: call.user, signal: call.signal, warn: (text) => call.warn(text) };
}

export function writerOf(request: WriteRequest): Writer {
  const { call, options } = request;
  return { isDryRun: options.isDryRun, options, ...callerOf(call) };
}

/**
 * How often the server runs a lost race again for a client that did not ask for a certain state. Writers of this process take
 * turns, so each loss is a win of another server on the same store; upstream goes on until the client is tired of waiting.
 */
export const conflictAttempts = 100;
