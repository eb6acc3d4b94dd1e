/**
 * What the server sets when a DaemonSet is written: the first status, and the template generation in an annotation.
 * Not here: metadata.generation and keeping the status (apiserver/registry), defaults (daemonset.ts), validation.ts.
 * Upstream: kubernetes v1.35, pkg/registry/apps/daemonset/strategy.go.
 */
import { badRequest, type Draft, goQuote, semanticEqual } from "../../../machinery/index.ts";
import type { DaemonSet } from "../../generated/types.gen.ts";

/** Holds the template generation, a number that grows by one with each change of the template. */
const templateGenerationAnnotation = "deprecated.daemonset.template.generation";

/** @throws StatusError 400 when the annotation is there and is no integer. */
function templateGenerationOf(object: DaemonSet | Draft<DaemonSet>): number | undefined {
  const text = object.metadata.annotations?.[templateGenerationAnnotation];
  if (text === undefined) return undefined;
  if (!/^[+-]?[0-9]{1,18}$/.test(text)) {
    const cause = `strconv.ParseInt: parsing ${goQuote(text)}: invalid syntax`;
    throw badRequest(`DaemonSet in version "v1" cannot be handled as a DaemonSet: ${cause}`);
  }
  return Number(text);
}

/** Other objects may share the map of annotations. So the map is replaced, and only when the value changes. */
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

/** The template generation that a client sends is ignored. The stored one grows by one when the template differs. */
export function prepareDaemonSetForUpdate(object: Draft<DaemonSet>, before: DaemonSet): void {
  templateGenerationOf(object);
  const isSame = semanticEqual(object.spec.template, before.spec.template);
  const stored = templateGenerationOf(before) ?? 0;
  setTemplateGeneration(object, isSame ? stored : stored + 1);
}

/** A write of the status cannot change the template generation either. */
export function prepareDaemonSetForStatusUpdate(object: Draft<DaemonSet>, before: DaemonSet): void {
  setTemplateGeneration(object, templateGenerationOf(before) ?? 1);
}
