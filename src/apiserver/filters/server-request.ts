/**
 * One call on its way through the filters: each writes down what it has found out, the work behind them only reads.
 * Not here: the filters and their order (chain.ts).
 */
import {
  type ApiCall,
  type ApiReply,
  type ApiRequest,
  type CallBody,
  type Credentials,
  type Method,
  type RequestInfo,
  requestInfoOf,
  type UserInfo,
} from "../../machinery/index.ts";
import { withWarnings } from "../registry/replies.ts";

/** Never rejects with anything but what refuses the request. May throw in place of that. */
export type RequestHandler = (request: ServerRequest) => Promise<ApiReply>;

/** Stands for a caller that has not been authenticated yet. It may do nothing. */
const nobody: UserInfo = { username: "", groups: [] };

export class ServerRequest implements ApiRequest {
  readonly info: RequestInfo;
  readonly method: Method;
  readonly path: string;
  readonly query: ApiCall["query"];
  readonly accept: string | undefined;
  readonly contentType: string | undefined;
  readonly userAgent: string | undefined;
  readonly ifNoneMatch: string | undefined;
  readonly upgrade: ApiCall["upgrade"];
  readonly credentials: Credentials;
  readonly readBody: ApiCall["readBody"];
  /** Set by `withAuthentication`, changed by `withImpersonation`. */
  user: UserInfo = nobody;
  /** Set by `withBody` when it is still with the client. */
  body: CallBody | undefined;
  /** Narrowed by `withTimeLimit`. */
  signal: AbortSignal;
  /** As metrics call it. Set by the work when it knows the resource: strangers may send any word. */
  countedAs: { readonly verb: string; readonly resource: string };
  #warnings: string[] | undefined;
  #ends: (() => void)[] | undefined;

  /** @throws StatusError 400 for a path that cannot be read. */
  constructor(call: ApiCall) {
    this.info = requestInfoOf(call);
    this.method = call.method;
    this.path = call.path;
    this.query = call.query;
    this.accept = call.accept;
    this.contentType = call.contentType;
    this.userAgent = call.userAgent;
    this.ifNoneMatch = call.ifNoneMatch;
    this.upgrade = call.upgrade;
    this.credentials = call.credentials;
    this.body = call.body;
    this.signal = call.signal;
    this.countedAs = { verb: call.method.toLowerCase(), resource: "" };
    this.readBody = call.readBody;
  }

  /** Calls back when the reply has been sent or given up, last registered first. */
  atEnd(callback: () => void): void {
    (this.#ends ??= []).push(callback);
  }

  warn(text: string): void {
    (this.#warnings ??= []).push(text);
  }

  /** The same reply with the warnings, and with what is to happen at its end. */
  ending(reply: ApiReply): ApiReply {
    const warned = withWarnings(reply, this.#warnings);
    return this.#ends === undefined ? warned : { ...warned, finished: () => this.#end() };
  }

  #end(): void {
    const ends = this.#ends ?? [];
    this.#ends = [];
    for (const end of ends.reverse()) end();
  }
}
