/**
 * The cluster's own certificate authority, the server's certificate and those of clients, kept in `<dataDir>/pki`.
 * Everything is EC P-256. A start with good files reads them and loads nothing else; the library that makes
 * certificates is loaded only when something must be made.
 * Not here: kubeconfig files (kubeconfig.ts), who may do what (handler.ts).
 */
import { createPrivateKey, X509Certificate } from "node:crypto";
import { readFile, mkdir } from "node:fs/promises";
import { isIP } from "node:net";
import { join } from "node:path";
import type { Clock } from "../../base/index.ts";
import { writeFileAtomic } from "./atomic-file.ts";
import type { Issued, IssuePlan } from "./certificate-maker.ts";

/** Days of life of the authority, and of what it signs. */
const caDays = 3650;
const leafDays = 365;
/** A certificate with fewer days left is renewed at the start. */
const renewalDays = 30;
const dayMs = 24 * 3600 * 1000;

const serverNames = [
  "localhost",
  "kubernetes",
  "kubernetes.default",
  "kubernetes.default.svc",
  "kubernetes.default.svc.cluster.local",
];
const serverAddresses = ["127.0.0.1", "::1"];

export interface CertificatesOptions {
  /** Folder of the files, made with mode 0700 when it is missing. */
  readonly dir: string;
  /** Further host names and addresses by which clients reach the server. */
  readonly extraHosts?: readonly string[];
}

/** PEM texts. */
export interface KeyPair {
  readonly cert: string;
  readonly key: string;
}

export interface ClientIdentity {
  /** Common name: the user name. Also the file name, with `:` and `/` made `-`. */
  readonly user: string;
  /** Organizations: the groups. */
  readonly groups: readonly string[];
}

export interface Certificates {
  /** PEM of the authority that clients trust, and that signs clients. */
  readonly caCert: string;
  readonly server: KeyPair;
  /** Member of system:masters. */
  readonly admin: KeyPair;
  /** A client certificate from its files, made or renewed when needed. */
  client(identity: ClientIdentity): Promise<KeyPair>;
}

/** A file that cannot be used: says which one and what to do about it. */
class CertificateError extends Error {
  readonly code = "BAD_CERTIFICATE_FILE";
  readonly file: string;
  readonly hint: string;

  constructor(file: string, problem: string, hint: string) {
    super(`${file} ${problem}; ${hint}`);
    this.name = "CertificateError";
    this.file = file;
    this.hint = hint;
  }
}

/**
 * Reads the files and makes what is missing, too old or for other hosts. Writes are atomic, files have mode 0600.
 * Not promised: that two processes may do this at once in one folder; the data directory's lock sees to that.
 * @throws CertificateError for a damaged file; it is never replaced in silence.
 */
export async function certificates(
  options: CertificatesOptions,
  dependencies: { readonly clock: Clock },
): Promise<Certificates> {
  const folder = new PkiFolder(options.dir, dependencies.clock);
  await mkdir(options.dir, { recursive: true, mode: 0o700 });
  const ca = await folder.authority();
  const hosts = [...new Set([...serverNames, ...serverAddresses, ...(options.extraHosts ?? [])])];
  const client = (identity: ClientIdentity): Promise<KeyPair> => folder.client(ca, identity);
  return {
    caCert: ca.cert,
    server: await folder.server(ca, hosts),
    admin: await folder.client(ca, { user: "kubernetes-admin", groups: ["system:masters"] }, "admin"),
    client,
  };
}

/** What a leaf must be to be kept. */
type LeafCheck = (certificate: X509Certificate) => boolean;

class PkiFolder {
  readonly #dir: string;
  readonly #clock: Clock;

  constructor(dir: string, clock: Clock) {
    this.#dir = dir;
    this.#clock = clock;
  }

  async authority(): Promise<KeyPair> {
    const [certFile, keyFile] = this.#files("ca");
    const cert = await readOrNothing(certFile);
    const key = await readOrNothing(keyFile);
    if (cert === undefined) {
      // The certificate is written last, so a key alone is what an interrupted first start leaves behind.
      if ((await readOrNothing(this.#files("server")[0])) !== undefined) {
        throw new CertificateError(certFile, "is missing", this.#authorityHint());
      }
      return this.#issue("ca", { as: "ca", commonName: "lares-ca" });
    }
    if (key === undefined) throw new CertificateError(keyFile, "is missing", this.#authorityHint());
    const certificate = this.#parse(certFile, cert, this.#authorityHint());
    if (!certificate.ca)
      throw new CertificateError(certFile, "is no certificate authority", this.#authorityHint());
    this.#checkKey({ file: keyFile, key, hint: this.#authorityHint() }, certificate, true);
    if (this.#msLeft(certificate) <= 0)
      throw new CertificateError(certFile, "has expired", this.#authorityHint());
    return { cert, key };
  }

  server(ca: KeyPair, hosts: readonly string[]): Promise<KeyPair> {
    const isForHosts: LeafCheck = (certificate) => {
      const count = certificate.subjectAltName?.split(",").length ?? 0;
      return count === hosts.length && hosts.every((host) => covers(certificate, host));
    };
    return this.#leaf(ca, {
      name: "server",
      isGood: isForHosts,
      plan: { as: "server", commonName: "kube-apiserver", hosts },
    });
  }

  client(ca: KeyPair, identity: ClientIdentity, name: string = fileName(identity.user)): Promise<KeyPair> {
    const { user, groups } = identity;
    const subject = [...groups.map((group) => `O=${group}`), `CN=${user}`].sort().join("\n");
    const isGood: LeafCheck = (certificate) => certificate.subject.split("\n").sort().join("\n") === subject;
    return this.#leaf(ca, { name, isGood, plan: { as: "client", commonName: user, organizations: groups } });
  }

  async #leaf(
    ca: KeyPair,
    { name, isGood, plan }: { readonly name: string; readonly isGood: LeafCheck; readonly plan: IssuePlan },
  ): Promise<KeyPair> {
    const [certFile, keyFile] = this.#files(name);
    const hint = `delete ${certFile} and ${keyFile} and start again: they are then made anew`;
    const cert = await readOrNothing(certFile);
    const key = await readOrNothing(keyFile);
    if (cert !== undefined && key !== undefined) {
      const certificate = this.#parse(certFile, cert, hint);
      const isPair = this.#checkKey({ file: keyFile, key, hint }, certificate, false);
      const isOurs = certificate.verify(new X509Certificate(ca.cert).publicKey);
      const isFresh = this.#msLeft(certificate) > renewalDays * dayMs;
      if (isPair && isOurs && isFresh && isGood(certificate)) return { cert, key };
    }
    return this.#issue(name, plan, ca);
  }

  /** The key goes first: a crash in between leaves a pair that does not fit, which the next start makes anew. */
  async #issue(name: string, plan: IssuePlan, ca?: KeyPair): Promise<KeyPair> {
    const { issue } = await import("./certificate-maker.ts");
    const nowMs = this.#clock.nowMs();
    const issued: Issued = await issue(plan, {
      nowMs,
      untilMs: nowMs + (plan.as === "ca" ? caDays : leafDays) * dayMs,
      ...(ca === undefined ? {} : { ca }),
    });
    const [certFile, keyFile] = this.#files(name);
    await writeFileAtomic(keyFile, issued.key);
    await writeFileAtomic(certFile, issued.cert);
    return issued;
  }

  #parse(file: string, pem: string, hint: string): X509Certificate {
    try {
      return new X509Certificate(pem);
    } catch {
      throw new CertificateError(file, "is damaged: it holds no certificate", hint);
    }
  }

  /** @returns whether the key belongs to the certificate; for the authority it must. */
  #checkKey(
    { file, key, hint }: { readonly file: string; readonly key: string; readonly hint: string },
    certificate: X509Certificate,
    mustMatch: boolean,
  ): boolean {
    let isPair: boolean;
    try {
      isPair = certificate.checkPrivateKey(createPrivateKey(key));
    } catch {
      throw new CertificateError(file, "is damaged: it holds no private key", hint);
    }
    if (!isPair && mustMatch)
      throw new CertificateError(file, "does not belong to the certificate beside it", hint);
    return isPair;
  }

  #msLeft(certificate: X509Certificate): number {
    return Date.parse(certificate.validTo) - this.#clock.nowMs();
  }

  #files(name: string): readonly [certFile: string, keyFile: string] {
    return [join(this.#dir, `${name}.crt`), join(this.#dir, `${name}.key`)];
  }

  #authorityHint(): string {
    return `put it back from a backup, or delete ${this.#dir} to get a new authority (every kubeconfig and agent then needs the new one)`;
  }
}

function covers(certificate: X509Certificate, host: string): boolean {
  return isIP(host) !== 0
    ? certificate.checkIP(host) !== undefined
    : certificate.checkHost(host, { wildcards: false }) !== undefined;
}

function fileName(user: string): string {
  return user.replace(/[^A-Za-z0-9._-]/g, "-");
}

async function readOrNothing(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}
