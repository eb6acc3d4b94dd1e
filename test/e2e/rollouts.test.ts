/**
 * Random sequences of `rollout …`, `set image`, `edit` and the like against `lares up`, with restarts of the control plane
 * in between, against a model of revisions. After each step the test compares the history and its numbers, the template byte
 * for byte after an undo, and the bytes of every revision, and checks that no pod of the wanted revision was restarted.
 * ROLLOUTS_SEED chooses the sequence; a failure prints it.
 * Not here: the output of single commands (sessions.test.ts).
 */
import { afterEach, expect, test } from "vitest";
import { type Random, seededRandom } from "../../src/base/index.ts";
import { canonicalJson } from "../../src/machinery/index.ts";
import { Cluster, eventually, kubectls, type Ran } from "./cluster.ts";

const nodeCount = 3;
const stepsPerRun = 14;
const seed = Number(process.env["ROLLOUTS_SEED"] ?? 1);
const kubectl = kubectls().at(-1)!;
const options = ["--workers", String(nodeCount), "--control-planes", "0", "--pull-seconds", "0"];
const timings = ["--start-seconds", "0.05", "--stop-seconds", "0.05"];
const images = ["agent:1", "agent:2", "agent:3"];
const greetings = ["red", "green", "blue"];
const limits = [0, 1, 2, 10];
/** An annotation of the template under which simulated pods never become ready. */
const trouble = "lares.dev/simulate";

interface Template {
  readonly metadata: { readonly annotations?: Readonly<Record<string, string>> };
  readonly spec: {
    readonly containers: readonly [{ readonly image: string; readonly env: readonly { value: string }[] }];
  };
}

interface DaemonSetJson {
  readonly metadata: { readonly generation: number };
  readonly spec: { readonly template: Template };
  readonly status: { readonly observedGeneration?: number; readonly numberAvailable?: number };
}

interface RevisionJson {
  readonly metadata: { readonly name: string; readonly labels: Readonly<Record<string, string>> };
  readonly revision: number;
  readonly data: unknown;
}

interface PodJson {
  readonly metadata: {
    readonly uid: string;
    readonly deletionTimestamp?: string;
    readonly labels: Readonly<Record<string, string>>;
  };
}

/** One entry of the expected history. */
interface Entry {
  number: number;
  /** The template in Go's canonical bytes. */
  readonly bytes: string;
  readonly cause: string;
}

const hashLabel = "controller-revision-hash";

function manifest(strategy: object): string {
  return JSON.stringify({
    apiVersion: "apps/v1",
    kind: "DaemonSet",
    metadata: { name: "x" },
    spec: {
      selector: { matchLabels: { app: "x" } },
      updateStrategy: { type: "RollingUpdate", rollingUpdate: strategy },
      template: {
        metadata: { labels: { app: "x" } },
        spec: {
          containers: [{ name: "c", image: images[0], env: [{ name: "GREETING", value: greetings[0] }] }],
        },
      },
    },
  });
}

class Run {
  readonly cluster: Cluster;
  readonly random: Random;
  readonly surges: boolean;
  readonly log: string[] = [];
  history: Entry[] = [];
  limit = 10;
  cause = "<none>";
  /** Bytes of the data of each revision ever seen, by name. */
  readonly data = new Map<string, string>();

  constructor(cluster: Cluster, { random, surges }: { readonly random: Random; readonly surges: boolean }) {
    this.cluster = cluster;
    this.random = random;
    this.surges = surges;
  }

  pick<T>(items: readonly T[]): T {
    return items[Math.floor(this.random.next() * items.length)]!;
  }

  async k(line: string, input?: string): Promise<string> {
    const { stdout, stderr, code } = await this.cluster.run(kubectl, line, input);
    if (code !== 0) throw new Error(`kubectl ${line}: exit ${code}\n${stdout}${stderr}`);
    return stdout;
  }

  async raw<T>(path: string): Promise<T> {
    return JSON.parse(await this.k(`get --raw ${path}`)) as T;
  }

  daemonSet(): Promise<DaemonSetJson> {
    return this.raw("/apis/apps/v1/namespaces/default/daemonsets/x");
  }

  async pods(): Promise<readonly PodJson[]> {
    return (await this.raw<{ items: readonly PodJson[] }>("/api/v1/namespaces/default/pods")).items;
  }

  async revisions(): Promise<readonly RevisionJson[]> {
    const path = "/apis/apps/v1/namespaces/default/controllerrevisions";
    return [...(await this.raw<{ items: readonly RevisionJson[] }>(path)).items].sort(
      (a, b) => a.revision - b.revision,
    );
  }

  get current(): Entry {
    return this.history.at(-1)!;
  }

  get template(): Template {
    return JSON.parse(this.current.bytes) as Template;
  }

  get isBroken(): boolean {
    return this.template.metadata.annotations?.[trouble] !== undefined;
  }

  /** Notes a new current template: a known one takes the next number, an unknown one is added. */
  changeTo(bytes: string): void {
    if (this.history.length > 0 && this.current.bytes === bytes) return;
    const number = (this.history.at(-1)?.number ?? 0) + 1;
    const known = this.history.find((entry) => entry.bytes === bytes);
    if (known === undefined) this.history.push({ number, bytes, cause: this.cause });
    else known.number = number;
    this.history.sort((a, b) => a.number - b.number);
  }

  /** Number of revisions after the clean-up, which keeps those that pods run. */
  countWith(inUse: ReadonlySet<number>): number {
    const old = this.history.slice(0, -1);
    const removable = old.filter(({ number }) => !inUse.has(number)).length;
    return this.history.length - Math.min(Math.max(0, old.length - this.limit), removable);
  }

  /**
   * Adopts the revisions that the clean-up has left. The oldest go first. Among those whose pods the step replaced, the order
   * depends on whose pods were gone first.
   */
  takeOver(numbers: readonly number[], replaced: ReadonlySet<Entry>): void {
    const isKept = ({ number }: Entry): boolean => numbers.includes(number);
    const oldestKept = this.history.find((entry) => isKept(entry) && !replaced.has(entry));
    const outOfTurn = this.history.filter(
      (entry) => !isKept(entry) && entry.number > (oldestKept?.number ?? Infinity),
    );
    expect(outOfTurn).toEqual([]);
    this.history = this.history.filter(isKept);
    expect(numbers).toEqual(this.history.map(({ number }) => number));
  }

  /** Waits until the roll-out ends, or stops at one new pod that never becomes ready. */
  async settled(): Promise<void> {
    if (!this.isBroken) {
      expect(await this.k("rollout status ds/x --timeout=30s")).toContain(
        'daemon set "x" successfully rolled out',
      );
    }
    const standing = this.surges && this.isBroken ? nodeCount + 1 : nodeCount;
    await eventually(
      async () => {
        const { metadata, status } = await this.daemonSet();
        const pods = await this.pods();
        const hash = (await this.revisions()).at(-1)!.metadata.labels[hashLabel];
        const fresh = pods.filter((pod) => pod.metadata.labels[hashLabel] === hash).length;
        // With surge the older pod counts for its node; of two created in the same second it is the first by name.
        const available = status.numberAvailable ?? 0;
        const missing = nodeCount - available;
        const isSettled =
          status.observedGeneration === metadata.generation &&
          pods.length === standing &&
          pods.every((pod) => pod.metadata.deletionTimestamp === undefined) &&
          fresh === (this.isBroken ? 1 : nodeCount) &&
          (this.isBroken ? missing === 1 || (this.surges && missing === 0) : missing === 0);
        return isSettled || undefined;
      },
      `the roll-out to settle (${this.isBroken ? "broken" : "good"})`,
      20_000,
    );
  }

  numbersInUse(pods: readonly PodJson[], revisions: readonly RevisionJson[]): Set<number> {
    const used = new Set(pods.map((pod) => pod.metadata.labels[hashLabel]));
    return new Set(
      revisions.filter((one) => used.has(one.metadata.labels[hashLabel])).map(({ revision }) => revision),
    );
  }

  /** Compares everything with the model. `before` are the pods of before the step. */
  async check(before: readonly PodJson[], usedBefore: ReadonlySet<Entry>): Promise<void> {
    const { spec } = await this.daemonSet();
    expect(canonicalJson(spec.template)).toBe(this.current.bytes);
    const pods = await this.pods();
    const count = this.countWith(this.numbersInUse(pods, await this.revisions()));
    const revisions = await eventually(
      async () => {
        const found = await this.revisions();
        return found.length === count ? found : undefined;
      },
      `${count} revisions`,
      10_000,
    );
    const current = this.current.number;
    this.takeOver(
      revisions.map(({ revision }) => revision),
      usedBefore,
    );
    expect(this.current.number).toBe(current);
    for (const { metadata, data } of revisions) {
      const bytes = JSON.stringify(data);
      expect(this.data.get(metadata.name) ?? bytes).toBe(bytes);
      this.data.set(metadata.name, bytes);
    }
    // kubectl and the conformance suite compare this byte for byte.
    const wanted = canonicalJson({ spec: { template: { ...this.template, $patch: "replace" } } });
    expect(JSON.stringify(revisions.at(-1)!.data)).toBe(wanted);
    const hash = revisions.at(-1)!.metadata.labels[hashLabel];
    const uids = new Set(pods.map((pod) => pod.metadata.uid));
    const kept = before.filter((pod) => pod.metadata.labels[hashLabel] === hash);
    expect(kept.filter((pod) => !uids.has(pod.metadata.uid))).toEqual([]);
    await this.checkHistory();
  }

  async checkHistory(): Promise<void> {
    const [head, ...rows] = (await this.k("rollout history ds/x")).trim().split("\n").slice(1);
    expect(head).toMatch(/^REVISION +CHANGE-CAUSE$/);
    expect(rows.map((row) => row.replace(/\s+/, " ").trim())).toEqual(
      this.history.map(({ number, cause }) => `${number} ${cause}`),
    );
    const { number, bytes } = this.pick(this.history);
    const shown = await this.k(`rollout history ds/x --revision=${number}`);
    const [container] = (JSON.parse(bytes) as Template).spec.containers;
    expect(shown).toMatch(new RegExp(`^daemonset.apps/x with revision #${number}\\nPod Template:`));
    expect(shown).toMatch(new RegExp(`Image:\\s+${container.image}\\n`));
    expect(shown).toMatch(new RegExp(`GREETING:\\s+${container.env[0]!.value}\\n`));
  }
}

/** One step. It notes in the model when the template changes. */
type Step = (run: Run) => Promise<void>;

/** Changes the template and checks that it is the old one with this change, in any order of keys. */
async function forward(
  run: Run,
  change: (template: Record<string, never> & Template) => unknown,
): Promise<void> {
  const { spec } = await run.daemonSet();
  const wanted = JSON.parse(run.current.bytes) as Record<string, never> & Template;
  change(wanted);
  expect(spec.template).toEqual(wanted);
  run.changeTo(canonicalJson(spec.template));
}

const annotate = (template: { metadata: object }, name: string, value: string | undefined): void => {
  const metadata = template.metadata as { annotations?: Record<string, string> };
  metadata.annotations = { ...metadata.annotations };
  if (value === undefined) delete metadata.annotations[name];
  else metadata.annotations[name] = value;
  if (Object.keys(metadata.annotations).length === 0) delete metadata.annotations;
};

const setImage: Step = async (run) => {
  const image = run.pick(images);
  await run.k(`set image ds/x c=${image}`);
  await forward(run, (template) => Object.assign(template.spec.containers[0], { image }));
};

const edit: Step = async (run) => {
  const greeting = run.pick(greetings);
  const words = greetings.join("\\|");
  const editor = `sed -i 's/value: \\(${words}\\)$/value: ${greeting}/'`;
  const line = `KUBE_EDITOR="${editor}" exec "${kubectl.path}" edit ds/x`;
  const { code, stderr } = await run.cluster.spawn({ name: "sh", path: "/bin/sh" }, ["-c", line]);
  expect([code, stderr.replace("Edit cancelled, no changes made.\n", "")]).toEqual([0, ""]);
  await forward(run, (template) => Object.assign(template.spec.containers[0].env[0]!, { value: greeting }));
};

const restart: Step = async (run) => {
  // Within one second of the last one kubectl refuses, because it would change nothing.
  await eventually(() => run.k("rollout restart ds/x"), "a restart", 5_000);
  const { spec } = await run.daemonSet();
  const at = spec.template.metadata.annotations?.["kubectl.kubernetes.io/restartedAt"];
  expect(Math.abs(Date.parse(at ?? "") - Date.now())).toBeLessThan(30_000);
  await forward(run, (template) => annotate(template, "kubectl.kubernetes.io/restartedAt", at));
};

/** Breaks the roll-out, or repairs it. */
const breakOrRepair: Step = async (run) => {
  const value = run.isBroken ? undefined : "never-ready";
  const patch = { spec: { template: { metadata: { annotations: { [trouble]: value ?? null } } } } };
  await run.k(`patch ds x -p '${JSON.stringify(patch)}'`);
  await forward(run, (template) => annotate(template, trouble, value));
};

async function undo(run: Run, flag: string, target: Entry): Promise<void> {
  const output = await run.k(`rollout undo ds/x${flag}`);
  // Up to 1.33 kubectl writes a null creationTimestamp into what it compares, finds no match and patches in vain.
  if (target === run.current && !output.endsWith(" rolled back\n"))
    expect(output).toBe(
      `daemonset.apps/x skipped rollback (current template already matches revision ${target.number})\n`,
    );
  else expect(output).toBe("daemonset.apps/x rolled back\n");
  run.changeTo(target.bytes);
}

const undoLast: Step = async (run) => {
  const target = run.history.at(-2);
  if (target !== undefined) return await undo(run, "", target);
  await refused(run, "rollout undo ds/x", /no last revision to roll back to/);
};

const undoTo: Step = async (run) => {
  const target = run.pick(run.history);
  await undo(run, ` --to-revision=${target.number}`, target);
};

const undoToNowhere: Step = async (run) => {
  const gone = run.current.number + 7;
  await refused(
    run,
    `rollout undo ds/x --to-revision=${gone}`,
    /unable to find specified revision \d+ in history/,
  );
  await refused(run, `rollout history ds/x --revision=${gone}`, /unable to find the specified revision/);
};

async function refused(run: Run, line: string, pattern: RegExp): Promise<void> {
  const { code, stderr }: Ran = await run.cluster.run(kubectl, line);
  expect([code, stderr]).toEqual([1, expect.stringMatching(pattern)]);
}

const setLimit: Step = async (run) => {
  run.limit = run.pick(limits);
  await run.k(`patch ds x -p '{"spec":{"revisionHistoryLimit":${run.limit}}}'`);
};

const setCause: Step = async (run) => {
  run.cause = `cause-${Math.floor(run.random.next() * 1000)}`;
  await run.k(`annotate ds x --overwrite kubernetes.io/change-cause=${run.cause}`);
};

/** `lares up` is ready when all pods are, so a broken roll-out is repaired first. */
const restartControlPlane: Step = async (run) => {
  if (run.isBroken) return await breakOrRepair(run);
  expect(await run.cluster.end("SIGTERM")).toBe(0);
  await run.cluster.start([...options, ...timings]);
};

/** Steps with their weight: a step that stands here twice is chosen twice as often. */
const steps: readonly (readonly [string, Step])[] = [
  ["set image", setImage],
  ["set image", setImage],
  ["edit", edit],
  ["edit", edit],
  ["restart", restart],
  ["break or repair", breakOrRepair],
  ["break or repair", breakOrRepair],
  ["undo", undoLast],
  ["undo", undoLast],
  ["undo to", undoTo],
  ["undo to", undoTo],
  ["undo to nowhere", undoToNowhere],
  ["set limit", setLimit],
  ["set cause", setCause],
  ["restart the control plane", restartControlPlane],
];

let cluster: Cluster | undefined;
afterEach(async () => {
  await cluster?.stop();
  cluster = undefined;
});

test.each([
  ["maxUnavailable 1", { maxUnavailable: 1 }],
  ["maxSurge 1", { maxUnavailable: 0, maxSurge: 1 }],
])("roll-outs by kubectl in random order behave as the model, %s", async (name, strategy) => {
  cluster = await Cluster.up({ args: [...options, ...timings] });
  const surges = "maxSurge" in strategy;
  const run = new Run(cluster, { random: seededRandom(seed + (surges ? 1_000 : 0)), surges });
  await run.k("create -f -", manifest(strategy));
  run.changeTo(canonicalJson((await run.daemonSet()).spec.template));
  await run.settled();
  for (let i = 0; i < stepsPerRun; i++) {
    const [title, step] = run.pick(steps);
    run.log.push(title);
    try {
      const before = await run.pods();
      const used = run.numbersInUse(before, await run.revisions());
      const usedBefore = new Set(run.history.filter(({ number }) => used.has(number)));
      await step(run);
      await run.settled();
      await run.check(before, usedBefore);
    } catch (error) {
      const path = run.log.join(", ");
      throw new Error(`${name}, ROLLOUTS_SEED=${seed}, after: ${path}\n${String(error)}`, { cause: error });
    }
  }
});
