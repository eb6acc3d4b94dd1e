/**
 * The Service `kubernetes`, with its EndpointSlice and its Endpoints: by them clients in the cluster find this server.
 * They are made when the server listens, and looked after as long as it does.
 * Upstream: kubernetes v1.35, pkg/controlplane/controller/kubernetesservice, pkg/controlplane/reconcilers.
 * Differs: one server alone is told of. Several will need a Lease each (docs/designs/0013-service-addresses.md).
 */
import {
  type Endpoints,
  endpoints,
  type EndpointSlice,
  endpointslices,
  type Service,
  services,
} from "../../api/index.ts";
import { type Clock, type Log, sleep } from "../../base/index.ts";
import {
  apiVersionOf,
  type Draft,
  isAlreadyExists,
  type KubeObject,
  type Resource,
} from "../../machinery/index.ts";
import { conflictAttempts } from "../registry/change.ts";
import type { ResourceRegistry } from "../registry/resource-registry.ts";
import type { Writes } from "../registry/writes.ts";
import { serverWriter } from "./services/cluster-ips.ts";

/** As upstream. */
const lookEveryMs = 10_000;

/** Where clients reach this server. */
export interface ServerEndpoint {
  readonly ip: string;
  readonly port: number;
}

export interface KubernetesServiceDependencies {
  readonly writes: Writes;
  readonly resources: ResourceRegistry;
  readonly clock: Clock;
  readonly log: Log;
  /** The Service's own address. */
  readonly clusterIp: string;
}

const place = { namespace: "default", name: "kubernetes" } as const;
const protocol = "TCP";
const portName = "https";

/** Makes what is missing, and puts right what is otherwise. @throws StatusError. */
export async function ensureKubernetesService(
  { ip, port }: ServerEndpoint,
  dependencies: KubernetesServiceDependencies,
): Promise<void> {
  const ports = [{ name: portName, port: 443, protocol, targetPort: port }];
  await ensure<Service>(dependencies, services, {
    labels: { component: "apiserver", provider: "kubernetes" },
    // The address is chosen once. Everything else of the Service may be changed by people.
    made: {
      spec: { clusterIP: dependencies.clusterIp, ports, type: "ClusterIP", ipFamilyPolicy: "SingleStack" },
    },
    kept: ({ spec }) => ({ spec: { ...spec, ports } }),
  });
  const own = [{ name: portName, port, protocol }];
  const subsets = [{ addresses: [{ ip }], ports: own }];
  await ensure<Endpoints>(dependencies, endpoints, {
    labels: { "endpointslice.kubernetes.io/skip-mirror": "true" },
    made: { subsets },
    kept: () => ({ subsets }),
  });
  const slice = {
    addressType: ip.includes(":") ? "IPv6" : "IPv4",
    endpoints: [{ addresses: [ip], conditions: { ready: true } }],
    ports: own,
  };
  await ensure<EndpointSlice>(dependencies, endpointslices, {
    labels: { "kubernetes.io/service-name": place.name },
    made: slice,
    kept: () => slice,
  });
}

/** Until the signal aborts. */
export async function keepKubernetesService(
  endpoint: ServerEndpoint,
  dependencies: KubernetesServiceDependencies & { readonly signal: AbortSignal },
): Promise<void> {
  for (;;) {
    try {
      await sleep(dependencies.clock, lookEveryMs, dependencies.signal);
    } catch {
      return;
    }
    try {
      await ensureKubernetesService(endpoint, dependencies);
    } catch (error) {
      dependencies.log.warn("the kubernetes service is not as it should be yet", { error: String(error) });
    }
  }
}

interface Wanted<T extends KubeObject> {
  readonly labels: Readonly<Record<string, string>>;
  /** Members of a new object. */
  readonly made: object;
  /** Members of the object that is there. */
  kept(before: T): object;
}

async function ensure<T extends KubeObject>(
  { writes, resources }: KubernetesServiceDependencies,
  resource: Resource<T>,
  { labels, made, kept }: Wanted<T>,
): Promise<void> {
  const served = resources.of(resource);
  if ((await writes.find(served, place)) === undefined) {
    const metadata = { ...place, labels };
    const object = { apiVersion: apiVersionOf(resource), kind: resource.kind, metadata, ...made };
    try {
      await writes.createObject(served, object as Draft<KubeObject>, {
        writer: serverWriter,
        namespace: place.namespace,
      });
      return;
    } catch (error) {
      if (!isAlreadyExists(error)) throw error;
    }
  }
  await writes.modify(served, place, {
    writer: serverWriter,
    attempts: conflictAttempts,
    next: (before) => {
      const object = {
        ...before,
        metadata: { ...before.metadata },
        ...kept(before as T),
      } as Draft<KubeObject>;
      served.storage.rules.prepareForUpdate?.(object, before, writes.context(serverWriter));
      return { object };
    },
  });
}
