/**
 * The sessions of the books on DaemonSets, word for word, with the unmodified kubectl in each version that the machine has.
 * `~` in an expectation stands for text that differs from run to run. Each session begins with an empty cluster of its own.
 * Not here: refused objects (refusals.test.ts).
 */
import { describe, expect, test } from "vitest";
import { eventually } from "./cluster.ts";
import { everywhere, nodesOf } from "./session.ts";

/** Pods of a deleted node go after 40 s. */
const podOfGoneNodeMs = 60_000;

everywhere((begin) => {
  describe("1: one pod for each worker, without saying how many", () => {
    const s = begin();
    test("session", async () => {
      await s.shows(
        "get nodes",
        `NAME STATUS ROLES AGE VERSION
           kube-master Ready control-plane ~ v1.35.0+lares
           kube-worker1 Ready <none> ~ v1.35.0+lares
           kube-worker2 Ready <none> ~ v1.35.0+lares`,
      );
      expect(
        (await s.k("get nodes -o wide"))
          .split("\n")[0]!
          .trim()
          .split(/\s{2,}/),
      ).toEqual([
        "NAME",
        "STATUS",
        "ROLES",
        "AGE",
        "VERSION",
        "INTERNAL-IP",
        "EXTERNAL-IP",
        "OS-IMAGE",
        "KERNEL-VERSION",
        "CONTAINER-RUNTIME",
      ]);
      const labels = await s.k("get nodes --show-labels");
      for (const label of [
        "kubernetes.io/hostname=kube-worker1",
        "kubernetes.io/os=linux",
        "kubernetes.io/arch=amd64",
        "beta.kubernetes.io/os=linux",
        "node-role.kubernetes.io/control-plane=",
      ]) {
        expect(labels).toContain(label);
      }
      expect(await s.k("apply -f ds-httpd.yaml")).toBe("daemonset.apps/ds-httpd created\n");
      await s.shows(
        "get ds -o wide",
        `NAME DESIRED CURRENT READY UP-TO-DATE AVAILABLE NODE SELECTOR AGE CONTAINERS IMAGES SELECTOR
           ds-httpd 2 2 2 2 2 <none> ~ cntr-httpd httpd:latest app=httpd_webserver`,
      );
      await s.shows(
        "get pods -o wide --sort-by=.spec.nodeName",
        `NAME READY STATUS RESTARTS AGE IP NODE NOMINATED NODE READINESS GATES
           ds-httpd-~ 1/1 Running 0 ~ ~ kube-worker1 <none> <none>
           ds-httpd-~ 1/1 Running 0 ~ ~ kube-worker2 <none> <none>`,
      );
      const [first] = await s.pods("app=httpd_webserver");
      expect(await s.k(`delete pod ${first!.name}`)).toMatch(
        /^pod "ds-httpd-\w+" deleted( from default namespace)?\n$/,
      );
      await s.settled("ds-httpd");
      const after = await eventually(async () => {
        const rows = await s.pods("app=httpd_webserver");
        return rows.length === 2 ? rows : undefined;
      });
      expect(nodesOf(after)).toEqual(["kube-worker1", "kube-worker2"]);
      expect(after.map(({ name }) => name)).not.toContain(first!.name);
      expect(await s.fails("scale ds ds-httpd --replicas=3")).toMatch(
        /the server could not find the requested resource/,
      );
      expect(await s.k("apply -f ds-httpd.yaml")).toBe("daemonset.apps/ds-httpd unchanged\n");
      expect(await s.fails("create -f ds-httpd.yaml")).toBe(
        'Error from server (AlreadyExists): error when creating "ds-httpd.yaml": daemonsets.apps "ds-httpd" already exists',
      );
    });
  });

  describe("2: the log collector, described; nodes come and go", () => {
    const s = begin();
    test("session", async () => {
      await s.k("apply -f fluentd.yaml");
      await s.settled("fluentd");
      const text = await eventually(async () => {
        const shown = await s.k("describe daemonset fluentd");
        return (shown.match(/SuccessfulCreate/g)?.length ?? 0) >= 2 ? shown : undefined;
      });
      const inOrder = [
        /^Name:\s+fluentd$/m,
        /^Selector:\s+app=fluentd$/m,
        /^Node-Selector:\s+<none>$/m,
        /^Labels:\s+app=fluentd$/m,
        /^Annotations:\s+deprecated\.daemonset\.template\.generation: 1$/m,
        /^Desired Number of Nodes Scheduled: 2$/m,
        /^Current Number of Nodes Scheduled: 2$/m,
        /^Number of Nodes Scheduled with Up-to-date Pods: 2$/m,
        /^Number of Nodes Scheduled with Available Pods: 2$/m,
        /^Number of Nodes Misscheduled: 0$/m,
        /^Pods Status:\s+2 Running \/ 0 Waiting \/ 0 Succeeded \/ 0 Failed$/m,
        /^Pod Template:$/m,
        /Image:\s+fluent\/fluentd:v0\.14\.10$/m,
        /Limits:\n\s+memory:\s+200Mi$/m,
        /Requests:\n\s+cpu:\s+100m\n\s+memory:\s+200Mi$/m,
        /\/var\/lib\/docker\/containers from varlibdockercontainers \(ro\)$/m,
        /\/var\/log from varlog \(rw\)$/m,
        /Volumes:/m,
        /HostPath \(bare host directory volume\)/m,
        /^Events:$/m,
        /Normal\s+SuccessfulCreate\s+\S+(?: \([^)]*\))?\s+daemonset-controller\s+Created pod: fluentd-\w{5}$/m,
      ];
      let at = 0;
      for (const part of inOrder) {
        const found = part.exec(text.slice(at));
        expect(found, `${String(part)} in order in\n${text}`).not.toBeNull();
        at += found!.index;
      }
      const before = await s.pods("app=fluentd");
      expect(nodesOf(before)).toEqual(["kube-worker1", "kube-worker2"]);
      expect(await s.k("create -f node-kube-worker3.yaml")).toBe("node/kube-worker3 created\n");
      const three = await eventually(async () => {
        const rows = await s.pods("app=fluentd");
        return rows.length === 3 && rows.every(({ isReady }) => isReady) ? rows : undefined;
      });
      expect(three.slice(0, 2)).toEqual(before);
      expect(three[2]!.node).toBe("kube-worker3");
      expect(await s.k("delete node kube-worker2")).toBe('node "kube-worker2" deleted\n');
      await s.shows(
        "get ds fluentd",
        `NAME DESIRED CURRENT READY UP-TO-DATE AVAILABLE NODE SELECTOR AGE\n fluentd 2 2 2 2 2 <none> ~`,
      );
      await eventually(
        async () => ((await s.k("get pods -o name")).trim().split("\n").length === 2 ? true : undefined),
        "the pod to go",
        podOfGoneNodeMs,
      );
      expect(nodesOf(await s.pods("app=fluentd"))).toEqual(["kube-worker1", "kube-worker3"]);
      expect(await s.k("get nodes -o name")).toBe("node/kube-master\nnode/kube-worker1\nnode/kube-worker3\n");
      const [pod] = await s.pods("app=fluentd");
      expect(await s.k(`logs ${pod!.name}`)).toContain("fluent/fluentd:v0.14.10 started");
      expect(await s.k("logs ds/fluentd --tail=1")).not.toBe("");
    });
  });

  describe("3: only the nodes with a label", () => {
    const s = begin();
    test("session", async () => {
      expect(await s.k("label nodes kube-worker1 ssd=true")).toBe("node/kube-worker1 labeled\n");
      await s.shows(
        "get nodes --selector ssd=true",
        `NAME STATUS ROLES AGE VERSION\n kube-worker1 Ready <none> ~ ~`,
      );
      await s.k("apply -f nginx-fast-storage.yaml");
      await s.shows(
        "get ds nginx-fast-storage",
        `NAME DESIRED CURRENT READY UP-TO-DATE AVAILABLE NODE SELECTOR AGE\n nginx-fast-storage 1 1 1 1 1 ssd=true ~`,
      );
      const [first] = await s.pods("app=nginx");
      await s.k("label nodes kube-worker2 ssd=true");
      const two = await eventually(async () => {
        const rows = await s.pods("app=nginx");
        return rows.length === 2 && rows.every(({ isReady }) => isReady) ? rows : undefined;
      });
      expect(two[0]).toEqual(first);
      expect(await s.k("label nodes kube-worker1 ssd-")).toBe("node/kube-worker1 unlabeled\n");
      const left = await eventually(async () => {
        const rows = await s.pods("app=nginx");
        return rows.length === 1 ? rows : undefined;
      });
      expect(left).toEqual([two[1]]);
      await s.k("label nodes kube-worker2 ec2InstanceType=M3");
      expect(await s.k("get nodes --show-labels")).toContain("ec2InstanceType=M3");
    });
  });

  describe("4: control-plane nodes, tolerations, a moving selector", () => {
    const s = begin(["--control-planes", "0", "--workers", "0"]);
    test("session", async () => {
      await s.k("create -f six-nodes.yaml");
      await s.k("apply -f fluentd-elasticsearch.yaml");
      await s.shows(
        "get ds -n=kube-system",
        `NAME DESIRED CURRENT READY UP-TO-DATE AVAILABLE NODE SELECTOR AGE\n fluentd-elasticsearch 3 3 3 3 3 <none> ~`,
      );
      expect(
        (await s.k("describe nodes k8s-master-01")).split("\n").find((line) => line.startsWith("Taints")),
      ).toBe("Taints:             node-role.kubernetes.io/master:NoSchedule");
      const manifest = JSON.parse(
        await s.k("create -f fluentd-elasticsearch.yaml --dry-run=client -o json"),
      ) as {
        spec: { template: { spec: { tolerations?: object; nodeSelector?: object } } };
      };
      manifest.spec.template.spec.tolerations = [
        { key: "node-role.kubernetes.io/master", effect: "NoSchedule" },
      ];
      const most = watchTerminating(() => s.k("get pods -n kube-system --no-headers"));
      expect(await s.k("apply -f -", JSON.stringify(manifest))).toBe(
        "daemonset.apps/fluentd-elasticsearch configured\n",
      );
      await s.settled("fluentd-elasticsearch", "kube-system");
      expect(await most()).toBeLessThanOrEqual(1);
      await s.shows(
        "get ds -n kube-system",
        `NAME DESIRED CURRENT READY UP-TO-DATE AVAILABLE NODE SELECTOR AGE\n fluentd-elasticsearch 6 6 6 6 6 <none> ~`,
      );
      manifest.spec.template.spec.nodeSelector = { logger: "fluentd" };
      await s.k("label node k8s-worker-01 k8s-worker-02 logger=fluentd");
      await s.k("apply -f -", JSON.stringify(manifest));
      await s.shows(
        "get ds -n kube-system",
        `NAME DESIRED CURRENT READY UP-TO-DATE AVAILABLE NODE SELECTOR AGE\n fluentd-elasticsearch 2 2 2 2 2 logger=fluentd ~`,
      );
      const rows = await eventually(async () => {
        const all = await s.pods("name=fluentd-elasticsearch", "kube-system");
        return all.length === 2 ? all : undefined;
      });
      expect(nodesOf(rows)).toEqual(["k8s-worker-01", "k8s-worker-02"]);
    });
  });

  describe("5: everything, everywhere", () => {
    const s = begin();
    test("session", async () => {
      await s.k("get all -A -o wide");
      await s.k("apply -f nginx.yaml");
      await s.settled("nginx");
      expect(nodesOf(await s.pods("app=nginx"))).toEqual(["kube-worker1", "kube-worker2"]);
      const all = await s.k("get all -A -o wide");
      expect(all).toMatch(/pod\/nginx-\w{5}/);
      expect(all).toContain("daemonset.apps/nginx");
      const node = await s.k("describe node kube-master");
      expect(node).toMatch(/^Taints:\s+node-role\.kubernetes\.io\/control-plane:NoSchedule$/m);
      for (const part of [
        "Conditions:",
        "Addresses:",
        "Capacity:",
        "Allocatable:",
        "System Info:",
        "Non-terminated Pods:",
        "Allocated resources:",
        "Events:",
        "Lease:",
      ]) {
        expect(node).toContain(part);
      }
      expect(node).toMatch(/HolderIdentity:\s+kube-master/);
      expect(await s.k("delete -f nginx.yaml")).toMatch(
        /^daemonset.apps "nginx" deleted( from default namespace)?\n$/,
      );
      await eventually(
        async () => ((await s.k("get pods -o name")) === "" ? true : undefined),
        "the pods to go",
      );
      await s.k("apply -f nginx-with-toleration.yaml");
      await s.settled("nginx");
      expect(nodesOf(await s.pods("app=nginx"))).toEqual(["kube-master", "kube-worker1", "kube-worker2"]);
    });
  });

  describe("6: from a definition file, and how it goes", () => {
    const s = begin();
    test("session", async () => {
      expect(await s.k("create -f monitoring-daemon.yaml")).toBe(
        "daemonset.apps/monitoring-daemon created\n",
      );
      await s.shows(
        "get daemonsets",
        `NAME DESIRED CURRENT READY UP-TO-DATE AVAILABLE NODE SELECTOR AGE\n monitoring-daemon 2 2 2 2 2 <none> ~`,
      );
      expect(await s.k("describe daemonsets monitoring-daemon")).toContain(
        "Pods Status:  2 Running / 0 Waiting / 0 Succeeded / 0 Failed",
      );
      expect(await s.k("delete ds monitoring-daemon")).toMatch(/^daemonset.apps "monitoring-daemon" deleted/);
      await eventually(
        async () => ((await s.k("get pods -o name")) === "" ? true : undefined),
        "the pods to go",
      );
      await s.k("create -f monitoring-daemon.yaml");
      await s.settled("monitoring-daemon");
      await s.k("delete ds monitoring-daemon --cascade=foreground");
      expect(await s.k("get pods -o name")).toBe("");
      for (const cascade of ["--cascade=orphan", "--cascade=false"]) {
        await s.k("apply -f fluentd.yaml");
        await s.settled("fluentd");
        const before = await s.pods("app=fluentd");
        expect(before.map(({ owners }) => owners)).toEqual([1, 1]);
        await s.k(`delete ds fluentd ${cascade}`);
        const orphans = await eventually(async () => {
          const rows = await s.pods("app=fluentd");
          return rows.every(({ owners }) => owners === 0) ? rows : undefined;
        });
        expect(orphans).toEqual(before.map((row) => ({ ...row, owners: 0 })));
        await s.k("apply -f fluentd.yaml");
        await s.settled("fluentd");
        const adopted = await eventually(async () => {
          const rows = await s.pods("app=fluentd");
          return rows.every(({ owners }) => owners === 1) ? rows : undefined;
        });
        expect(adopted).toEqual(before);
      }
      const wrong = '{"apiVersion":"apps/v1","kind":"DaemonSets","metadata":{"name":"x"}}';
      expect(await s.fails("create -f -", wrong)).toContain(
        'no matches for kind "DaemonSets" in version "apps/v1"',
      );
    });
  });

  describe("a node is drained and comes back", () => {
    const s = begin();
    test("session", async () => {
      await s.k("apply -f nginx.yaml");
      await s.settled("nginx");
      const alone = {
        apiVersion: "v1",
        kind: "Pod",
        metadata: { name: "alone" },
        spec: { nodeName: "kube-worker1", containers: [{ name: "c", image: "busybox:1" }] },
      };
      await s.k("create -f -", JSON.stringify(alone));
      const before = await s.pods("app=nginx");
      const text = await s.k("drain kube-worker1 --ignore-daemonsets --force --timeout=40s");
      expect(text).toContain("pod/alone evicted");
      expect(text).toContain("node/kube-worker1 drained");
      await s.shows(
        "get node kube-worker1",
        `NAME STATUS ROLES AGE VERSION\n kube-worker1 Ready,SchedulingDisabled <none> ~ ~`,
      );
      expect(await s.pods("app=nginx")).toEqual(before);
      expect(await s.k("uncordon kube-worker1")).toBe("node/kube-worker1 uncordoned\n");
    });
  });

  describe("7: a new version, slowly", () => {
    const s = begin();
    test("session", async () => {
      await s.k("apply -f fluentd.yaml");
      await s.settled("fluentd");
      await s.k("set image ds/fluentd fluentd=fluent/fluentd:v1.16");
      const status = (await s.k("rollout status ds/fluentd --timeout=60s")).trim().split("\n");
      const waiting =
        /^Waiting for daemon set (spec update to be observed\.\.\.|"fluentd" rollout to finish: [0-2] (out of 2 new pods have been updated|of 2 updated pods are available)\.\.\.)$/;
      for (const line of status.slice(0, -1)) expect(line).toMatch(waiting);
      expect(status.length).toBeGreaterThan(2);
      expect(status.at(-1)).toBe('daemon set "fluentd" successfully rolled out');
      expect((await s.pods("app=fluentd")).map(({ image }) => image)).toEqual([
        "fluent/fluentd:v1.16",
        "fluent/fluentd:v1.16",
      ]);
      await s.shows(
        "rollout history ds/fluentd",
        `daemonset.apps/fluentd\n REVISION CHANGE-CAUSE\n 1 <none>\n 2 <none>`,
      );
      expect(await s.k("rollout history ds/fluentd --revision=1")).toContain("fluent/fluentd:v0.14.10");
      expect(await s.k("rollout undo ds/fluentd")).toBe("daemonset.apps/fluentd rolled back\n");
      await s.settled("fluentd");
      await s.shows(
        "rollout history ds/fluentd",
        `daemonset.apps/fluentd\n REVISION CHANGE-CAUSE\n 2 <none>\n 3 <none>`,
      );
      expect((await s.pods("app=fluentd")).map(({ image }) => image)).toEqual([
        "fluent/fluentd:v0.14.10",
        "fluent/fluentd:v0.14.10",
      ]);
      expect(await s.k("rollout undo ds/fluentd --to-revision=3")).toMatch(
        // Up to 1.33 kubectl compares with a template that shows `creationTimestamp: null`, which a 1.35 server does not store.
        /^daemonset\.apps\/fluentd (skipped rollback \(current template already matches revision 3\)|rolled back)\n$/,
      );
      await s.shows(
        "rollout history ds/fluentd",
        `daemonset.apps/fluentd\n REVISION CHANGE-CAUSE\n 2 <none>\n 3 <none>`,
      );
      const before = await s.pods("app=fluentd");
      expect(await s.k("rollout restart ds/fluentd")).toBe("daemonset.apps/fluentd restarted\n");
      await s.settled("fluentd");
      const restarted = await s.pods("app=fluentd");
      for (const { name } of before) expect(restarted.map((row) => row.name)).not.toContain(name);
      expect(
        await s.k(
          `patch ds fluentd -p '{"spec":{"minReadySeconds":5,"updateStrategy":{"rollingUpdate":{"maxUnavailable":"50%"}}}}'`,
        ),
      ).toBe("daemonset.apps/fluentd patched\n");
      // With minReadySeconds pods are available only 5 s after they became ready. Until then all may be deleted at once.
      await s.settled("fluentd");
      await s.k("set image ds/fluentd fluentd=registry.invalid/fluentd:9");
      const stuck = await eventually(async () => {
        const shown = await s.k("get pods -l app=fluentd");
        return /ErrImagePull|ImagePullBackOff/.test(shown) ? shown : undefined;
      });
      expect(stuck.match(/Running/g)?.length).toBe(1);
      await s.k("rollout undo ds/fluentd");
      await s.settled("fluentd");
      const kept = await s.pods("app=fluentd");
      expect(kept.filter(({ name }) => restarted.some((row) => row.name === name)).length).toBe(1);
      await s.k(`patch ds fluentd -p '{"spec":{"updateStrategy":{"type":"OnDelete","rollingUpdate":null}}}'`);
      await s.k("set image ds/fluentd fluentd=fluent/fluentd:v2");
      await s.shows(
        "get ds fluentd",
        `NAME DESIRED CURRENT READY UP-TO-DATE AVAILABLE NODE SELECTOR AGE\n fluentd 2 2 2 0 2 <none> ~`,
      );
      expect(await s.pods("app=fluentd")).toEqual(kept);
      expect(await s.fails("rollout status ds/fluentd")).toContain(
        "rollout status is only available for RollingUpdate strategy type",
      );
      await s.k(`delete pod ${kept[0]!.name}`);
      const after = await eventually(async () => {
        const rows = await s.pods("app=fluentd");
        return rows.length === 2 ? rows : undefined;
      });
      expect(after.map(({ image }) => image).sort()).toEqual([
        "fluent/fluentd:v0.14.10",
        "fluent/fluentd:v2",
      ]);
    });
  });
});

/** Polls for the most pods shown as Terminating at once. @returns a function that stops and gives the number. */
function watchTerminating(list: () => Promise<string>): () => Promise<number> {
  let most = 0;
  let isOver = false;
  const loop = (async () => {
    while (!isOver) {
      const shown = await list();
      most = Math.max(most, shown.match(/Terminating/g)?.length ?? 0);
    }
  })();
  return async () => {
    isOver = true;
    await loop;
    return most;
  };
}
