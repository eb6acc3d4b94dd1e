/** `pods/NAME/log`: what whoever reads logs on a node is told of the pod. */
import { expect, test } from "vitest";
import { makePod } from "../../../testing/cluster-objects.ts";
import { TestApiServer } from "../../../testing/test-api-server.ts";
import type { NodeLogs } from "./log.ts";

const path = "/api/v1/namespaces/default/pods";
const body = makePod("p", { uid: "", spec: { nodeName: "n" } });

async function* noLines(): AsyncGenerator<Uint8Array> {}

test("who follows a log learns what became of the pod, and is not shown another one of its name", async () => {
  const requests: Parameters<NodeLogs>[0][] = [];
  const nodeLogs: NodeLogs = (request) => {
    requests.push(request);
    return Promise.resolve(noLines());
  };
  const api = await TestApiServer.start({ nodeLogs });
  try {
    await api.ok("POST", path, { body });
    const containerStatuses = [
      { name: "main", image: "main:1", imageID: "", ready: true, restartCount: 0, state: { running: {} } },
    ];
    const contentType = "application/merge-patch+json";
    const change = (status: object): Promise<unknown> =>
      api.ok("PATCH", `${path}/p/status`, { contentType, body: { status } });
    await change({ containerStatuses });
    expect((await api.call("GET", `${path}/p/log?follow=true`)).status).toBe(200);
    const { pod, podNow, query } = requests[0]!;
    expect(query).toMatchObject({ container: "main", follow: true });
    expect((await podNow())?.metadata.uid).toBe(pod.metadata.uid);
    await change({ phase: "Running" });
    expect((await podNow())?.status?.phase).toBe("Running");
    await api.ok("DELETE", `${path}/p?gracePeriodSeconds=0`);
    expect(await podNow()).toBeUndefined();
    await api.ok("POST", path, { body });
    expect(await podNow()).toBeUndefined();
  } finally {
    await api.stop();
  }
});
