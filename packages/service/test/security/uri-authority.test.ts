import { afterAll, beforeAll, expect, test } from "vitest";
import { call, expectStatus, tokenOf } from "../../../testkit/src/client.ts";
import type { CallResponse } from "../../../testkit/src/client.ts";
import { startTestService } from "../../../testkit/src/service.ts";
import type { TestService } from "../../../testkit/src/service.ts";

/* A client that creates capabilities must not choose their authority, since holders send tokens to the authority in the URI. */

const EVIL = "evil.test";

let service: TestService;
beforeAll(async () => {
  service = await startTestService({ aliases: ["alias.test"], trustedProxies: ["127.0.0.0/8"] });
});
afterAll(() => service.close());

test.each([
  ["Host", { host: EVIL }],
  ["Host, an alias of ours", { host: "alias.test" }],
  ["Host, with a port", { host: "membrane.test:444" }],
  ["X-Forwarded-Host of a trusted proxy", { "x-forwarded-host": EVIL, "x-forwarded-for": "192.0.2.1" }],
  [
    "headers of other proxies",
    {
      forwarded: `for=192.0.2.1;host=${EVIL};proto=http`,
      "x-forwarded-port": "444",
      "x-forwarded-proto": "http",
      "x-forwarded-server": EVIL,
      "x-host": EVIL,
      "x-original-host": EVIL,
      "x-original-url": `https://${EVIL}/`,
      "x-rewrite-url": `https://${EVIL}/`,
      origin: `https://${EVIL}`,
      referer: `https://${EVIL}/`,
    },
  ],
])("every new capability names the authority of the service, whatever is in %s", async (what, headers) => {
  const { tokens } = service;
  const ask = (token: string, body?: object, path = "/"): Promise<CallResponse> =>
    call(service, token, { headers, path, ...(body === undefined ? {} : { body }) });
  const provisioned = expectStatus(await ask(tokens.provision, { id: what }), 201);
  const created = expectStatus(await ask(tokens.create, { id: what }), 201);
  const exporting = tokenOf(created.json.capabilities.export);
  const exported = expectStatus(await ask(exporting, { uri: "https://example.com/" }), 201);
  const reexported = expectStatus(await ask(exporting, { capability: exported.json.capability }), 201);
  const delegated = await ask(exporting, { capability: `cpblty://${service.authority}/#${tokens.query}` });
  const queries = [tokens.query, tokenOf(expectStatus(delegated, 201).json.capability)];
  const listed = await Promise.all(
    queries.map((query) => ask(query, undefined, `/?id=${encodeURIComponent(what)}`)),
  );
  for (const response of listed) expect(response.json.membranes).toHaveLength(1);

  const shown = JSON.stringify(
    [provisioned, created, exported, reexported, delegated, ...listed].map(({ text, headers }) => [
      text,
      headers,
    ]),
  );
  const uris = shown.match(/cpblty:[^"\\]*/g) ?? [];
  expect(uris.length).toBeGreaterThanOrEqual(12);
  for (const uri of uris) expect(uri).toMatch(/^cpblty:\/\/membrane\.test\/#CPBLTY1-/);
  expect(shown).not.toContain(EVIL);
});
