import { formatToken } from "capability-protocol";
import { afterAll, beforeAll, expect, test } from "vitest";
import { call, expectStatus, uriOf } from "../../../testkit/src/client.ts";
import type { InvalidInputFixture } from "../../../testkit/src/invalid-input.ts";
import { CANARY, NON_TEXT_VALUES, startInvalidInputFixture } from "../../../testkit/src/invalid-input.ts";

const URI = "https://example.com/";

let refusing: InvalidInputFixture;

beforeAll(async () => {
  refusing = await startInvalidInputFixture();
});

afterAll(() => refusing[Symbol.asyncDispose]());

const NO_OBJECTS = [null, true, 0, 1.5, CANARY, [], [{ id: CANARY }], "", [CANARY]];

test.each(["create", "provision"] as const)(
  "%s accepts only an id of 1 to 512 well-formed UTF-16 units",
  async (name) => {
    const token = refusing.service.tokens[name];
    await refusing.expectRefused(token, "body", NO_OBJECTS);
    const long = "a".repeat(512);
    const wrong = [
      ...NON_TEXT_VALUES,
      "",
      `${long}a`,
      `${"𝄞".repeat(256)}a`,
      "a\0b",
      "\0",
      "\ud834",
      "\udd1e",
      "a\udd1e\ud834",
    ];
    await refusing.expectRefused(token, "id", [{}, ...wrong.map((id) => ({ id }))]);
    await refusing.expectRefused(token, "ID", [{ ID: CANARY }]);
    await refusing.expectRefused(token, "name", [{ id: "x", name: CANARY }]);
    for (const id of [long, "𝄞".repeat(256), " ", "\u0001\n", "a/b?c#d", "é"]) {
      expectStatus(await call(refusing.service, token, { body: { id } }), 201);
      expectStatus(await call(refusing.service, token, { body: { id } }), 409);
    }
  },
);

const WRONG_URIS = [
  ...NON_TEXT_VALUES,
  "",
  "/path",
  "//example.com/",
  "example.com",
  "ftp://example.com/",
  "file:///etc/passwd",
  `javascript:${CANARY}`,
  "https://",
  "https:///path",
  "https:example.com",
  `https://${CANARY}@example.com/`,
  `https://u:${CANARY}@example.com/`,
  "https://@example.com/",
  `https://example.com/#${CANARY}`,
  "https://example.com/#",
  "https://example.com:0/",
  "https://example.com:65536/",
  "https://example.com:x/",
  "https://exa mple.com/",
  ` ${URI}`,
  `${URI}\t`,
  `https://example.com/\r\nX: ${CANARY}`,
  "https://example.com/\0",
  "https://example.com/\u0085",
  "https://example.com/\ud834",
  "https:\\\\example.com\\",
  "https://[fe80::1%25eth0]/",
  "https://[fe80::1%eth0]/",
  "https://[::1",
  "https://%00/",
  "https://a..b\u0000/",
];

/** Forbidden targets in every spelling that a URL parser accepts; the service of this test allows 127.0.0.0/8. */
const FORBIDDEN_URIS = [
  "http://169.254.169.254/",
  "http://169.254.169.254./",
  "http://2852039166/",
  "http://0xa9fea9fe/",
  "http://0251.0376.0251.0376/",
  "http://[::ffff:169.254.169.254]/",
  "http://[::ffff:127.0.0.1]/",
  "http://[fd00:ec2::254]/",
  "http://metadata.google.internal/",
  "http://METADATA.google.internal./",
  "http://168.63.129.16/",
  "http://0.0.0.0/",
  "http://10.0.0.1/",
  "http://100.64.0.1/",
  "http://172.16.0.1/",
  "http://192.168.1.1/",
  "http://192.0.2.1/",
  "http://198.18.0.1/",
  "http://224.0.0.1/",
  "http://255.255.255.255/",
  "http://[::]/",
  "http://[::1]/",
  "http://[fe80::1]/",
  "http://[fc00::1]/",
  "http://[ff02::1]/",
  "http://[64:ff9b::7f00:1]/",
  "http://[2002:7f00:1::]/",
  "http://[2001:db8::1]/",
];

test("uri must be an absolute http or https URI of an address that the service may connect to", async () => {
  await refusing.expectRefused(refusing.exportToken, "uri", [
    {},
    ...[...WRONG_URIS, ...FORBIDDEN_URIS].map((uri) => ({ uri })),
  ]);
});

test("the service itself cannot be a target, by its authority, an alias or its address", async () => {
  const own = [
    `https://${refusing.service.authority}/`,
    "https://alias.test/",
    "https://ALIAS.test:443/",
    refusing.service.url,
  ];
  await refusing.expectRefused(
    refusing.exportToken,
    "uri",
    own.map((uri) => ({ uri })),
  );
  const everywhere = ["http://127.0.0.1", "http://127.9.9.9", "http://0x7f.1", "http://2130706433"];
  await refusing.expectRefused(
    refusing.exportToken,
    "uri",
    everywhere.map((origin) => ({ uri: `${origin}:${refusing.service.port}/` })),
  );
});

test("a re-export names one working capability of the resolvable form, and has no other field", async () => {
  const unknown = formatToken(Buffer.alloc(64, 1));
  const texts = [
    ...NON_TEXT_VALUES,
    "",
    CANARY,
    URI,
    unknown,
    `cpblty:QQ:${unknown}`,
    `cpblty:QQ@v1:${unknown}`,
    `cpblty://${CANARY}.test#${unknown}`,
    `cpblty://${refusing.service.authority}/#${unknown.slice(0, -1)}`,
    `${uriOf(refusing.service, refusing.exportToken)}x`,
    `CPBLTY://${refusing.service.authority}/#${refusing.exportToken}`,
    uriOf(refusing.service, unknown),
    uriOf(refusing.service, refusing.revokedToken),
    `cpblty://alias.test:443/#${refusing.revokedToken}`,
  ];
  const bodies = texts.map((capability) => ({ capability }));
  const before = await refusing.contents();
  for (const body of bodies) {
    const response = await call(refusing.service, refusing.exportToken, { body });
    expect(response, JSON.stringify(body)).toMatchObject({
      status: 400,
      json: { message: expect.stringMatching(/^capability: expected /) },
    });
    expect(response.text).not.toMatch(/CPBLTY1-|canary/);
  }
  expect(await refusing.contents()).toEqual(before);
  await refusing.expectRefused(
    refusing.exportToken,
    "capability",
    ["169.254.169.254", "10.0.0.1:8443", "[::1]"].map((authority) => ({
      capability: `cpblty://${authority}/#${unknown}`,
    })),
  );
  const capability = uriOf(refusing.service, refusing.exportToken);
  for (const [name, value] of Object.entries({
    uri: URI,
    method: "GET",
    headers: {},
    allowQuery: true,
    timeoutMs: 1,
    hmac: {},
    tls: {},
  })) {
    await refusing.expectRefused(refusing.exportToken, name, [{ capability, [name]: value }]);
  }
  await refusing.expectRefused(refusing.exportToken, "constructor", [{ uri: URI, constructor: CANARY }]);
});
