/**
 * Mutants: planted bugs. Each breaks one guard of the DaemonSet controller or of the garbage collector from outside: by
 * what the controller is shown, by what is sent in its name, or by what it decided. The simulation must find every one.
 * Not here: running them (mutants.test.ts), the rules that find them (log-rules.ts, process-rules.ts, run.ts).
 * Invariants by number: docs/spec/invariants.md.
 */
import type { DaemonSet, Node, Pod } from "../../src/api/index.ts";
import type { Clock } from "../../src/base/index.ts";
import {
  createExpectations,
  type DeleteOptions,
  type Expectations,
  type InformerFactory,
  type TransportCall,
} from "../../src/client/index.ts";
import { createWorkqueue } from "../../src/client/work/rate-limited-queue.ts";
import type {
  Action,
  DaemonSetControllerDependencies,
  Planning,
  Snapshot,
} from "../../src/controllers/daemonset/index.ts";
import { pinnedTo } from "../../src/controllers/daemonset/template.ts";
import { type KubeObject, requestInfoOf } from "../../src/machinery/index.ts";
import type { ControllerSeams } from "../../src/testing/simulated-controller.ts";
import { type Tampering, tamperedTransport } from "../../src/testing/tampered-transport.ts";
import type { RunOptions } from "./run.ts";
import type { ProfileName, Step } from "./script.ts";

export interface Mutant {
  readonly name: string;
  /** At least one of these must be reported. `defect` stands for a cluster that never comes to rest. */
  readonly breaks: readonly string[];
  /** Default: `slow`, a network with delays and no other faults. */
  readonly profile?: ProfileName;
  /** Steps that the scripts contain more often, so that few seeds are needed. */
  readonly favours?: readonly Step["do"][];
  readonly options: RunOptions;
}

type Change = { -readonly [K in "spec" | "metadata" | "status"]?: object };

function tampering(tampering: Tampering): RunOptions {
  return { seams: { transport: (transport) => tamperedTransport(transport, tampering) } };
}

function seeing<T extends KubeObject>(resource: string, see: (object: T) => T | undefined): RunOptions {
  return tampering({ see: (of, object) => (of === resource ? see(object as T) : object) });
}

/** Changes the bodies of matching calls. */
function sending(
  match: (call: TransportCall, resource: string) => boolean,
  change: (body: Body) => Change,
): RunOptions {
  return tampering({
    send: (call, resource) =>
      match(call, resource)
        ? { ...call, body: { ...(call.body as Body), ...change(call.body as Body) } }
        : call,
  });
}

type Body = KubeObject & { readonly spec?: object; readonly status?: Readonly<Record<string, number>> };

function planning(change: (own: Planning) => Partial<Planning>): RunOptions {
  return { seams: { options: { planning: (own) => ({ ...own, ...change(own) }) } } };
}

function counting(change: (snapshot: Snapshot) => Partial<Snapshot["counts"]>): RunOptions {
  return planning((own) => ({
    planRollout: (snapshot) =>
      own.planRollout({ ...snapshot, counts: { ...snapshot.counts, ...change(snapshot) } }),
  }));
}

function forgetting(because: string): RunOptions {
  const keep = (action: Action): boolean => action.because !== because;
  return planning((own) => ({
    plan: (snapshot) => own.plan(snapshot).filter(keep),
    planRollout: (snapshot) => own.planRollout(snapshot).filter(keep),
  }));
}

function depending(
  change: (dependencies: DaemonSetControllerDependencies) => Partial<DaemonSetControllerDependencies>,
): ControllerSeams {
  return { dependencies: (dependencies) => ({ ...dependencies, ...change(dependencies) }) };
}

/** Nothing is ever awaited. */
const noExpectations: Expectations = {
  expectCreations() {},
  expectDeletions() {},
  creationReturned() {},
  creationObserved() {},
  deletionObserved() {},
  lowerCreations() {},
  satisfied: () => true,
  delete() {},
};

/** Caches that never tell the controller of a deleted pod, although they know of it. */
function hidingDeletedPods(informers: InformerFactory): InformerFactory {
  return {
    resources: informers.resources,
    for: (resource, selection) => {
      const informer = informers.for(resource, selection);
      if (resource.resource !== "pods") return informer;
      const addHandler: typeof informer.addHandler = (handler) =>
        informer.addHandler(without(handler, "deleted"));
      return new Proxy(informer, {
        get: (target, name) => (name === "addHandler" ? addHandler : bound(target, name)),
      });
    },
    start: (signal) => informers.start(signal),
    waitForSync: (signal) => informers.waitForSync(signal),
  };
}

/** Caches that claim to have seen everything. */
function claimingToBeCurrent(informers: InformerFactory): InformerFactory {
  return {
    ...informers,
    for: (resource, selection) => {
      const informer = informers.for(resource, selection);
      return new Proxy(informer, {
        get: (target, name) => {
          return name === "lastResourceVersion" ? "999999999" : bound(target, name);
        },
      });
    },
    start: (signal) => informers.start(signal),
    waitForSync: (signal) => informers.waitForSync(signal),
  };
}

function isPosting(resource: string): (call: TransportCall, of: string) => boolean {
  return (call, of) => call.method === "POST" && of === resource;
}

function isStatusWrite(call: TransportCall, resource: string): boolean {
  return call.method === "PUT" && resource === "daemonsets" && requestInfoOf(call).subresource === "status";
}

function without<T extends object, K extends keyof T>(object: T, key: K): T {
  const { [key]: _, ...rest } = object;
  return rest as T;
}

function withMetadata<T extends KubeObject>(object: T, change: object): T {
  return { ...object, metadata: { ...object.metadata, ...change } };
}

const withoutHash = (pod: Pod): Pod =>
  withMetadata(pod, { labels: without({ ...pod.metadata.labels }, "controller-revision-hash") });

export const mutants: readonly Mutant[] = [
  {
    name: "k/k#54096: after a restart two pods on one node, because the first lists were old",
    breaks: ["I1"],
    favours: ["timeTravel", "crash", "deletePod"],
    profile: "behind",
    options: { seams: { firstList: "cached" } },
  },
  {
    name: "k/k#61387: thousands of pods, because those that are not bound yet are not counted to their node",
    breaks: ["I1"],
    options: seeing<Pod>("pods", (pod) =>
      pod.spec.nodeName ? pod : { ...pod, spec: without(pod.spec, "affinity") },
    ),
  },
  {
    name: "k/k#123232: several updates in a row break maxUnavailable, because old pods that serve nobody are not counted",
    breaks: ["I2"],
    favours: ["image", "strategy"],
    options: counting(({ counts, outdatedUnavailable }) => ({
      unavailable: counts.unavailable - outdatedUnavailable.length,
    })),
  },
  {
    name: "k/k#14528: too many pods, because those that do not get beyond Pending are not counted",
    breaks: ["I1"],
    options: {
      seams: {
        ...seeing<Pod>("pods", (pod) => (pod.status?.phase === "Pending" ? undefined : pod)).seams,
        ...depending(() => ({ expectations: noExpectations })),
      },
    },
  },
  {
    name: "I1: own creates are not waited for",
    breaks: ["I1"],
    options: {
      seams: depending(({ informers }) => ({
        expectations: noExpectations,
        informers: claimingToBeCurrent(informers),
      })),
    },
  },
  {
    name: "I1: a terminating pod does not block its node",
    breaks: ["I1"],
    options: seeing<Pod>("pods", (pod) => (pod.metadata.deletionTimestamp === undefined ? pod : undefined)),
  },
  {
    name: "I1: a create whose answer was lost is done again under another name",
    breaks: ["I1"],
    favours: ["image", "deletePod"],
    profile: "lossy",
    options: sending(isPosting("pods"), ({ metadata }) => ({ metadata: without(metadata, "name") })),
  },
  {
    name: "I2: the budget is what maxUnavailable says, whoever is down already",
    breaks: ["I2"],
    options: counting(() => ({ unavailable: 0 })),
  },
  {
    name: "I2: every unreachable node is passed over, however many they are",
    breaks: ["I2"],
    favours: ["maxUnreachable", "outage", "image"],
    options: counting(({ counts }) => ({
      unavailable: counts.unavailable - counts.unreachable,
      unreachable: 0,
    })),
  },
  {
    name: "I2: a node that fell silent with the new template on it is passed over",
    breaks: ["I2"],
    favours: ["maxUnreachable", "outage", "image"],
    options: seeing<Pod>("pods", (pod) =>
      pod.status === undefined ? pod : { ...pod, status: without(pod.status, "startTime") },
    ),
  },
  {
    name: "I2: minReadySeconds is not waited for",
    breaks: ["I2", "I5"],
    favours: ["minReady", "image"],
    options: {
      seams: {
        clock: (clock: Clock): Clock => ({
          nowMs: () => clock.nowMs() + 3_600_000,
          monotonicMs: () => clock.monotonicMs(),
          after: (delayMs, callback) => clock.after(delayMs, callback),
          soon: (callback) => clock.soon(callback),
        }),
      },
    },
  },
  {
    name: "I2: with surge, the old pod goes as soon as there is a new one",
    breaks: ["I5", "I2"],
    options: seeing<Pod>("pods", (pod) => {
      const conditions = pod.status?.conditions?.map((condition) => ({ ...condition, status: "True" }));
      return conditions === undefined ? pod : { ...pod, status: { ...pod.status, conditions } };
    }),
  },
  {
    name: "I3: pods that surge already are not counted",
    breaks: ["I3"],
    favours: ["strategy", "image"],
    options: counting(() => ({ surging: 0 })),
  },
  {
    name: "I4: taints are not looked at",
    breaks: ["I4"],
    favours: ["taint", "joinNode"],
    options: seeing<Node>("nodes", (node) => ({ ...node, spec: without(node.spec, "taints") })),
  },
  {
    name: "I4: every node seems to have the label that is asked for",
    breaks: ["I4"],
    options: seeing<Node>("nodes", (node) =>
      withMetadata(node, { labels: { ...node.metadata.labels, agent: "yes", zone: "a" } }),
    ),
  },
  {
    name: "I5: pods are deleted from nodes where they may stay",
    breaks: ["I5", "I4", "I8"],
    favours: ["taint"],
    options: seeing<Node>("nodes", (node) => {
      const taints = node.spec.taints?.map((taint) => ({ ...taint, effect: "NoExecute" }));
      return taints === undefined ? node : { ...node, spec: { ...node.spec, taints } };
    }),
  },
  {
    name: "I5: a pod that waits for its node goes even if it has been bound in the meantime",
    breaks: ["I5", "I8"],
    favours: ["taint", "image"],
    options: tampering({
      send: (call, resource) =>
        call.method === "DELETE" && resource === "pods" ? tiedToUidAlone(call) : call,
    }),
  },
  {
    name: "I8: OnDelete is taken for RollingUpdate",
    breaks: ["I8"],
    favours: ["strategy", "image"],
    options: seeing<DaemonSet>("daemonsets", (set) => {
      const isOnDelete = set.spec.updateStrategy?.type === "OnDelete";
      return isOnDelete ? { ...set, spec: { ...set.spec, updateStrategy: { type: "RollingUpdate" } } } : set;
    }),
  },
  {
    name: "I8: DaemonSets that are being deleted are worked on",
    breaks: ["I8", "I11"],
    favours: ["deleteSet", "image"],
    options: seeing<DaemonSet>("daemonsets", (set) => ({
      ...set,
      metadata: without(set.metadata, "deletionTimestamp"),
    })),
  },
  {
    name: "I7: the generation observed is one ahead",
    breaks: ["I7"],
    options: sending(isStatusWrite, ({ status }) => ({
      status: { ...status, observedGeneration: (status?.["observedGeneration"] ?? 0) + 1 },
    })),
  },
  {
    name: "I7: one ready pod too many is told",
    breaks: ["I6"],
    options: sending(isStatusWrite, ({ status }) => ({
      status: { ...status, numberReady: (status?.["numberReady"] ?? 0) + 1 },
    })),
  },
  {
    name: "I9: every revision has number 1",
    breaks: ["I9"],
    options: sending(isPosting("controllerrevisions"), () => ({ revision: 1 }) as Change),
  },
  {
    name: "I9: revisions that pods still have are removed",
    breaks: ["I9"],
    options: {
      seams: {
        ...seeing<DaemonSet>("daemonsets", (set) => ({
          ...set,
          spec: { ...set.spec, revisionHistoryLimit: 0 },
        })).seams,
        transport: (transport) =>
          tamperedTransport(transport, {
            see: (resource, object) => {
              if (resource === "daemonsets")
                return {
                  ...object,
                  spec: { ...(object as DaemonSet).spec, revisionHistoryLimit: 0 },
                } as KubeObject;
              return resource === "pods" ? withoutHash(object as Pod) : object;
            },
          }),
      },
    },
  },
  {
    name: "I10: a selector of all namespaces is taken for none",
    breaks: ["I10"],
    favours: ["peers"],
    options: seeing<DaemonSet>(
      "daemonsets",
      (set) =>
        JSON.parse(JSON.stringify(set).replace('"namespaceSelector":{}', '"namespaces":[]')) as DaemonSet,
    ),
  },
  {
    name: "I10: a rollback starts pods anew that are right already",
    breaks: ["I5", "I8", "defect"],
    options: seeing<Pod>("pods", withoutHash),
  },
  {
    name: "I11: pods are adopted that do not match",
    breaks: ["I11"],
    favours: ["strayLabel"],
    options: seeing<Pod>("pods", (pod) => {
      const { labels, namespace } = pod.metadata;
      const isFree = pod.metadata.ownerReferences === undefined;
      return isFree && labels?.["app"] === "aside"
        ? withMetadata(pod, { labels: { ...labels, app: namespace === "default" ? "web" : "log" } })
        : pod;
    }),
  },
  {
    name: "I11: a pod that does not match any more is deleted, not released",
    breaks: ["I5", "I8"],
    favours: ["strayLabel"],
    options: tampering({
      send: (call, resource) =>
        call.method === "PATCH" && resource === "pods" && JSON.stringify(call.body).includes("$patch")
          ? asDelete(call)
          : call,
    }),
  },
  {
    name: "I12: orphans are deleted with their owner",
    breaks: ["I12"],
    favours: ["deleteSet"],
    options: {
      collector: (transport) =>
        tamperedTransport(transport, {
          send: (call, resource) => (call.method === "PATCH" && resource === "pods" ? asDelete(call) : call),
        }),
    },
  },
  {
    name: "I12: owners that are there are not seen",
    breaks: ["I12"],
    options: {
      collector: (transport) =>
        tamperedTransport(transport, {
          see: (resource, object) => (resource === "daemonsets" ? undefined : object),
        }),
    },
  },
  {
    name: "I13: dependents that block their owner's deletion are not waited for",
    breaks: ["I13"],
    favours: ["deleteSet"],
    options: {
      collector: (transport) =>
        tamperedTransport(transport, {
          see: (_, object) =>
            withMetadata(object, {
              ownerReferences: object.metadata.ownerReferences?.map((one) =>
                without(one, "blockOwnerDeletion"),
              ),
            }),
        }),
    },
  },
  {
    name: "I6: deletions of pods are missed",
    breaks: ["I6", "defect"],
    options: {
      seams: {
        transport: (transport) => ({
          ...transport,
          send: (call) => transport.send(call),
          watch: (call, sink) =>
            transport.watch(call, {
              events: (batch) => sink.events(batch.filter(({ type }) => type !== "DELETED")),
              end: (error) => sink.end(error),
            }),
        }),
      },
    },
  },
  {
    name: "explained: every pod is created for the first node, whatever was decided",
    breaks: ["explained"],
    options: sending(isPosting("pods"), ({ spec }) => ({ spec: pinnedTo(spec as Pod["spec"], "node-a") })),
  },
  {
    name: "recount: the cache drops a deleted pod and the controller keeps it",
    breaks: ["recount"],
    options: { seams: depending(({ informers }) => ({ informers: hidingDeletedPods(informers) })) },
  },
  {
    name: "I6: nothing is looked at again when only time has passed",
    breaks: ["I6"],
    favours: ["minReady", "image"],
    options: {
      seams: depending((dependencies) => {
        const queue = createWorkqueue({ ...dependencies, name: "daemonset" });
        const run: typeof queue.run = ({ reconcile, ...rest }) =>
          queue.run({
            ...rest,
            reconcile: async (key) => {
              await reconcile(key);
            },
          });
        return {
          queue: new Proxy(queue, { get: (target, name) => (name === "run" ? run : bound(target, name)) }),
        };
      }),
    },
  },
  {
    name: "I6: a pod that came and went while nobody watched is awaited",
    breaks: ["I6"],
    profile: "gap",
    options: {
      seams: depending(({ clock }) => {
        const own = createExpectations({ clock });
        return { expectations: new Proxy(own, { get: (target, name) => satisfiedBlindly(target, name) }) };
      }),
    },
  },
  {
    name: "burst: a step makes as many pods as are missing",
    breaks: ["burst"],
    options: { seams: { options: { burst: 250 } } },
  },
  {
    name: "I6: of two pods on a node both stay",
    breaks: ["I6"],
    favours: ["orphan"],
    options: forgetting("duplicate"),
  },
  {
    name: "I6: the status is written again and again",
    breaks: ["I6", "defect"],
    profile: "calm",
    options: sending(isStatusWrite, ({ status, metadata }) => ({
      status: { ...status, numberMisscheduled: 1 + (Number(metadata.resourceVersion) % 7) },
    })),
  },
];

/** Without a look at how new the cache is. */
function satisfiedBlindly(target: Expectations, name: string | symbol): unknown {
  return name === "satisfied" ? (key: string) => target.satisfied(key) : bound(target, name);
}

function tiedToUidAlone(call: TransportCall): TransportCall {
  const body = call.body as DeleteOptions;
  return { ...call, body: { ...body, preconditions: without({ ...body.preconditions }, "resourceVersion") } };
}

function asDelete(call: TransportCall): TransportCall {
  return { ...without(call, "contentType"), method: "DELETE", body: {} };
}

function bound(target: object, name: string | symbol): unknown {
  const value: unknown = Reflect.get(target, name, target);
  return typeof value === "function" ? (value.bind(target) as unknown) : value;
}
