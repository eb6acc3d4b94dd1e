/**
 * Which controllers a control plane runs: `--controllers` with upstream's names and rules.
 * Upstream: kube-controller-manager --controllers, cmd/kube-controller-manager/names and app.IsControllerEnabled.
 */
import { UsageError } from "../cli/index.ts";

export const controllerNames = [
  "daemonset-controller",
  "garbage-collector-controller",
  "namespace-controller",
  "node-lifecycle-controller",
  "pod-garbage-collector-controller",
  "root-ca-certificate-publisher-controller",
  "serviceaccount-controller",
  "taint-eviction-controller",
] as const;

export type ControllerName = (typeof controllerNames)[number];

/** Names before 1.28, still understood upstream. */
const aliases: ReadonlyMap<string, ControllerName> = new Map([
  ["daemonset", "daemonset-controller"],
  ["garbagecollector", "garbage-collector-controller"],
  ["namespace", "namespace-controller"],
  ["nodelifecycle", "node-lifecycle-controller"],
  ["podgc", "pod-garbage-collector-controller"],
  ["root-ca-cert-publisher", "root-ca-certificate-publisher-controller"],
  ["serviceaccount", "serviceaccount-controller"],
]);

/**
 * `*` means all, `name` one more, `-name` one less; what is named wins over `*`.
 * @throws UsageError for a name that there is not, and for one that is both wanted and not.
 */
export function selectControllers(list: string): ReadonlySet<ControllerName> {
  const items = list
    .split(",")
    .map((item) => item.trim())
    .filter((item) => item !== "");
  const named = (among: readonly string[]): ReadonlySet<ControllerName> => new Set(among.map(controllerName));
  const wanted = named(items.filter((item) => item !== "*" && !item.startsWith("-")));
  const unwanted = named(items.filter((item) => item.startsWith("-")).map((item) => item.slice(1)));
  for (const name of wanted)
    if (unwanted.has(name))
      throw new UsageError(`--controllers both wants and does not want ${name}`, "name it once");
  const hasAll = items.includes("*");
  return new Set(controllerNames.filter((name) => wanted.has(name) || (hasAll && !unwanted.has(name))));
}

function controllerName(text: string): ControllerName {
  const name = aliases.get(text) ?? controllerNames.find((known) => known === text);
  if (name === undefined)
    throw new UsageError(
      `${JSON.stringify(text)} is no controller`,
      `--controllers knows ${controllerNames.join(", ")}, and * for all`,
    );
  return name;
}
