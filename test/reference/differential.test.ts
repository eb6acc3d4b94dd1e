/**
 * Our DaemonSet controller against the reference, upstream's algorithm: the same scripts, each in a cluster of its own, must
 * lead to the same pods on the same nodes, the same history and the same status.
 * One seed alone: DIFFERENTIAL_SEED=17 npx vitest run test/reference
 */
import { expect, test } from "vitest";
import { controllerrevisions } from "../../src/api/index.ts";
import type { ObjectAddress } from "../../src/client/index.ts";
import type { Resource } from "../../src/machinery/index.ts";
import type { ControllerSeams } from "../../src/testing/simulated-controller.ts";
import { ReferenceController } from "./controller.ts";
import { type Script, scriptOf, Stage } from "./script.ts";

const asReference: ControllerSeams = { make: (dependencies) => new ReferenceController(dependencies) };
/**
 * Scripts that run into a difference on purpose. 7: a pod that was never bound stands for a node that is gone, and stops upstream's
 * roll-out (docs/spec/daemonset-controller.md#23.31). 34: a node comes back while its pod is still there, and upstream's
 * status learns of neither (differences.test.ts has the same with a taint).
 */
const different: readonly number[] = [7, 34];
const seeds =
  process.env["DIFFERENTIAL_SEED"]?.split(",").map(Number) ??
  Array.from({ length: 60 + different.length }, (_, i) => i + 1).filter((seed) => !different.includes(seed));

/** Pictures of the cluster, one per time that it was at rest. */
async function play(script: Script, seams: ControllerSeams): Promise<readonly object[]> {
  const pictures: object[] = [];
  const stage = await Stage.open(script, seams);
  try {
    for (const { step, pauseMs } of script.steps) {
      await stage.act(step);
      if (!script.isAtRest) await stage.cluster.advance(pauseMs);
      else {
        await stage.rest();
        pictures.push({ after: step, ...(await stage.picture()), story: stage.story.chapter() });
      }
    }
    await stage.rest();
    pictures.push({ ...(await stage.picture()), story: stage.story.chapter() });
  } finally {
    await stage.close();
  }
  return pictures;
}

test.each(seeds)("seed %i: ours and the reference come to the same end", async (seed) => {
  const script = scriptOf(seed);
  const reference = await play(script, asReference);
  expect(await play(script, {}), JSON.stringify(script)).toEqual(reference);
});

test("a controller that forgets to renumber a revision at a rollback is told apart", async () => {
  const forgetful: ControllerSeams = {
    client: (client) =>
      new Proxy(client, {
        get(target, name) {
          const member: unknown = Reflect.get(target, name);
          if (typeof member !== "function") return member;
          const call = member.bind(target) as (...args: unknown[]) => unknown;
          if (name !== "update" && name !== "patch") return call;
          return (resource: Resource, ...args: unknown[]) =>
            resource !== controllerrevisions
              ? call(resource, ...args)
              : name === "update"
                ? Promise.resolve(args[0])
                : target.get(resource, args[0] as ObjectAddress);
        },
      }),
  };
  const steps = [
    { step: { do: "image", set: "everywhere", version: 1, isBroken: false }, pauseMs: 0 },
    { step: { do: "undo", set: "everywhere" }, pauseMs: 0 },
  ] as const;
  const script = { ...scriptOf(2), nodes: 3, isAtRest: true, steps };
  const reference = await play(script, asReference);
  expect(await play(script, {})).toEqual(reference);
  expect(await play(script, forgetful)).not.toEqual(reference);
});
