import { expect, test } from "vitest";
import type { RawServeFlags } from "../config.ts";
import { readServeConfig } from "../config.ts";
import { toSubjectAltName } from "../tls/subject-alt-name.ts";
import { issueServerCertificate, issueAuthorityCertificate, generateAuthorityKey } from "../tls/x509.ts";
import type { AdviceContext } from "./advice.ts";
import { adviseOn, parseOpenFiles } from "./advice.ts";

const DAY = 86_400_000;
const NOW = new Date("2030-01-01T00:00:00Z");
const FLAGS: RawServeFlags = {
  data: "d",
  listen: "127.0.0.1:8443",
  authorityAlias: [],
  authorityCa: [],
  allowTarget: [],
  trustProxy: [],
  upstreamClient: "native",
  httpServer: "native",
  logLevel: "info",
};
const FINE: AdviceContext = {
  certificate: undefined,
  privateCA: undefined,
  lastAuthority: undefined,
  openFiles: undefined,
  serviceKeyProblems: [],
  now: NOW,
};

function advice(flags: Partial<RawServeFlags>, surroundings: Partial<AdviceContext> = {}): readonly string[] {
  return adviseOn(readServeConfig({ ...FLAGS, ...flags }), { ...FINE, ...surroundings }).map(
    ({ subject, problem }) => `${subject}: ${problem}`,
  );
}

test.each([
  [{}, false],
  [{ listen: "0.0.0.0:8443" }, true],
  [{ listen: "[::]:8443" }, true],
  [{ listen: "192.0.2.1:8443", authority: "127.0.0.1:8443" }, true],
  [{ listen: "0.0.0.0:8443", authority: "membrane.localhost:8443" }, true],
  [{ listen: "0.0.0.0:8443", authority: "gateway.test" }, false],
  [{ listen: "0.0.0.0:8443", authorityAlias: ["gateway.test"] }, false],
  [{ listen: "[::1]:8443" }, false],
])("%j: an authority that leads every client to its own machine is reported: %s", (flags, isReported) => {
  const reported = advice(flags);
  expect(reported).toHaveLength(isReported ? 1 : 0);
  if (isReported)
    expect(reported[0]).toMatch(/^authority: .* leads every client to its own machine.*--authority$/);
});

test.each([
  [{ tls: "false" }, false],
  [{ tls: "false", listen: "0.0.0.0:80" }, true],
  [{ tls: "false", listen: "[2001:db8::1]:80" }, true],
  [{ tls: "false", listen: "0.0.0.0:80", trustProxy: ["10.0.0.0/8"] }, false],
  [{ listen: "0.0.0.0:443" }, false],
])("%j: tokens that networks can read are reported: %s", (flags, isReported) => {
  const reported = advice({ ...flags, authority: "gateway.test" });
  expect(reported).toEqual(isReported ? [expect.stringMatching(/^tokens: .*in clear.*--no-tls/)] : []);
});

test("a former name of the service is reported, unless it is kept, in any spelling", () => {
  const renamed = (flags: Partial<RawServeFlags>) =>
    advice(
      { authority: "new.test", ...flags },
      { lastAuthority: readServeConfig({ ...FLAGS, authority: "Old.test" }).authority },
    );
  expect(renamed({})).toEqual([expect.stringContaining("keep the name with --authority-alias")]);
  expect(renamed({ authorityAlias: ["old.test:443"] })).toEqual([]);
  expect(renamed({ authority: "old.test" })).toEqual([]);
});

test("a private CA that is not valid yet, since the clock was ahead when it was made, is reported until it is", async () => {
  const made = new Date(NOW.getTime() + 100 * DAY);
  const names = [toSubjectAltName("localhost:8443")];
  const privateCA = await issueAuthorityCertificate(await generateAuthorityKey(), made, names);
  expect(advice({}, { privateCA })).toEqual([
    expect.stringMatching(
      /^certificate: of the private CA is not valid before 2030-04-.*ca\.pem and ca\.key/,
    ),
  ]);
  expect(advice({}, { privateCA, now: made })).toEqual([]);
});

test("a certificate that names other names, expires soon, has expired or is not valid yet is reported", async () => {
  const key = await generateAuthorityKey();
  const cert = await issueAuthorityCertificate(key, NOW);
  const leaf = await issueServerCertificate({ cert, key }, [toSubjectAltName("a.test")], NOW);
  const at = (days: number, flags: Partial<RawServeFlags> = { authority: "a.test" }) =>
    advice(flags, { certificate: leaf.cert, now: new Date(NOW.getTime() + days * DAY) });
  expect(at(0)).toEqual([]);
  expect(at(0, { authority: "b.test:8443", authorityAlias: ["a.test", "192.0.2.1"] })).toEqual([
    "certificate: does not name b.test:8443: clients refuse to connect to it by this name",
    "certificate: does not name 192.0.2.1: clients refuse to connect to it by this name",
  ]);
  expect(at(80)).toEqual(["certificate: expires in 9 days: renew it"]);
  expect(at(91)).toEqual(["certificate: has expired: renew it"]);
  expect(at(-2)).toEqual(["certificate: is not valid yet: is the clock right?"]);
});

test("traces that are sent in clear to another machine are reported", () => {
  const to = (otlpEndpoint: string, otlpHeadersFile?: string) => advice({ otlpEndpoint, otlpHeadersFile });
  for (const url of ["http://127.0.0.1:4318", "http://[::1]:4318", "http://localhost:4318", "https://a.test"])
    expect(to(url)).toEqual([]);
  expect(to("http://a.test:4318")).toEqual([
    "traces: are sent to a.test:4318 in clear: use https, or a network that others do not reach",
  ]);
  expect(to("http://a.test:4318", "file")).toEqual([
    "traces: are sent to a.test:4318 in clear, and the headers of --otlp-headers-file too: use https, or a network that others do not reach",
  ]);
});

test("fewer open files than the limits on connections need are reported", () => {
  expect(advice({}, { openFiles: 1_048_576 })).toEqual([]);
  expect(advice({}, { openFiles: 1_024 })).toEqual([
    expect.stringMatching(/^open files: a process may have 1024 open.*need 24832: raise the limit/),
  ]);
  expect(
    advice({ limits: { maxConnections: 500, maxConcurrentInvocations: 200 } }, { openFiles: 1_024 }),
  ).toEqual([]);
  expect(
    parseOpenFiles(
      "Max processes 1 2\nMax open files            1024                 524288               files\n",
    ),
  ).toBe(1_024);
  expect(parseOpenFiles("Max open files            unlimited            unlimited            files\n")).toBe(
    undefined,
  );
  expect(parseOpenFiles("")).toBe(undefined);
});
