/** The recording of patch-apply against our server, over both transports. Not here: how it is played (suite.ts). */
import { suite } from "./suite.ts";

suite("patch-apply", { over: "HTTPS", planesMax: 4, decides: true });
suite("patch-apply", { over: "loopback", planesMax: 4, decides: false });
