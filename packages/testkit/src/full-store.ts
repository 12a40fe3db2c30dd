import { X509Certificate } from "node:crypto";
import { formatToken } from "capability-protocol";
import {
  issueServerCertificate,
  issueAuthorityCertificate,
  generateAuthorityKey,
} from "../../service/src/tls/x509.ts";
import { call, createMembrane, expectStatus, exportThrough, tokenOf, uriOf } from "./client.ts";
import type { TestService } from "./service.ts";

/** A store with at least one record of every type and kind, and the texts that must not be found in it. */
export interface FullStore {
  /** Every token, by its right. */
  readonly tokens: Readonly<Record<FullStoreTokenName, string>>;
  /** All other secrets that were stored: addresses, header values, credentials. */
  readonly secrets: readonly string[];
}

export type FullStoreTokenName = (typeof TOKEN_NAMES)[number];

/** `x of y` is a re-export. `alpha` and `beta` are membranes of the first tenant, `gamma` is one of the second. */
export const TOKEN_NAMES = [
  "provision",
  "create",
  "query",
  "deleteSelf",
  "second create",
  "second query",
  "second deleteSelf",
  "alpha export",
  "alpha revoke",
  "beta export",
  "beta revoke",
  "gamma export",
  "gamma revoke",
  "plain",
  "aws4",
  "cap1",
  "tls",
  "foreign",
  "beta plain",
  "gamma of plain",
  "beta of gamma of plain",
  "gamma limited plain",
  "beta of gamma limited plain",
  "gamma of create",
  "gamma of query",
  "gamma of alpha export",
  "gamma of alpha revoke",
  "gamma of deleteSelf",
  "gamma of provision",
  "delegated alpha export",
  "delegated alpha revoke",
  "delegated beta export",
  "delegated beta revoke",
] as const;

/** The host of all targets, which no name server resolves. */
export const CANARY_HOST = "canary-host-4d0b.test";

/** @param port port of the target of `plain`, and of the capabilities that are made from it. */
export async function createFullStore(service: TestService, port: number): Promise<FullStore> {
  const { create, query, deleteSelf, provision } = service.tokens;
  const second = expectStatus(await call(service, provision, { body: { id: "second" } }), 201).json
    .capabilities;
  const alpha = await createMembrane(service, create, "alpha");
  const beta = await createMembrane(service, create, "beta");
  const gamma = await createMembrane(service, tokenOf(second.create), "gamma");

  const base = `http://${CANARY_HOST}:${port}`;
  const { tls, pem } = await clientCertificate();
  const foreignToken = formatToken(Buffer.alloc(64, 0x5a));
  const plain = await exportThrough(service, alpha.export, {
    uri: `${base}/canary-path-91aa?canary-query-77c1=1`,
    headers: { "X-Canary-Name-3f": "canary-header-value-c2e4", Cookie: "session=canary-cookie-0d1f" },
    timeoutMs: 30_000,
  });
  const aws4 = await exportThrough(service, alpha.export, {
    uri: `${base}/aws4`,
    hmac: {
      "aws4-hmac-sha256": {
        awsAccessKeyId: "AKIACANARY55D1",
        region: "canary-region-8e",
        service: "canary-service-1b",
        secretAccessKey: "canary/secret+access/key/6b",
        sessionToken: "canary-session-token-2c==",
      },
    },
  });
  const cap1 = await exportThrough(service, alpha.export, {
    uri: `${base}/cap1`,
    hmac: { "cap1-hmac-sha512": { key: "canary-cap1-key-41f", keyId: "canary-cap1-key-id" } },
  });
  const overTls = await exportThrough(service, alpha.export, {
    uri: `https://${CANARY_HOST}:${port}/tls`,
    tls,
  });
  const foreign = await exportThrough(service, alpha.export, {
    capability: `cpblty://${CANARY_HOST}/#${foreignToken}`,
  });
  const betaPlain = await exportThrough(service, beta.export, { uri: `${base}/canary-path-beta` });

  const reexport = (through: string, token: string): Promise<string> =>
    exportThrough(service, through, { capability: uriOf(service, token) });
  const gammaOfPlain = await reexport(gamma.export, plain);
  const limited = await exportThrough(service, gamma.export, {
    capability: uriOf(service, plain),
    label: "canary-label-8f20",
    limits: {
      expiresAt: "2999-12-31T23:59:59Z",
      notBefore: "2020-02-03T04:05:06.789Z",
      clientCidrs: ["127.0.0.0/8", "198.51.100.99/32"],
    },
  });
  const gammaOfQuery = await reexport(gamma.export, query);
  const tokens = {
    provision,
    create,
    query,
    deleteSelf,
    "second create": tokenOf(second.create),
    "second query": tokenOf(second.query),
    "second deleteSelf": tokenOf(second.deleteSelf),
    "alpha export": alpha.export,
    "alpha revoke": alpha.revoke,
    "beta export": beta.export,
    "beta revoke": beta.revoke,
    "gamma export": gamma.export,
    "gamma revoke": gamma.revoke,
    plain,
    aws4,
    cap1,
    tls: overTls,
    foreign,
    "beta plain": betaPlain,
    "gamma of plain": gammaOfPlain,
    "beta of gamma of plain": await reexport(beta.export, gammaOfPlain),
    "gamma limited plain": limited,
    "beta of gamma limited plain": await reexport(beta.export, limited),
    "gamma of create": await reexport(gamma.export, create),
    "gamma of query": gammaOfQuery,
    "gamma of alpha export": await reexport(gamma.export, alpha.export),
    "gamma of alpha revoke": await reexport(gamma.export, alpha.revoke),
    "gamma of deleteSelf": await reexport(gamma.export, deleteSelf),
    "gamma of provision": await reexport(gamma.export, provision),
    ...(await delegatedTokens(service, gammaOfQuery)),
  };
  return {
    tokens,
    secrets: [
      CANARY_HOST,
      "canary-path-91aa",
      "canary-query-77c1",
      "X-Canary-Name-3f",
      "canary-header-value-c2e4",
      "canary-cookie-0d1f",
      "AKIACANARY55D1",
      "canary-region-8e",
      "canary-service-1b",
      "canary/secret+access/key/6b",
      "canary-session-token-2c==",
      "canary-cap1-key-41f",
      "canary-cap1-key-id",
      "canary-path-beta",
      "canary-label-8f20",
      "198.51.100.99",
      foreignToken,
      ...pem,
    ],
  };
}

async function delegatedTokens(service: TestService, query: string) {
  const response = expectStatus(await call(service, query, { path: "/?limit=9" }), 200);
  const [alpha, beta] = response.json.membranes;
  return {
    "delegated alpha export": tokenOf(alpha.capabilities.export),
    "delegated alpha revoke": tokenOf(alpha.capabilities.revoke),
    "delegated beta export": tokenOf(beta.capabilities.export),
    "delegated beta revoke": tokenOf(beta.capabilities.revoke),
  };
}

/** Makes a certificate, its key and their CA, with lines of their PEM to search for, and the bytes that these encode. */
async function clientCertificate() {
  const now = new Date();
  const key = await generateAuthorityKey();
  const ca = await issueAuthorityCertificate(key, now);
  const leaf = await issueServerCertificate({ cert: ca, key }, [{ type: "dns", value: "client.test" }], now);
  const lines = [ca, leaf.cert, leaf.key].flatMap((text) =>
    text.split("\n").filter((line) => line.length === 64),
  );
  const serial = new X509Certificate(leaf.cert).serialNumber.toLowerCase();
  return { tls: { ca, cert: leaf.cert, key: leaf.key }, pem: [...lines, serial] };
}
