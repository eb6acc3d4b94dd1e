/**
 * What the server does to a DaemonSet when it is written: status, and the template generation that is shown as an
 * annotation. Not here: metadata.generation and keeping the status (apiserver), defaults, validation.
 * Upstream: kubernetes v1.35, pkg/registry/apps/daemonset/strategy.go.
 */
import { badRequest, type Draft, goQuote, semanticEqual } from "../../../machinery/index.ts";
import type { DaemonSet } from "../../generated/types.gen.ts";

/** Grows with each change of the template; kept by the server, shown as an annotation. */
const templateGenerationAnnotation = "deprecated.daemonset.template.generation";

/** @throws StatusError 400 when the annotation is there and no integer. */
function templateGenerationOf(object: DaemonSet | Draft<DaemonSet>): number | undefined {
  const text = object.metadata.annotations?.[templateGenerationAnnotation];
  if (text === undefined) return undefined;
  if (!/^[+-]?[0-9]{1,18}$/.test(text)) {
    const cause = `strconv.ParseInt: parsing ${goQuote(text)}: invalid syntax`;
    throw badRequest(`DaemonSet in version "v1" cannot be handled as a DaemonSet: ${cause}`);
  }
  return Number(text);
}

/** The map may be shared with an object that others hold: it is replaced, and only when something changes. */
function setTemplateGeneration(object: Draft<DaemonSet>, value: number): void {
  const { annotations } = object.metadata;
  if (annotations?.[templateGenerationAnnotation] === String(value)) return;
  object.metadata.annotations = { ...annotations, [templateGenerationAnnotation]: String(value) };
}

export function prepareDaemonSetForCreate(object: Draft<DaemonSet>): void {
  object.status = {
    currentNumberScheduled: 0,
    desiredNumberScheduled: 0,
    numberMisscheduled: 0,
    numberReady: 0,
  };
  setTemplateGeneration(object, Math.max(templateGenerationOf(object) ?? 1, 1));
}

/** What a client says of the template generation is ignored; it grows by one when the template differs. */
export function prepareDaemonSetForUpdate(object: Draft<DaemonSet>, before: DaemonSet): void {
  templateGenerationOf(object);
  const isSame = semanticEqual(object.spec.template, before.spec.template);
  const stored = templateGenerationOf(before) ?? 0;
  setTemplateGeneration(object, isSame ? stored : stored + 1);
}

/** The annotation is the server's: a write of the status cannot change it either. */
export function prepareDaemonSetForStatusUpdate(object: Draft<DaemonSet>, before: DaemonSet): void {
  setTemplateGeneration(object, templateGenerationOf(before) ?? 1);
}
