/** Face of `client`: transports, client, informers, workqueue, expectations, events, leader election. */
export { type ClientSettings, createClient } from "./api-client.ts";
export type { AdaptiveRateOptions } from "./adaptive-rate.ts";
export type {
  Client,
  ClientWatchSink,
  DeleteOptions,
  ListOptions,
  ObjectAddress,
  PatchType,
  Transport,
  TransportCall,
  TransportReply,
  WatchEvent,
  WatchOptions,
  WriteOptions,
} from "./client.ts";
export type { EventType } from "./event-correlator.ts";
export {
  createEventBroadcaster,
  createEventRecorder,
  type EventBroadcasterOptions,
  type EventRecorder,
} from "./event-recorder.ts";
export { createExpectations, type Expectations, expectationsTimeoutMs } from "./expectations.ts";
export { Fifo } from "./fifo.ts";
export { type Fence, fencedTransport } from "./fenced-transport.ts";
export { httpTransport, type HttpTransportOptions } from "./http-transport.ts";
export type { Informer, InformerFactory, InformerHandler, Lister } from "./informer.ts";
export { type Connection, type KubeconfigSource, loadKubeconfig } from "./kubeconfig.ts";
export { createLeaderElector, type LeaderElector, type LeaderElectorOptions } from "./leader-election.ts";
export { type LoopbackOptions, loopbackTransport } from "./loopback-transport.ts";
export { measuredTransport } from "./measured-transport.ts";
export { inNamespace } from "./namespaced-informers.ts";
export { createWorkqueue, type WorkqueueOptions } from "./rate-limited-queue.ts";
export { indexPodsByNode, podsByNode } from "./pod-node-index.ts";
export { type AdaptiveLimitOptions, adaptiveTransport } from "./rate-limited-transport.ts";
export type { FirstList, Selection } from "./reflector.ts";
export { createInformer, createInformerFactory, type InformerDependencies } from "./shared-informer.ts";
export { type PriorityClass, type ReconcileResult, type Workqueue } from "./workqueue.ts";
