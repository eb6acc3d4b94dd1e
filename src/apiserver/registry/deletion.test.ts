/** What a DELETE does, for every state an object can be in; and how the server carries it out. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { daemonsets, events, type Kind, kinds, namespaces, pods, type Pod } from "../../api/index.ts";
import type { KubeObject, Resource } from "../../machinery/index.ts";
import { sampleDaemonSet, samplePod, TestApiServer } from "../../testing/test-api-server.ts";
import type { DeleteOptions } from "./delete-options.ts";
import { decideDeletion, type Decision } from "./deletion.ts";

const nowMs = Date.UTC(2026, 0, 1);
const kindOf = (resource: Resource): Kind => kinds.find((kind) => kind.resource === resource)!;

function summary(decision: Decision): string {
  if (decision.do !== "mark") return decision.do;
  const {
    deletionTimestamp,
    deletionGracePeriodSeconds: grace,
    finalizers,
    generation,
  } = decision.next.metadata;
  const seconds = (Date.parse(deletionTimestamp ?? "") - nowMs) / 1000;
  return `mark at ${seconds}s grace ${grace ?? "none"} generation ${generation ?? "none"} finalizers ${(finalizers ?? []).join("+") || "none"}`;
}

type PodState =
  | "pending"
  | "bound"
  | "finished"
  | "bound with finalizer"
  | "terminating 30"
  | "terminating 0 with finalizer"
  | "terminating 30, 25s ago";
type Asked = "default" | "grace 0" | "grace 5" | "grace 60" | "grace -1";

const podStates: Record<PodState, Partial<Pod> & KubeObject> = {
  pending: podIn({}),
  bound: podIn({ node: "n" }),
  finished: podIn({ node: "n", phase: "Succeeded" }),
  "bound with finalizer": podIn({ node: "n", finalizers: ["a/b"] }),
  "terminating 30": podIn({ node: "n", deletedAt: 30, grace: 30 }),
  "terminating 0 with finalizer": podIn({ node: "n", deletedAt: 0, grace: 0, finalizers: ["a/b"] }),
  "terminating 30, 25s ago": podIn({ node: "n", deletedAt: 5, grace: 30 }),
};

interface PodShape {
  readonly node?: string;
  readonly phase?: string;
  readonly finalizers?: readonly string[];
  /** Seconds from now. */
  readonly deletedAt?: number;
  readonly grace?: number;
}

function podIn(shape: PodShape): Pod {
  const { node, phase = "Running", finalizers, deletedAt, grace } = shape;
  return {
    metadata: {
      name: "p",
      generation: 1,
      ...(finalizers === undefined ? {} : { finalizers }),
      ...(deletedAt === undefined
        ? {}
        : { deletionTimestamp: new Date(nowMs + deletedAt * 1000).toISOString() }),
      ...(grace === undefined ? {} : { deletionGracePeriodSeconds: grace }),
    },
    spec: {
      containers: [],
      terminationGracePeriodSeconds: 30,
      ...(node === undefined ? {} : { nodeName: node }),
    },
    status: { phase },
  };
}

const askedFor: Record<Asked, DeleteOptions> = {
  default: { isDryRun: false },
  "grace 0": { isDryRun: false, gracePeriodSeconds: 0 },
  "grace 5": { isDryRun: false, gracePeriodSeconds: 5 },
  "grace 60": { isDryRun: false, gracePeriodSeconds: 60 },
  "grace -1": { isDryRun: false, gracePeriodSeconds: -1 },
};

const fresh = (seconds: number): string =>
  `mark at ${seconds}s grace ${seconds} generation 2 finalizers none`;
const unchanged = "mark at 30s grace 30 generation 1 finalizers none";
const held = "mark at 0s grace 0 generation 1 finalizers a/b";

const podTable: Record<PodState, Record<Asked, string>> = {
  pending: {
    default: "remove",
    "grace 0": "remove",
    "grace 5": "remove",
    "grace 60": "remove",
    "grace -1": "remove",
  },
  bound: {
    default: fresh(30),
    "grace 0": "remove",
    "grace 5": fresh(5),
    "grace 60": fresh(60),
    "grace -1": fresh(1),
  },
  finished: {
    default: "remove",
    "grace 0": "remove",
    "grace 5": "remove",
    "grace 60": "remove",
    "grace -1": "remove",
  },
  "bound with finalizer": {
    default: "mark at 30s grace 30 generation 2 finalizers a/b",
    "grace 0": "mark at 0s grace 0 generation 2 finalizers a/b",
    "grace 5": "mark at 5s grace 5 generation 2 finalizers a/b",
    "grace 60": "mark at 60s grace 60 generation 2 finalizers a/b",
    "grace -1": "mark at 1s grace 1 generation 2 finalizers a/b",
  },
  "terminating 30": {
    default: unchanged,
    "grace 0": "remove",
    "grace 5": "mark at 5s grace 5 generation 1 finalizers none",
    "grace 60": unchanged,
    "grace -1": "mark at 1s grace 1 generation 1 finalizers none",
  },
  "terminating 0 with finalizer": {
    default: held,
    "grace 0": held,
    "grace 5": held,
    "grace 60": held,
    "grace -1": held,
  },
  "terminating 30, 25s ago": {
    default: "mark at 5s grace 30 generation 1 finalizers none",
    "grace 0": "remove",
    // 5 s after the start lie in the past: it ends within a second.
    "grace 5": "mark at 1s grace 1 generation 1 finalizers none",
    "grace 60": "mark at 5s grace 30 generation 1 finalizers none",
    "grace -1": "mark at 1s grace 1 generation 1 finalizers none",
  },
};

describe("a pod that is deleted", () => {
  for (const [state, row] of Object.entries(podTable)) {
    for (const [asked, expected] of Object.entries(row)) {
      it(`while ${state}, ${asked}: ${expected}`, () => {
        const options = askedFor[asked as Asked];
        const decision = decideDeletion(kindOf(pods), podStates[state as PodState], { options, nowMs });
        expect(summary(decision)).toBe(expected);
      });
    }
  }
});

type Policy = "none" | "Background" | "Foreground" | "Orphan";
type Finalizers = "no finalizer" | "orphan" | "foregroundDeletion" | "own";

const marked = (finalizers: string): string => `mark at 0s grace 0 generation 4 finalizers ${finalizers}`;

const policyTable: Record<Finalizers, Record<Policy, string>> = {
  "no finalizer": {
    none: "remove",
    Background: "remove",
    Foreground: marked("foregroundDeletion"),
    Orphan: marked("orphan"),
  },
  orphan: {
    none: marked("orphan"),
    Background: "remove",
    Foreground: marked("foregroundDeletion"),
    Orphan: marked("orphan"),
  },
  foregroundDeletion: {
    none: marked("foregroundDeletion"),
    Background: "remove",
    Foreground: marked("foregroundDeletion"),
    Orphan: marked("orphan"),
  },
  own: {
    none: marked("a/b"),
    Background: marked("a/b"),
    Foreground: marked("a/b+foregroundDeletion"),
    Orphan: marked("a/b+orphan"),
  },
};

describe("a DaemonSet that is deleted", () => {
  for (const [present, row] of Object.entries(policyTable)) {
    for (const [policy, expected] of Object.entries(row)) {
      it(`with ${present} and policy ${policy}: ${expected}`, () => {
        const finalizers = present === "no finalizer" ? [] : [present === "own" ? "a/b" : present];
        const object = { metadata: { name: "d", generation: 3, finalizers } };
        const options: DeleteOptions = {
          isDryRun: false,
          ...(policy === "none" ? {} : { propagationPolicy: policy as Exclude<Policy, "none"> }),
        };
        expect(summary(decideDeletion(kindOf(daemonsets), object, { options, nowMs }))).toBe(expected);
      });
    }
  }

  it("keeps the time of its first deletion", () => {
    const metadata = {
      name: "d",
      deletionTimestamp: "2025-12-31T23:59:50Z",
      deletionGracePeriodSeconds: 0,
      finalizers: ["a/b"],
    };
    const decision = decideDeletion(
      kindOf(daemonsets),
      { metadata },
      { options: { isDryRun: false }, nowMs },
    );
    expect(decision).toEqual({ do: "mark", next: { metadata } });
  });
});

it("events are never held back for the garbage collector", () => {
  const options: DeleteOptions = { isDryRun: false, propagationPolicy: "Foreground" };
  expect(decideDeletion(kindOf(events), { metadata: { name: "e" } }, { options, nowMs })).toEqual({
    do: "remove",
  });
});

it("a namespace goes only when its content is gone", () => {
  const live = {
    kind: "Namespace",
    metadata: { name: "n" },
    spec: { finalizers: ["kubernetes"] },
    status: { phase: "Active" },
  };
  const options: DeleteOptions = { isDryRun: false };
  const first = decideDeletion(kindOf(namespaces), live, { options, nowMs });
  expect(first).toMatchObject({
    do: "mark",
    next: { metadata: { deletionTimestamp: "2026-01-01T00:00:00Z" }, status: { phase: "Terminating" } },
  });
  const { next } = first as Extract<Decision, { do: "mark" }>;
  expect(decideDeletion(kindOf(namespaces), next, { options, nowMs })).toEqual({ do: "nothing" });
  const emptied = { ...next, spec: {} } as KubeObject;
  expect(decideDeletion(kindOf(namespaces), emptied, { options, nowMs })).toEqual({ do: "remove" });
});

describe("DELETE", () => {
  let api: TestApiServer;
  const path = "/api/v1/namespaces/default/pods";
  beforeEach(async () => {
    api = await TestApiServer.start();
  });
  afterEach(() => api.stop());

  it("shows a graceful deletion as MODIFIED and later DELETED", async () => {
    const pod = await api.ok("POST", path, { body: samplePod("p", { node: "n1" }) });
    const watch = await api.watch(`${path}?watch=1&resourceVersion=${pod.metadata.resourceVersion}`);
    const going = await api.ok("DELETE", `${path}/p`);
    expect(going.metadata).toMatchObject({ deletionGracePeriodSeconds: 30, generation: 2 });
    const body = { gracePeriodSeconds: 0, preconditions: { uid: pod.metadata.uid } };
    const gone = await api.ok("DELETE", `${path}/p`, { body });
    expect(gone.kind).toBe("Pod");
    expect(watch.events.map((event) => event.type)).toEqual(["MODIFIED", "DELETED"]);
    expect(watch.events[1]!.object.metadata.resourceVersion).toBe(gone.metadata.resourceVersion);
  });

  it("refuses other uids and versions", async () => {
    await api.ok("POST", path, { body: samplePod("p") });
    const uid = await api.call("DELETE", `${path}/p`, { body: { preconditions: { uid: "other" } } });
    expect(uid.status).toBe(409);
    expect(uid.object.message).toMatch(
      /^Operation cannot be fulfilled on Pod "p": the UID in the precondition \(other\) does not match the UID in record \([-0-9a-f]+\)\. The object might have been deleted and then recreated$/,
    );
    expect(
      (await api.call("DELETE", `${path}/p`, { body: { preconditions: { resourceVersion: "1" } } })).status,
    ).toBe(409);
  });

  it("as a dry run deletes nothing", async () => {
    await api.ok("POST", path, { body: samplePod("p") });
    const answer = await api.ok("DELETE", `${path}/p`, { body: { dryRun: ["All"] } });
    expect(answer.metadata.name).toBe("p");
    expect((await api.call("GET", `${path}/p`)).status).toBe(200);
    expect((await api.call("DELETE", `${path}/p?dryRun=Some`)).status).toBe(422);
  });

  it("takes its options from the query when there is no body", async () => {
    const ds = "/apis/apps/v1/namespaces/default/daemonsets";
    await api.ok("POST", ds, { body: sampleDaemonSet("agent") });
    const held = await api.ok("DELETE", `${ds}/agent?propagationPolicy=Foreground`);
    expect(held.metadata.finalizers).toEqual(["foregroundDeletion"]);
    const patch = { contentType: "application/merge-patch+json", body: { metadata: { finalizers: null } } };
    const last = await api.call("PATCH", `${ds}/agent`, patch);
    expect(last.status).toBe(200);
    expect((await api.call("GET", `${ds}/agent`)).status).toBe(404);
  });

  it("adds no finalizer to what is being deleted", async () => {
    const ds = "/apis/apps/v1/namespaces/default/daemonsets";
    await api.ok("POST", ds, { body: sampleDaemonSet("agent") });
    await api.ok("DELETE", `${ds}/agent?propagationPolicy=Foreground`);
    const patch = {
      contentType: "application/merge-patch+json",
      body: { metadata: { finalizers: ["foregroundDeletion", "a/b"] } },
    };
    const refused = await api.call("PATCH", `${ds}/agent`, patch);
    expect(refused.status).toBe(422);
    expect(refused.object.details.causes[0]).toMatchObject({
      reason: "FieldValueForbidden",
      field: "metadata.finalizers",
    });
  });

  it("of a collection honours the selectors and answers with what was deleted", async () => {
    for (const name of ["a", "b", "c"]) {
      await api.ok("POST", path, { body: samplePod(name, { labels: { keep: String(name === "b") } }) });
    }
    const deleted = await api.ok("DELETE", `${path}?labelSelector=keep!%3Dtrue`);
    expect(deleted.items.map((pod: KubeObject) => pod.metadata.name)).toEqual(["a", "c"]);
    const left = await api.ok("GET", path);
    expect(left.items.map((pod: KubeObject) => pod.metadata.name)).toEqual(["b"]);
  });
});

describe("a namespace", () => {
  it("takes nothing new while it goes, and goes when it is finalized", async () => {
    const api = await TestApiServer.start();
    await api.ok("POST", "/api/v1/namespaces", { body: { metadata: { name: "team" } } });
    const going = await api.ok("DELETE", "/api/v1/namespaces/team");
    expect(going.status.phase).toBe("Terminating");
    const refused = await api.call("POST", "/api/v1/namespaces/team/pods", { body: samplePod("p") });
    expect(refused.status).toBe(403);
    expect(refused.object.details.causes).toEqual([
      {
        reason: "NamespaceTerminating",
        message: "namespace team is being terminated",
        field: "metadata.namespace",
      },
    ]);
    const again = await api.call("DELETE", "/api/v1/namespaces/team");
    expect(again.status).toBe(200);
    expect(again.object).toEqual(going);
    const body = { ...going, spec: { finalizers: [] } };
    expect((await api.call("PUT", "/api/v1/namespaces/team/finalize", { body })).status).toBe(200);
    expect((await api.call("GET", "/api/v1/namespaces/team")).status).toBe(404);
    const missing = await api.call("POST", "/api/v1/namespaces/team/pods", { body: samplePod("p") });
    expect(missing.object).toMatchObject({
      code: 404,
      message: 'namespaces "team" not found',
      details: { kind: "namespaces" },
    });
    await api.stop();
  });

  it("that the system needs may not be deleted", async () => {
    const api = await TestApiServer.start();
    const refused = await api.call("DELETE", "/api/v1/namespaces/default");
    expect(refused.object.message).toBe(
      'namespaces "default" is forbidden: this namespace may not be deleted',
    );
    await api.stop();
  });
});

describe("a deletion that says nothing of dependents", () => {
  let api: TestApiServer;
  beforeEach(async () => {
    api = await TestApiServer.start();
  });
  afterEach(() => api.stop());

  const template = { metadata: { labels: { app: "a" } }, spec: { containers: [{ name: "c", image: "i" }] } };
  const job = {
    metadata: { name: "a" },
    spec: { template: { spec: { ...template.spec, restartPolicy: "Never" } } },
  };
  const [jobs, rcs] = [
    "/apis/batch/v1/namespaces/default/jobs",
    "/api/v1/namespaces/default/replicationcontrollers",
  ];
  const keeping = expect.stringMatching(/^child pods are preserved by default when jobs are deleted; /);

  it.each([
    { path: jobs, body: job, warnings: [keeping] },
    { path: rcs, body: { metadata: { name: "a" }, spec: { template } }, warnings: [] },
  ])("orphans those of $path", async ({ path, body, warnings }) => {
    await api.ok("POST", path, { body });
    const dry = await api.call("DELETE", `${path}/a?dryRun=All`);
    const answer = await api.call("DELETE", `${path}/a`);
    for (const { status, object, warnings: told } of [dry, answer]) {
      expect([status, told]).toEqual([200, warnings]);
      expect(object.metadata).toMatchObject({
        finalizers: ["orphan"],
        deletionGracePeriodSeconds: 0,
        generation: 2,
      });
    }
  });

  it.each(["Background", "Foreground", "Orphan"])("and one with %s does what it says", async (policy) => {
    await api.ok("POST", jobs, { body: job });
    const { object, warnings } = await api.call("DELETE", `${jobs}/a?propagationPolicy=${policy}`);
    const finalizer = policy === "Foreground" ? "foregroundDeletion" : "orphan";
    expect(warnings).toEqual([]);
    expect(object.metadata.finalizers).toEqual(policy === "Background" ? undefined : [finalizer]);
  });

  it("keeps to the policy that an object has chosen by its finalizer", async () => {
    const body = { ...job, metadata: { name: "a", finalizers: ["foregroundDeletion"] } };
    await api.ok("POST", jobs, { body });
    expect((await api.ok("DELETE", `${jobs}/a`)).metadata.finalizers).toEqual(["foregroundDeletion"]);
  });

  it("tells of preserved pods with a refusal, too", async () => {
    await api.ok("POST", jobs, { body: job });
    const preconditions = { uid: "another" };
    const { status, warnings } = await api.call("DELETE", `${jobs}/a`, { body: { preconditions } });
    expect([status, warnings]).toEqual([409, [keeping]]);
  });
});

describe("a pod that goes at once", () => {
  const path = "/api/v1/namespaces/default/pods";
  it.each([
    { what: "unbound", pod: samplePod("p"), query: "" },
    { what: "bound, by force", pod: samplePod("p", { node: "n1" }), query: "gracePeriodSeconds=0" },
  ])("while $what, is answered with its deletion", async ({ pod, query }) => {
    const api = await TestApiServer.start();
    const { metadata } = await api.ok("POST", path, { body: pod });
    const deletion = {
      uid: metadata.uid,
      deletionTimestamp: "2026-01-01T00:00:00Z",
      deletionGracePeriodSeconds: 0,
      generation: 2,
    };
    const dry = await api.ok("DELETE", `${path}/p?dryRun=All&${query}`);
    expect(dry.metadata).toMatchObject({ ...deletion, resourceVersion: metadata.resourceVersion });
    const gone = await api.ok("DELETE", `${path}/p?${query}`);
    expect(gone.metadata).toMatchObject(deletion);
    expect(Number(gone.metadata.resourceVersion)).toBeGreaterThan(Number(metadata.resourceVersion));
    expect((await api.call("GET", `${path}/p`)).status).toBe(404);
    await api.stop();
  });
});
