/**
 * The bounds of the HTTP shell: what one client may send, and how many may connect.
 * Not here: requests in flight and open watches (filters/flow-control.ts), time limits (filters/time-limit.ts), bounds on
 * objects (api/), on watch buffers (http/watch.ts).
 */
/** Bytes of a request body. As upstream; larger ones answer 413. */
export const bodyBytesMax: number = 3 * 1024 * 1024;
/** Bytes of one request's headers. Go clients send under 2 kB; tokens may be long. */
export const headerBytesMax: number = 16 * 1024;
/** Header lines of one request. */
export const headersMax: number = 100;
/** Streams at once on one HTTP/2 connection. As upstream since CVE-2023-44487; Go opens a second connection beyond it. */
export const streamsPerSessionMax: number = 100;
/** Milliseconds until a request's body must be there, so that a client which sends a byte a minute does not hold memory for long. */
export const bodyTimeoutMs: number = 30_000;
/** Connections at once. Each agent holds one, and 10,000 machines are promised. */
export const connectionsMax: number = 25_000;
