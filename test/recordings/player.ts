/**
 * Plays one scenario: makes its namespace, sends its requests one after the other, and tells the answers.
 *
 *   step ─▶ wait ─▶ request ─▶ until? ─┬─▶ keep ─▶ normalize ─▶ answer
 *                      ▲───── no ──────┘
 *
 * Not here: what of the answers is compared with upstream's (compare.ts), the server (plane.ts).
 */
import { answerOf, bodyOf, type RawReply } from "./normalize.ts";
import type { Answer, Scenario, Step } from "./scenario.ts";
import type { Identity, Request, Sender } from "./senders.ts";
import { fill, type Kept, valueAt } from "./words.ts";
import { holds } from "./until.ts";

export interface PlayOptions {
  readonly sender: Sender;
  /** The administrator's. */
  readonly token: string;
  /** Short, and different from that of any other scenario of the server. */
  readonly word: string;
  /** Milliseconds for which the condition of a step is waited for; steps count from 1. */
  patienceMs(step: number): number;
}

export interface Exchange {
  readonly step: Step;
  /** Counts from 1. */
  readonly number: number;
  /** Or why there is none. */
  readonly answer: Answer | Error;
}

/** Milliseconds between two requests of a step that waits. */
const pollMs = 50;
/** Milliseconds for the default service account of a new namespace, as long as for any condition. */
const serviceAccountMs = 20_000;

export async function play(scenario: Scenario, options: PlayOptions): Promise<readonly Exchange[]> {
  const { word } = options;
  const kept: Kept = new Map([
    ["ns", `rec-${word}`],
    ["id", `id${word}`],
  ]);
  const scene = new Scene(scenario, options, kept);
  const usesNamespace = scenario.bare !== true && JSON.stringify(scenario.steps).includes("$ns");
  if (usesNamespace) await scene.makeNamespace();
  const exchanges: Exchange[] = [];
  for (const [at, step] of scenario.steps.entries())
    exchanges.push({ step, number: at + 1, answer: await scene.answer(step, at + 1) });
  if (usesNamespace) await scene.deleteNamespace();
  return exchanges;
}

class Scene {
  readonly #scenario: Scenario;
  readonly #options: PlayOptions;
  readonly #kept: Kept;

  constructor(scenario: Scenario, options: PlayOptions, kept: Kept) {
    this.#scenario = scenario;
    this.#options = options;
    this.#kept = kept;
  }

  /** @throws when the server does not make it: nothing of the scenario could be told then. */
  async makeNamespace(): Promise<void> {
    const { namespaceLabels: labels, serviceAccount } = this.#scenario;
    const metadata = { name: "$ns", ...(labels === undefined ? {} : { labels }) };
    const body = { apiVersion: "v1", kind: "Namespace", metadata };
    const made = await this.#send({ method: "POST", path: "/api/v1/namespaces", body });
    if (made.status !== 201) throw new Error(`no namespace: ${made.status} ${made.text}`);
    if (serviceAccount === false) return;
    const path = "/api/v1/namespaces/$ns/serviceaccounts/default";
    const until = { pointer: "/metadata/name", equals: "default" };
    await this.#exchange({ method: "GET", path, until }, serviceAccountMs);
  }

  async deleteNamespace(): Promise<void> {
    await this.#send({ method: "DELETE", path: "/api/v1/namespaces/$ns" });
  }

  async answer(step: Step, number: number): Promise<Answer | Error> {
    try {
      if (step.wait !== undefined) await pause(step.wait);
      const reply = await this.#exchange(step, this.#options.patienceMs(number));
      this.#keep(step, reply);
      return answerOf(reply, { scenario: this.#scenario, step, kept: this.#kept });
    } catch (error) {
      return error instanceof Error ? error : new Error(String(error));
    }
  }

  /** The first answer for which the step's condition holds, or the last one when patience ends. */
  async #exchange(step: Sent, patienceMs: number): Promise<RawReply> {
    const until = step.until === undefined ? undefined : fill(step.until, this.#kept);
    const endMs = performance.now() + patienceMs;
    for (;;) {
      const reply = await this.#send(step);
      if (until === undefined || performance.now() >= endMs) return reply;
      if (holds(until, reply.status, bodyOf(reply))) return reply;
      await pause(pollMs);
    }
  }

  #keep(step: Step, reply: RawReply): void {
    const body = step.keep === undefined ? undefined : bodyOf(reply);
    for (const [name, pointer] of Object.entries(step.keep ?? {})) {
      const value = valueAt(body, pointer);
      if (value !== undefined) this.#kept.set(name, String(value));
    }
    for (const [name, header] of Object.entries(step.keepHeaders ?? {}))
      this.#kept.set(name, reply.headers[header.toLowerCase()] ?? "-");
  }

  #send(step: Sent): Promise<RawReply> {
    const kept = this.#kept;
    const body = bytesOf(step, kept);
    const given = Object.entries(fill(step.headers ?? {}, kept));
    const headers: Record<string, string> = {
      accept: "application/json",
      ...(body === undefined ? {} : { "content-type": "application/json" }),
      ...Object.fromEntries(given.map(([name, value]) => [name.toLowerCase(), value])),
      ...(body === undefined ? {} : { "content-length": String(body.length) }),
    };
    const request: Request = {
      method: step.method ?? "GET",
      path: fill(step.path, kept),
      headers,
      identity: this.#identityOf(step),
      ...(body === undefined ? {} : { body }),
    };
    return this.#options.sender.send(request);
  }

  #identityOf({ as, groups, bearer }: Sent): Identity {
    const isAnonymous = as === "anonymous";
    const own = isAnonymous ? undefined : this.#options.token;
    const token = bearer === undefined ? own : fill(bearer, this.#kept);
    return {
      ...(token === undefined ? {} : { token }),
      ...(as === undefined || isAnonymous ? {} : { as: fill(as, this.#kept) }),
      ...(groups === undefined ? {} : { groups: fill(groups, this.#kept) }),
    };
  }
}

/** What of a step decides what is sent. */
type Sent = Partial<Step> & Pick<Step, "path">;

function bytesOf({ body, raw, raw64 }: Sent, kept: Kept): Buffer | undefined {
  if (raw64 !== undefined) return Buffer.from(raw64, "base64");
  if (raw !== undefined) return Buffer.from(fill(raw, kept));
  return body === undefined ? undefined : Buffer.from(JSON.stringify(fill(body, kept)));
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
