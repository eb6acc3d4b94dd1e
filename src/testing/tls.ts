/**
 * Certificates in memory for tests over real TLS on the loopback interface.
 * Not here: files (apiserver/certificates/certificates.ts).
 */
import { issue, type Issued } from "../apiserver/certificates/certificate-maker.ts";

export interface TestTls {
  readonly ca: Issued;
  readonly server: Issued;
  client(user: string, groups?: readonly string[]): Promise<Issued>;
}

/** A new authority and a server certificate for 127.0.0.1 and localhost, valid from now. */
export async function testTls(): Promise<TestTls> {
  const nowMs = Date.now();
  const untilMs = nowMs + 24 * 3600 * 1000;
  const ca = await issue({ as: "ca", commonName: "test-ca" }, { nowMs, untilMs });
  const server = await issue(
    { as: "server", commonName: "server", hosts: ["localhost", "127.0.0.1", "::1"] },
    { nowMs, untilMs, ca },
  );
  const client = (user: string, groups: readonly string[] = []): Promise<Issued> =>
    issue({ as: "client", commonName: user, organizations: groups }, { nowMs, untilMs, ca });
  return { ca, server, client };
}
