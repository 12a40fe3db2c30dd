import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { RawServeFlags } from "../../config.ts";
import { readServeConfig } from "../../config.ts";
import { temporaryDirectory } from "../../../../testkit/src/temporary-directory.ts";
import { toSubjectAltName } from "../../tls/subject-alt-name.ts";
import { issueServerCertificate, issueAuthorityCertificate, generateAuthorityKey } from "../../tls/x509.ts";
import { doctor } from "./doctor.ts";

const DAY = 86_400_000;
const NOW = new Date("2030-01-01T00:00:00Z");

interface Surroundings {
  readonly node?: string;
  readonly now?: Date;
}

/** What the doctor prints, and whether no check failed. */
async function examine(data: string, flags: Partial<RawServeFlags> = {}, surroundings: Surroundings = {}) {
  const lines: string[] = [];
  const config = readServeConfig({
    data,
    listen: "127.0.0.1:0",
    authority: "a.test",
    authorityAlias: [],
    authorityCa: [],
    allowTarget: [],
    trustProxy: [],
    upstreamClient: "native",
    httpServer: "native",
    logLevel: "info",
    ...flags,
  });
  const { node = "v22.0.0", now = NOW } = surroundings;
  const isWell = await doctor(config, node, now, (line) => void lines.push(line));
  return { isWell, failed: lines.filter((line) => line.startsWith("FAIL")), text: lines.join("\n") };
}

test.each([
  ["v18.20.8", false],
  ["v20.18.9", false],
  ["v20.19.0", true],
  ["v22.1.0", true],
])("Node.js %s is new enough: %s", async (node, isNewEnough) => {
  await using directory = await temporaryDirectory();
  const { isWell, failed } = await examine(directory.path, {}, { node });
  expect(isWell).toBe(isNewEnough);
  expect(failed).toEqual(isNewEnough ? [] : [`FAIL  Node.js ${node}: install 20.19 or newer`]);
});

test("a clock that is years behind fails: no target would accept its signatures", async () => {
  await using directory = await temporaryDirectory();
  const { isWell, failed } = await examine(directory.path, {}, { now: new Date("1970-01-02T00:00:00Z") });
  expect(isWell).toBe(false);
  expect(failed).toEqual([expect.stringMatching(/^FAIL {2}clock: 1970-01-02.* is in the past: set it/)]);
});

test("a given certificate passes until it expires, and fails from then on", async () => {
  await using directory = await temporaryDirectory();
  const [tlsCert, tlsKey] = [join(directory.path, "c.pem"), join(directory.path, "k.pem")];
  const key = await generateAuthorityKey();
  const ca = await issueAuthorityCertificate(key, NOW);
  const leaf = await issueServerCertificate({ cert: ca, key }, [toSubjectAltName("a.test")], NOW);
  await writeFile(tlsCert, leaf.cert);
  await writeFile(tlsKey, leaf.key, { mode: 0o600 });
  const data = join(directory.path, "data");
  const after = (days: number) =>
    examine(data, { tlsCert, tlsKey }, { now: new Date(NOW.getTime() + days * DAY) });
  const well = await after(0);
  expect(well.failed).toEqual([]);
  expect(well.text).toMatch(/^ok {4}certificate: valid for 89 days$/m);
  const expired = await after(91);
  expect(expired.isWell).toBe(false);
  expect(expired.failed).toEqual([expect.stringMatching(/^FAIL {2}certificate: expired: renew it/)]);
});

test("an authority with another port than the service's is reported, since something must forward that port", async () => {
  await using directory = await temporaryDirectory();
  const authorityLine = async (flags: Partial<RawServeFlags>) =>
    /^.* authority: .*$/m.exec((await examine(directory.path, flags)).text)?.[0];
  const forwarded =
    "ok    authority: a.test:8443, but --listen has port 18443: give doctor the flags of serve, or let something forward it";
  expect(await authorityLine({ authority: "a.test:8443", listen: "127.0.0.1:18443" })).toBe(forwarded);
  expect(await authorityLine({ authority: "a.test:18443", listen: "127.0.0.1:18443" })).toBe(
    "ok    authority: a.test:18443",
  );
});
