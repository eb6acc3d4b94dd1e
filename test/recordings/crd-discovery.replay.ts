/** The recording of crd-discovery against our server, over both transports. Not here: how it is played (suite.ts). */
import { suite } from "./suite.ts";

suite("crd-discovery", { over: "HTTPS", planesMax: 8, decides: true });
suite("crd-discovery", { over: "loopback", planesMax: 8, decides: false });
