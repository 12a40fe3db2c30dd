import { afterAll, beforeAll, expect, test } from "vitest";
import { parseAuthority } from "capability-protocol";
import type { Authority } from "capability-protocol";
import { call, createMembrane, exportThrough, uriOf } from "../../../testkit/src/client.ts";
import type { CallResponse } from "../../../testkit/src/client.ts";
import { initDataDirectory } from "../../../testkit/src/data-directory.ts";
import { temporaryDirectory } from "../../../testkit/src/temporary-directory.ts";
import { exportTarget } from "../../../testkit/src/exported-capability.ts";
import { spawnService } from "../../../testkit/src/process.ts";
import { startTestService } from "../../../testkit/src/service.ts";
import type { TestService, TestServiceOptions } from "../../../testkit/src/service.ts";
import type { TestTarget } from "../../../testkit/src/target.ts";
import { startTarget } from "../../../testkit/src/target.ts";
import type { TestCertificate } from "../../../testkit/src/tls-target.ts";
import { makeCertificate, startTlsTarget } from "../../../testkit/src/tls-target.ts";

/* Tests --forbid-http-targets and --forbid-unverified-targets. */

const BOTH = { egress: { forbidHttp: true, forbidUnverified: true } };

let certificate: TestCertificate;
let plain: TestTarget;
let secure: TestTarget;
beforeAll(async () => {
  certificate = await makeCertificate("127.0.0.1");
  plain = await startTarget();
  secure = await startTlsTarget(certificate);
});
afterAll(() => Promise.all([plain, secure].map((target) => target[Symbol.asyncDispose]())));

/** Exports of a target over plain HTTP, over unverified TLS, and over verified TLS. */
function bodies(): Readonly<Record<"plain" | "unverified" | "verified", object>> {
  return {
    plain: { uri: plain.url },
    unverified: { uri: secure.url, tls: { rejectUnauthorized: false } },
    verified: { uri: secure.url, tls: { ca: certificate.ca, rejectUnauthorized: true } },
  };
}

async function tryExport(service: TestService, body: object): Promise<CallResponse> {
  const membrane = await createMembrane(service, service.tokens.create, crypto.randomUUID());
  return call(service, membrane.export, { body });
}

test.each([
  ["neither flag", {}, { plain: 201, unverified: 201, verified: 201 }],
  ["http forbidden", { egress: { forbidHttp: true } }, { plain: "uri", unverified: 201, verified: 201 }],
  [
    "unverified forbidden",
    { egress: { forbidUnverified: true } },
    { plain: 201, unverified: "tls.rejectUnauthorized", verified: 201 },
  ],
  ["both", BOTH, { plain: "uri", unverified: "tls.rejectUnauthorized", verified: 201 }],
] as const)("%s: a forbidden export is a 400 that names the field", async (_what, flags, expected) => {
  await using service = await startTestService(flags);
  for (const kind of ["plain", "unverified", "verified"] as const) {
    const response = await tryExport(service, bodies()[kind]);
    if (expected[kind] === 201) expect(response.status, kind).toBe(201);
    else {
      expect(response, kind).toMatchObject({ status: 400, json: { code: "invalid_field" } });
      expect(response.json.message.startsWith(`${expected[kind]}: expected `), response.text).toBe(true);
    }
  }
});

test("forbidden targets that were exported before the flags were set are a 502 that reaches no server; other capabilities work", async () => {
  await using directory = await temporaryDirectory();
  const tokens: Record<string, string> = {};
  let exporting: string;
  {
    await using before = await startTestService({ directory: directory.path });
    exporting = (await createMembrane(before, before.tokens.create, "m")).export;
    for (const [kind, body] of Object.entries(bodies())) {
      tokens[kind] = await exportThrough(before, exporting, body);
      expect((await call(before, tokens[kind])).status, kind).toBe(200);
    }
  }
  const [plainRequests, secureRequests] = [plain.requests.length, secure.requests.length];
  await using strict = await startTestService({ directory: directory.path, ...BOTH });
  for (const kind of ["plain", "unverified"]) {
    const capability = uriOf(strict, tokens[kind]!);
    for (const token of [tokens[kind], await exportThrough(strict, exporting, { capability })]) {
      const response = await call(strict, token);
      expect(response, kind).toMatchObject({ status: 502, json: { code: "target_forbidden" } });
      expect(response.headers["proxy-status"]).toBe("membrane; error=http_request_denied");
      for (const trace of ["http:", "127.0.0.1", "TLS", "rejectUnauthorized"])
        expect(JSON.stringify([response.headers, response.text])).not.toContain(trace);
    }
  }
  expect([plain.requests.length, secure.requests.length]).toEqual([plainRequests, secureRequests]);
  expect((await call(strict, tokens["verified"])).status).toBe(200);
});

test("a re-export from another authority always uses verified TLS, whatever is forbidden", async () => {
  await using peer = await startTestService({ tls: certificate, authority: "127.0.0.1" });
  const authority = parseAuthority(`127.0.0.1:${peer.port}`)!;
  const capability = `cpblty://${authority}/#${peer.tokens.query}`;
  const reexport = async (options: TestServiceOptions): Promise<number> => {
    await using service = await startTestService(options);
    return (await call(service, (await exportTarget(service, { capability })).token)).status;
  };
  const authorityCas = new Map<Authority, string>([[authority, certificate.ca]]);
  expect(await reexport({ ...BOTH, authorityCas })).toBe(200);
  expect(await reexport(BOTH)).toBe(502);
  expect(await reexport({})).toBe(502);
});

test("the flags of the program forbid both", async () => {
  await using data = await initDataDirectory();
  const flags = ["--forbid-http-targets", "--forbid-unverified-targets"];
  await using service = await spawnService(data.path, { flags });
  const membrane = await createMembrane(service, data.tokens.create, "m");
  for (const kind of ["plain", "unverified"] as const)
    expect((await call(service, membrane.export, { body: bodies()[kind] })).status, kind).toBe(400);
  await exportThrough(service, membrane.export, bodies().verified);
});
