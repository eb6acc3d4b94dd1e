/**
 * Makes keys and certificates that Go's and OpenSSL's TLS accept. The only place that loads the X.509 library; itself
 * loaded by `import()` when something must be made.
 * Not here: files, renewal (certificates.ts).
 */
import "reflect-metadata";
import { createHash, webcrypto } from "node:crypto";
import { isIP } from "node:net";
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  cryptoProvider,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509Certificate,
  X509CertificateGenerator,
  type Extension,
} from "@peculiar/x509";

export type IssuePlan =
  | { readonly as: "ca"; readonly commonName: string }
  | { readonly as: "server"; readonly commonName: string; readonly hosts: readonly string[] }
  | { readonly as: "client"; readonly commonName: string; readonly organizations: readonly string[] };

export interface IssueOptions {
  readonly nowMs: number;
  readonly untilMs: number;
  /** Who signs; absent for the authority, which signs itself. */
  readonly ca?: Issued;
}

/** PEM texts; the key is PKCS #8. */
export interface Issued {
  readonly cert: string;
  readonly key: string;
}

/** Certificates are valid from a while ago, so that clients with slow clocks accept them. */
const backdatedMs = 3600 * 1000;

const keyAlgorithm = { name: "ECDSA", namedCurve: "P-256" } as const;
const signingAlgorithm = { name: "ECDSA", hash: "SHA-256" } as const;

/** A new key and a certificate for it. */
export async function issue(plan: IssuePlan, options: IssueOptions): Promise<Issued> {
  cryptoProvider.set(webcrypto);
  const keys = await webcrypto.subtle.generateKey(keyAlgorithm, true, ["sign", "verify"]);
  const signer = options.ca === undefined ? undefined : await loadSigner(options.ca);
  const publicBytes = Buffer.from(await webcrypto.subtle.exportKey("spki", keys.publicKey));
  const subject = subjectOf(plan);
  const certificate = await X509CertificateGenerator.create({
    serialNumber: serialOf(publicBytes),
    subject,
    issuer: signer?.certificate.subjectName.toJSON() ?? subject,
    notBefore: new Date(options.nowMs - backdatedMs),
    notAfter: new Date(options.untilMs),
    publicKey: keys.publicKey,
    signingKey: signer?.key ?? keys.privateKey,
    signingAlgorithm,
    extensions: [
      ...usagesOf(plan),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
      await AuthorityKeyIdentifierExtension.create(signer?.certificate.publicKey ?? keys.publicKey),
    ],
  });
  const key = Buffer.from(await webcrypto.subtle.exportKey("pkcs8", keys.privateKey));
  return { cert: `${certificate.toString("pem").trim()}\n`, key: pem("PRIVATE KEY", key) };
}

async function loadSigner(
  ca: Issued,
): Promise<{ readonly certificate: X509Certificate; readonly key: webcrypto.CryptoKey }> {
  const der = Buffer.from(ca.key.replace(/-----[^-]+-----/g, ""), "base64");
  const key = await webcrypto.subtle.importKey("pkcs8", der, keyAlgorithm, false, ["sign"]);
  return { certificate: new X509Certificate(ca.cert), key };
}

function subjectOf(plan: IssuePlan): { [type: string]: string[] }[] {
  const organizations = plan.as === "client" ? plan.organizations : [];
  return [...organizations.map((organization) => ({ O: [organization] })), { CN: [plan.commonName] }];
}

function usagesOf(plan: IssuePlan): Extension[] {
  if (plan.as === "ca") {
    return [
      new BasicConstraintsExtension(true, undefined, true),
      new KeyUsagesExtension(
        KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign | KeyUsageFlags.digitalSignature,
        true,
      ),
    ];
  }
  const usage = plan.as === "server" ? ExtendedKeyUsage.serverAuth : ExtendedKeyUsage.clientAuth;
  const common = [
    new BasicConstraintsExtension(false, undefined, true),
    new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
    new ExtendedKeyUsageExtension([usage]),
  ];
  if (plan.as === "client") return common;
  const names = plan.hosts.map((host) => ({
    type: isIP(host) === 0 ? ("dns" as const) : ("ip" as const),
    value: host,
  }));
  return [...common, new SubjectAlternativeNameExtension(names)];
}

/** 127 bits of the new key's hash: as random as the key, unique without a counter, and positive. */
function serialOf(publicBytes: Uint8Array): string {
  const bytes = createHash("sha256").update(publicBytes).digest().subarray(0, 16);
  bytes[0] = (bytes[0]! & 0x7f) | 0x40;
  return bytes.toString("hex");
}

function pem(label: string, der: Buffer): string {
  const lines = der.toString("base64").match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join("\n")}\n-----END ${label}-----\n`;
}
