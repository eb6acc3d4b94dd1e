/** The table of the group events.k8s.io: one line for each kind, with the constant of its resource. */
export { eventsV1Kind, eventsV1 } from "./event.ts";
