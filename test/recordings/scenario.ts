/**
 * Recordings: what upstream v1.35.4 answered to lists of requests, and the words in which they are written down.
 * The data lie in data/, one JSON object a line for each scenario, compressed with brotli.
 * Not here: sending requests (player.ts), comparing answers (compare.ts).
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { brotliDecompressSync } from "node:zlib";

export const recordings = ["objects", "patch-apply", "crd-discovery", "access", "controllers"] as const;
export type RecordingName = (typeof recordings)[number];

/** A list of requests that are sent one after the other, in a namespace of its own. */
export interface Scenario {
  readonly scenario: string;
  readonly steps: readonly Step[];
  /** Labels of the namespace that is made before. */
  readonly namespaceLabels?: Readonly<Record<string, string>>;
  /** No namespace is made, although steps use `$ns`. */
  readonly bare?: boolean;
  /** False: nobody waits until the namespace has its default service account. */
  readonly serviceAccount?: boolean;
  /** managedFields are compared too. */
  readonly managedFields?: boolean;
  /** Managers whose entries in managedFields are left out on both sides. */
  readonly leaveOut?: readonly string[];
  /** A resourceVersion that was kept is shown by its name, so that "nothing was written" is compared. */
  readonly versions?: boolean;
  /** Every time is `<time>`, also one that was kept. */
  readonly plainTimes?: boolean;
  readonly replace?: readonly Replacement[];
}

/** A regular expression and what takes the place of each match. */
export type Replacement = readonly [pattern: string, by: string];

/** One request and upstream's answer. Texts may hold `$ns`, `$id` and names that were kept by earlier steps. */
export interface Step {
  readonly name: string;
  readonly method?: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as JSON. */
  readonly body?: unknown;
  /** A body that is sent as it is: text, or bytes in base64. */
  readonly raw?: string;
  readonly raw64?: string;
  /** An impersonated user; absent: the administrator; "anonymous": no credentials. */
  readonly as?: string;
  readonly groups?: readonly string[];
  /** A token in place of the administrator's. */
  readonly bearer?: string;
  /** Milliseconds to wait before the request. */
  readonly wait?: number;
  /** The request is repeated until this holds, or patience ends. */
  readonly until?: Until;
  /** Pointers into the answer; the values are kept under the names. */
  readonly keep?: Readonly<Record<string, string>>;
  readonly keepHeaders?: Readonly<Record<string, string>>;
  /** Of the list or object at `pointer`, only these items or keys are compared. */
  readonly pick?: { readonly pointer: string; readonly key?: string; readonly matches: string };
  /** Of a text, only the lines that match are compared. */
  readonly lines?: string;
  /** The body is not compared. */
  readonly discard?: boolean;
  /** Pointers into the body: nothing else is compared, unless it is a Status. */
  readonly only?: readonly string[];
  readonly replace?: readonly Replacement[];
  /** Pointers into the answer that are not compared; "order" and "distinct": lists are compared by name, as sets. */
  readonly ignore?: readonly string[];
  /** The entries of managedFields are compared in their order. */
  readonly inOrder?: boolean;
  /** Headers that are compared too. */
  readonly headersToo?: readonly string[];
  readonly answer: Answer;
}

/** A condition on an answer; a list of them: all hold. */
export type Until = Condition | readonly Condition[];

export interface Condition {
  readonly pointer?: string;
  readonly equals?: unknown;
  readonly absent?: boolean;
  readonly length?: number;
  readonly matches?: string;
  readonly has?: unknown;
  readonly every?: unknown;
  readonly count?: number;
  readonly status?: number;
}

/** What is compared. Volatile values stand as words such as `<uid>` and `$ns`. */
export interface Answer {
  readonly status: number;
  /** Content-Type without the charset. */
  readonly type: string;
  readonly warnings: readonly string[];
  readonly body: unknown;
  readonly headers?: Readonly<Record<string, unknown>>;
}

export function readRecording(name: RecordingName): readonly Scenario[] {
  const packed = readFileSync(join(import.meta.dirname, "data", `${name}.jsonl.br`));
  return brotliDecompressSync(packed)
    .toString("utf8")
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as Scenario);
}
