/**
 * A transport that breaks its contract: it changes the objects that a process reads, or the calls that it makes. For
 * planting bugs. Not here: faults that the contract allows (faulty-transport.ts).
 */
import type { Transport, TransportCall, TransportReply } from "../client/index.ts";
import { type KubeList, type KubeObject, requestInfoOf } from "../machinery/index.ts";

export interface Tampering {
  /** Changes an object in lists, watches and single reads; undefined hides it. `resource` is the plural. */
  readonly see?: (resource: string, object: KubeObject) => KubeObject | undefined;
  /** Replaces a call. When it returns a reply, nothing is sent. */
  readonly send?: (call: TransportCall, resource: string) => TransportCall | TransportReply;
}

export function tamperedTransport(inner: Transport, { see, send }: Tampering): Transport {
  return {
    send: async (call) => {
      const { resource } = requestInfoOf(call);
      const sent = send?.(call, resource) ?? call;
      if ("status" in sent) return sent;
      const reply = await inner.send(sent);
      return call.method === "GET" && see !== undefined && reply.status < 300
        ? shown(reply, resource, see)
        : reply;
    },
    watch: (call, sink) => {
      if (see === undefined) return inner.watch(call, sink);
      const { resource } = requestInfoOf(call);
      return inner.watch(call, {
        events: (batch) =>
          sink.events(
            batch.map((event) => {
              if (event.type === "BOOKMARK" || event.type === "ERROR") return event;
              const object = see(resource, event.object);
              // A hidden object is deleted for the process, which ignores deletions of objects that it never saw.
              return object === undefined ? { type: "DELETED", object: event.object } : { ...event, object };
            }),
          ),
        end: (error) => sink.end(error),
      });
    },
    stream: (call) => inner.stream(call),
    close: () => inner.close(),
  };
}

function shown(reply: TransportReply, resource: string, see: NonNullable<Tampering["see"]>): TransportReply {
  const list = reply.object as KubeList;
  if (Array.isArray(list.items)) {
    const items = list.items.flatMap((item) => see(resource, item) ?? []);
    return { ...reply, object: { ...list, items } };
  }
  const object = see(resource, reply.object as KubeObject);
  return object === undefined ? gone : { ...reply, object };
}

const gone: TransportReply = {
  status: 404,
  object: {
    kind: "Status",
    apiVersion: "v1",
    metadata: {},
    status: "Failure",
    reason: "NotFound",
    code: 404,
  },
  warnings: [],
};
