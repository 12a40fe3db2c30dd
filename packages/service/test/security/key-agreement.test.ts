import "reflect-metadata";
import { KeyObject, randomBytes, webcrypto } from "node:crypto";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { connect, createServer } from "node:tls";
import type { TlsOptions } from "node:tls";
import * as x509 from "@peculiar/x509";
import { beforeAll, expect, test } from "vitest";
import { call, createMembrane, exportThrough } from "../../../testkit/src/client.ts";
import { startTestService } from "../../../testkit/src/service.ts";
import type { TestService } from "../../../testkit/src/service.ts";

/* TLS uses only elliptic curves for key agreement: with a field of 8,192 bits it takes fifty times as long. */

const CURVES = ["X25519", "P-256", "P-384", "P-521", "X448"];
const FIELDS = ["ffdhe2048", "ffdhe3072", "ffdhe8192"];

/** A certificate with an RSA key, which older key agreements need. */
const certificate = { cert: "", key: "" };
beforeAll(async () => {
  const algorithm = { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" };
  const rsa = { ...algorithm, modulusLength: 2_048, publicExponent: Uint8Array.of(1, 0, 1) };
  const keys = await webcrypto.subtle.generateKey(rsa, true, ["sign", "verify"]);
  const made = await x509.X509CertificateGenerator.createSelfSigned({
    name: "CN=either side",
    keys,
    signingAlgorithm: algorithm,
    extensions: [new x509.SubjectAlternativeNameExtension([{ type: "ip", value: "127.0.0.1" }])],
  });
  certificate.cert = made.toString("pem");
  certificate.key = KeyObject.from(keys.privateKey).export({ format: "pem", type: "pkcs8" }).toString();
});

/** Connects to the service with only this group. */
async function offer(service: TestService, group: string): Promise<"agreed" | "refused"> {
  const socket = connect({
    port: service.port,
    host: "127.0.0.1",
    ca: certificate.cert,
    ecdhCurve: group,
  });
  const [how] = await Promise.race([
    once(socket, "secureConnect").then(() => ["agreed"] as const),
    once(socket, "close").then(() => ["refused"] as const),
  ]).catch(() => ["refused"] as const);
  socket.destroy();
  return how;
}

test("a client can agree on a key over a curve and not over a finite field, even after a renewal of the certificate", async () => {
  await using service = await startTestService({ tls: certificate });
  for (const renewed of [false, true]) {
    if (renewed) service.setCertificate(certificate);
    for (const group of CURVES) expect(await offer(service, group), group).toBe("agreed");
    for (const group of FIELDS) expect(await offer(service, group), group).toBe("refused");
  }
});

/** Makes a Diffie-Hellman group as a target may choose (PKCS #3); clients do not check that the number is prime. */
function makeGroup(bits: number): string {
  const p = randomBytes(bits / 8);
  p[0]! |= 0x80;
  p[p.length - 1]! |= 1;
  const integer = (bytes: Buffer): Buffer => element(0x02, bytes);
  const group = element(
    0x30,
    Buffer.concat([integer(Buffer.concat([Buffer.of(0), p])), integer(Buffer.of(2))]),
  );
  return `-----BEGIN DH PARAMETERS-----\n${group.toString("base64")}\n-----END DH PARAMETERS-----\n`;
}

/** Encodes one DER element. */
function element(tag: number, content: Buffer): Buffer {
  const { length } = content;
  return Buffer.concat([
    length < 128 ? Buffer.of(tag, length) : Buffer.of(tag, 0x82, length >> 8, length),
    content,
  ]);
}

const DHE: TlsOptions = {
  ciphers: "DHE-RSA-AES128-GCM-SHA256:DHE-RSA-AES256-GCM-SHA384",
  maxVersion: "TLSv1.2",
};

test.each<readonly [string, TlsOptions, number]>([
  ["a curve in TLS 1.3", { minVersion: "TLSv1.3", ecdhCurve: "P-521" }, 200],
  ["a curve in TLS 1.2", { maxVersion: "TLSv1.2", ecdhCurve: "P-256" }, 200],
  ["a field of 8,192 bits in TLS 1.3", { minVersion: "TLSv1.3", ecdhCurve: "ffdhe8192" }, 502],
  ["a field that it chooses in TLS 1.2", { ...DHE, dhparam: makeGroup(10_000) }, 502],
])("the response for a target that only agrees over %s", async (_what, options, status) => {
  await using service = await startTestService();
  const server = createServer({ ...certificate, ...options }, (socket) => {
    socket.on("error", () => undefined);
    socket.once("data", () => socket.end("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"));
  });
  server.on("tlsClientError", () => undefined);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  try {
    const membrane = await createMembrane(service, service.tokens.create, "m");
    const token = await exportThrough(service, membrane.export, {
      uri: `https://127.0.0.1:${(server.address() as AddressInfo).port}/`,
      tls: { ca: certificate.cert },
    });
    expect((await call(service, token)).status).toBe(status);
  } finally {
    server.close();
    await once(server, "close");
  }
});
