/** The recording of objects against our server, over both transports. Not here: how it is played (suite.ts). */
import { suite } from "./suite.ts";

suite("objects", { over: "HTTPS", planesMax: 4, decides: true });
suite("objects", { over: "loopback", planesMax: 4, decides: false });
