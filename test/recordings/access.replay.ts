/** The recording of access against our server. Over HTTPS alone: tokens and certificates come by connections. */
import { suite } from "./suite.ts";

suite("access", { over: "HTTPS", planesMax: 8, decides: true });
