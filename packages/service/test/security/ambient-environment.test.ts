import { afterAll, beforeAll, expect, test } from "vitest";
import { call, createMembrane, exportThrough } from "../../../testkit/src/client.ts";
import type { TestDataDirectory } from "../../../testkit/src/data-directory.ts";
import { initDataDirectory } from "../../../testkit/src/data-directory.ts";
import type { ServiceProcess } from "../../../testkit/src/process.ts";
import { spawnService } from "../../../testkit/src/process.ts";
import { startRawTarget, startTarget } from "../../../testkit/src/target.ts";
import type { TestTarget } from "../../../testkit/src/target.ts";
import { makeCertificate, startTlsTarget } from "../../../testkit/src/tls-target.ts";
import type { TestCertificate } from "../../../testkit/src/tls-target.ts";

/* Environment variables for other programs do not change where and how the service connects. */

let certificate: TestCertificate;
let plain: TestTarget;
let secure: TestTarget;
let proxy: Awaited<ReturnType<typeof startRawTarget>>;
/** Connections to the proxy. */
let proxied = 0;
let data: TestDataDirectory;
let service: ServiceProcess;
let exporting: string;
beforeAll(async () => {
  certificate = await makeCertificate("127.0.0.1");
  plain = await startTarget();
  secure = await startTlsTarget(certificate);
  proxy = await startRawTarget((socket) => {
    proxied += 1;
    socket.destroy();
  });
  data = await initDataDirectory();
  const names = ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "npm_config_proxy", "npm_config_https_proxy"];
  const proxies = names.flatMap((name) => [name, name.toLowerCase()]).map((name) => [name, proxy.url]);
  const env = {
    ...Object.fromEntries(proxies),
    NODE_USE_ENV_PROXY: "1",
    NO_PROXY: "",
    no_proxy: "",
    NODE_TLS_REJECT_UNAUTHORIZED: "0",
  };
  service = await spawnService(data.path, { env });
  exporting = (await createMembrane(service, data.tokens.create, "m")).export;
});
afterAll(async () => {
  await service[Symbol.asyncDispose]();
  await Promise.all([plain, secure, proxy, data].map((one) => one[Symbol.asyncDispose]()));
});

test("no request to a target is sent to a proxy in the environment", async () => {
  const tls = { ca: certificate.ca };
  for (const body of [
    { uri: plain.url },
    { uri: secure.url, tls },
    { uri: secure.url, tls: { rejectUnauthorized: false } },
  ])
    expect(await call(service, await exportThrough(service, exporting, body))).toMatchObject({
      status: 200,
      text: "ok",
    });
  expect([plain.requests.length, secure.requests.length, proxied]).toEqual([1, 2, 0]);
});

test("a target's certificate is verified by default, even if the environment turns verification off in Node.js", async () => {
  const before = secure.requests.length;
  for (const tls of [undefined, {}, { rejectUnauthorized: true }]) {
    const token = await exportThrough(service, exporting, { uri: secure.url, ...(tls && { tls }) });
    expect(await call(service, token)).toMatchObject({ status: 502, json: { code: "target_unreachable" } });
  }
  expect(secure.requests).toHaveLength(before);
});
