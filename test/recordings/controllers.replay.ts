/** The recording of the controllers against ours. Over loopback alone: it is about what they do, not how it is asked for. */
import { suite } from "./suite.ts";

suite("controllers", { over: "loopback", planesMax: 16, decides: true });
