/**
 * One kubectl against one cluster for the sessions: commands that must succeed, that must fail, and output to wait for.
 */
import { afterAll, beforeAll, expect, inject } from "vitest";
import { Cluster, differs, eventually, type Kubectl, kubectls } from "./cluster.ts";

export interface Session {
  readonly k: (line: string, input?: string) => Promise<string>;
  readonly fails: (line: string, input?: string) => Promise<string>;
  /** Runs the line until its output matches the pattern. */
  readonly shows: (line: string, pattern: string) => Promise<void>;
  /** Names and nodes of the selected pods that are not terminating. */
  readonly pods: (selector: string, namespace?: string) => Promise<readonly PodRow[]>;
  readonly settled: (name: string, namespace?: string) => Promise<void>;
}

export interface PodRow {
  readonly name: string;
  readonly node: string;
  readonly restarts: number;
  readonly owners: number;
  readonly image: string;
  readonly isReady: boolean;
}

interface PodJson {
  readonly metadata: {
    readonly name: string;
    readonly deletionTimestamp?: string;
    readonly ownerReferences?: readonly unknown[];
  };
  readonly spec: { readonly nodeName?: string; readonly containers: readonly { readonly image: string }[] };
  readonly status: {
    readonly containerStatuses?: readonly { readonly restartCount: number }[];
    readonly conditions?: readonly { readonly type: string; readonly status: string }[];
  };
}

function sessionOn(cluster: Cluster, kubectl: Kubectl): Session {
  const k = async (line: string, input?: string): Promise<string> => {
    const { stdout, stderr, code } = await cluster.run(kubectl, line, input);
    if (code !== 0) throw new Error(`kubectl ${line}: exit ${code}\n${stdout}${stderr}`);
    return stdout;
  };
  const pods = async (selector: string, namespace = "default"): Promise<readonly PodRow[]> => {
    const list = JSON.parse(await k(`get pods -n ${namespace} -l ${selector} -o json`)) as {
      items: readonly PodJson[];
    };
    return list.items
      .filter(({ metadata }) => metadata.deletionTimestamp === undefined)
      .map(({ metadata, spec, status }) => ({
        name: metadata.name,
        node: spec.nodeName ?? "",
        restarts: status.containerStatuses?.[0]?.restartCount ?? 0,
        owners: metadata.ownerReferences?.length ?? 0,
        image: spec.containers[0]!.image,
        isReady:
          status.conditions?.some(({ type, status: is }) => type === "Ready" && is === "True") ?? false,
      }))
      .sort((a, b) => (a.node < b.node ? -1 : 1));
  };
  return {
    k,
    pods,
    fails: async (line, input) => {
      const { stdout, stderr, code } = await cluster.run(kubectl, line, input);
      expect(code, `kubectl ${line} must fail\n${stdout}`).not.toBe(0);
      return stderr.trim();
    },
    shows: async (line, pattern) => {
      let last = "";
      await eventually(
        async () => {
          last = differs(await k(line), pattern) ?? "";
          return last === "" ? true : undefined;
        },
        "the output to fit",
        15_000,
      ).catch(() => {
        throw new Error(`kubectl ${line}\n${last}`);
      });
    },
    settled: async (name, namespace = "default") =>
      void (await k(`rollout status ds/${name} -n ${namespace} --timeout=30s`)),
  };
}

export const nodesOf = (rows: readonly PodRow[]): readonly string[] => rows.map(({ node }) => node);

/** A session on a cluster of its own, made before the tests of the surrounding `describe` and stopped after them. */
export type NewSession = (args?: readonly string[]) => Session;

declare module "vitest" {
  export interface ProvidedContext {
    readonly placement: "affinity" | "nodename";
    /** Its name among `kubectls()`. */
    readonly kubectl: string;
  }
}

/** Runs the sessions with the kubectl and the placement of the test project (vitest.e2e.config.ts). */
export function everywhere(sessions: (begin: NewSession) => void): void {
  const placement = inject("placement");
  const kubectl = kubectls().find(({ name }) => name === inject("kubectl"))!;
  sessions((args = []) => {
    let cluster: Cluster | undefined;
    let real: Session | undefined;
    beforeAll(async () => {
      cluster = await Cluster.up({ args: ["--placement", placement, ...args] });
      real = sessionOn(cluster, kubectl);
    });
    afterAll(async () => await cluster?.stop());
    return {
      k: (line, input) => real!.k(line, input),
      fails: (line, input) => real!.fails(line, input),
      shows: (line, pattern) => real!.shows(line, pattern),
      pods: (selector, namespace) => real!.pods(selector, namespace),
      settled: (name, namespace) => real!.settled(name, namespace),
    };
  });
}
