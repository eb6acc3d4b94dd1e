/**
 * The controllers of a control plane: the name of each for `--controllers`, its service account, its constructor. A new
 * controller is one more descriptor.
 * Upstream: cmd/kube-controller-manager, ControllerDescriptor, names, app.IsControllerEnabled.
 */
import { UsageError } from "../cli/index.ts";
import type { Controller, ControllerContext } from "../client/index.ts";
import { createDaemonSetController, type PlacementMode } from "../controllers/daemonset/index.ts";
import { createGarbageCollector } from "../controllers/garbage-collector/index.ts";
import { createNamespaceController } from "../controllers/namespace/index.ts";
import {
  createNodeLifecycleController,
  createTaintEvictionController,
} from "../controllers/node-lifecycle/index.ts";
import { createPodGcController } from "../controllers/pod-gc/index.ts";
import { createRootCaController } from "../controllers/root-ca/index.ts";
import { createServiceAccountController } from "../controllers/service-account/index.ts";

/** What controllers get from the command line and the certificates. */
export interface ControllerSetting {
  readonly placement: PlacementMode;
  /** The certificate authority of the API server, PEM. */
  readonly rootCa: string;
}

export interface ControllerDescriptor {
  /** In `--controllers`. */
  readonly name: string;
  /** Its name before 1.28, still understood upstream. */
  readonly alias?: string;
  /** Its service account in `kube-system`. */
  readonly account: string;
  /** User agent, and source of its events. */
  readonly component: string;
  make(context: ControllerContext, setting: ControllerSetting): Controller;
}

export const nodeLifecycle: ControllerDescriptor = {
  name: "node-lifecycle-controller",
  alias: "nodelifecycle",
  account: "node-controller",
  component: "node-controller",
  make: (context) => createNodeLifecycleController({}, context),
};

/** In order of their names. */
export const controllerDescriptors: readonly ControllerDescriptor[] = [
  {
    name: "daemonset-controller",
    alias: "daemonset",
    account: "daemon-set-controller",
    component: "daemonset-controller",
    make: (context, { placement }) => createDaemonSetController({ placement }, context),
  },
  {
    name: "garbage-collector-controller",
    alias: "garbagecollector",
    account: "generic-garbage-collector",
    component: "garbage-collector-controller",
    make: (context) => createGarbageCollector(context),
  },
  {
    name: "namespace-controller",
    alias: "namespace",
    account: "namespace-controller",
    component: "namespace-controller",
    make: (context) => createNamespaceController(context),
  },
  nodeLifecycle,
  {
    name: "pod-garbage-collector-controller",
    alias: "podgc",
    account: "pod-garbage-collector",
    component: "pod-garbage-collector",
    make: (context) => createPodGcController({}, context),
  },
  {
    name: "root-ca-certificate-publisher-controller",
    alias: "root-ca-cert-publisher",
    account: "root-ca-cert-publisher",
    component: "root-ca-certificate-publisher",
    make: (context, { rootCa }) => createRootCaController({ rootCa }, context),
  },
  {
    name: "serviceaccount-controller",
    alias: "serviceaccount",
    account: "service-account-controller",
    component: "service-account-controller",
    make: (context) => createServiceAccountController({}, context),
  },
  {
    name: "taint-eviction-controller",
    account: "taint-eviction-controller",
    component: "taint-eviction-controller",
    make: (context) => createTaintEvictionController({}, context),
  },
];

/**
 * `*` means all, `name` one more, `-name` one less; a name wins over `*`.
 * @throws UsageError for an unknown name, and for one that stands there with and without `-`.
 */
export function selectControllers(list: string): ReadonlySet<ControllerDescriptor> {
  const items = list
    .split(",")
    .map((item) => item.trim())
    .filter((item) => item !== "");
  const named = (among: readonly string[]): ReadonlySet<ControllerDescriptor> =>
    new Set(among.map(descriptorOf));
  const wanted = named(items.filter((item) => item !== "*" && !item.startsWith("-")));
  const unwanted = named(items.filter((item) => item.startsWith("-")).map((item) => item.slice(1)));
  for (const one of wanted)
    if (unwanted.has(one))
      throw new UsageError(`--controllers both wants and does not want ${one.name}`, "name it once");
  const hasAll = items.includes("*");
  return new Set(controllerDescriptors.filter((one) => wanted.has(one) || (hasAll && !unwanted.has(one))));
}

function descriptorOf(text: string): ControllerDescriptor {
  const found = controllerDescriptors.find(({ name, alias }) => text === name || text === alias);
  if (found === undefined)
    throw new UsageError(
      `${JSON.stringify(text)} is no controller`,
      `--controllers knows ${controllerDescriptors.map(({ name }) => name).join(", ")}, and * for all`,
    );
  return found;
}
