/** Face of `client`: transports, client, informers, workqueue, expectations, events, leader election. */
export { type ClientSettings, createClient } from "./transport/api-client.ts";
export type { AdaptiveRateOptions } from "./transport/adaptive-rate.ts";
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
} from "./transport/client.ts";
export {
  type Controller,
  type ControllerContext,
  createController,
  type QueueController,
  runWhenSynced,
} from "./work/controller.ts";
export type { EventType } from "./work/event-correlator.ts";
export {
  createEventBroadcaster,
  createEventRecorder,
  type EventBroadcasterOptions,
  type EventRecorder,
} from "./work/event-recorder.ts";
export { createExpectations, type Expectations } from "./work/expectations.ts";
export { type Fence, fencedTransport } from "./transport/fenced-transport.ts";
export { httpTransport, type HttpTransportOptions } from "./transport/http-transport.ts";
export type {
  DiscoveredResources,
  Informer,
  InformerFactory,
  InformerHandler,
  Lister,
} from "./informers/informer.ts";
export type { ApiResource } from "./transport/discovery.ts";
export { type Connection, type KubeconfigSource, loadKubeconfig } from "./transport/kubeconfig.ts";
export {
  createLeaderElector,
  type LeaderElector,
  type LeaderElectorOptions,
} from "./work/leader-election.ts";
export { type LoopbackOptions, loopbackTransport } from "./transport/loopback-transport.ts";
export { measuredTransport } from "./transport/measured-transport.ts";
export { inNamespace } from "./informers/namespaced-informers.ts";
export { indexPodsByNode, podsByNode } from "./informers/pod-node-index.ts";
export { type AdaptiveLimitOptions, adaptiveTransport } from "./transport/rate-limited-transport.ts";
export type { FirstList, Selection } from "./informers/reflector.ts";
export { createInformerFactory, type InformerDependencies } from "./informers/shared-informer.ts";
export { type PriorityClass, type ReconcileResult, type Workqueue } from "./work/workqueue.ts";
