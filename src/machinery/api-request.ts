/**
 * A call whose caller is known: what the server's filters make of an ApiCall for the work behind them.
 * Not here: the call itself (call.ts), what its path means (request-info.ts).
 */
import type { CallBody, CallHead, UserInfo } from "./call.ts";
import type { RequestInfo } from "./request-info.ts";

export interface ApiRequest extends CallHead {
  readonly info: RequestInfo;
  readonly user: UserInfo;
  readonly body?: CallBody | undefined;
  /** Tells the caller something, whatever comes of the request. */
  warn(text: string): void;
}
