/** The index of pods by node, which all controllers of a process share. */
import type { Pod } from "../../api/index.ts";
import type { Informer } from "./informer.ts";

/** Name of the index; its values are names of nodes. Pods without a node are not in it. */
export const podsByNode = "spec.nodeName";

/** Makes sure that the informer has the index `podsByNode`. Safe to repeat. */
export function indexPodsByNode(informer: Informer<Pod>): void {
  informer.addIndex(podsByNode, nodeNameOf);
}

function nodeNameOf(pod: Pod): readonly string[] {
  return pod.spec.nodeName ? [pod.spec.nodeName] : [];
}
