import { err, formatToken, ok } from "capability-protocol";
import { describe, expect, test } from "vitest";
import { clientConnection } from "../../../testkit/src/fixtures.ts";
import type { Carrier } from "../invocation/carrier.ts";
import { CARRIERS } from "../invocation/carrier.ts";
import type { CarrierLine } from "./take-token.ts";
import { takeToken } from "./take-token.ts";

const TOKEN = formatToken(Buffer.alloc(64, 1));
const OTHER = formatToken(Buffer.alloc(64, 2));

const OPENAI = "openai-insecure-api-key.";
const KUBERNETES = "base64url.bearer.authorization.k8s.io.";

/** Takes the token out of these lines, which are followed by the header `X-Kept`. */
function take(lines: readonly (readonly [name: string, value: string])[], { isUpgrade = true } = {}) {
  const rawHeaders = ["Host", "a", ...lines.flat(), "X-Kept", "1"];
  const carriers = rawHeaders.flatMap((name, index): CarrierLine[] => {
    const carrier = CARRIERS.find((header) => index % 2 === 0 && header === name.toLowerCase());
    return carrier === undefined ? [] : [{ carrier, index }];
  });
  const request = { rawHeaders, socket: clientConnection({ encrypted: true }) };
  const taken = takeToken(request, carriers, [], isUpgrade ? "websocket" : undefined);
  return { taken, left: rawHeaders.slice(2, -2) };
}

function base64(text: string): string {
  return Buffer.from(text).toString("base64");
}

function base64url(text: string): string {
  return Buffer.from(text).toString("base64url");
}

const CARRYING: readonly (readonly [name: string, value: string, carrier: Carrier])[] = [
  ["Authorization", `Bearer ${TOKEN}`, "authorization"],
  ["authorization", `bearer ${TOKEN}`, "authorization"],
  ["AUTHORIZATION", `BEARER   ${TOKEN}`, "authorization"],
  ["Authorization", `token ${TOKEN}`, "authorization"],
  ["Authorization", `Token ${TOKEN}`, "authorization"],
  ["Authorization", `Basic ${base64(`user:${TOKEN}`)}`, "authorization"],
  ["Authorization", `Basic ${base64(`:${TOKEN}`)}`, "authorization"],
  ["Authorization", `basic  ${base64(`${TOKEN}:`)}`, "authorization"],
  ["Authorization", `Basic ${base64(`${TOKEN}:${TOKEN}`)}`, "authorization"],
  ["Authorization", `Basic ${base64(`é:${TOKEN}`)}`, "authorization"],
  ["X-Api-Key", TOKEN, "x-api-key"],
  ["api-key", TOKEN, "api-key"],
  ["x-goog-api-key", TOKEN, "x-goog-api-key"],
  ["X-Amz-Security-Token", TOKEN, "x-amz-security-token"],
  ["Sec-WebSocket-Protocol", OPENAI + TOKEN, "sec-websocket-protocol"],
  ["Sec-WebSocket-Protocol", KUBERNETES + base64url(TOKEN), "sec-websocket-protocol"],
];

test.each(CARRYING)("%s: %s holds the token, and its line is removed", (name, value, carrier) => {
  expect(take([[name, value]])).toEqual({ taken: ok({ token: TOKEN, carrier }), left: [] });
});

test.each([
  ["Authorization", ""],
  ["Authorization", "Bearer"],
  ["Authorization", "Bearer "],
  ["Authorization", TOKEN],
  ["Authorization", `Basic ${TOKEN}`],
  ["Authorization", `Bearer${TOKEN}`],
  ["Authorization", `Bearer\t${TOKEN}`],
  ["Authorization", ` Bearer ${TOKEN}`],
  ["Authorization", `Bearer ${TOKEN} `],
  ["Authorization", `Bearer ${TOKEN} x`],
  ["Authorization", `Bearer ${TOKEN},`],
  ["Authorization", `Bearer ${TOKEN}=`],
  ["Authorization", `Bearer "${TOKEN}"`],
  ["Authorization", `Bearer ${TOKEN.slice(0, -1)}B`],
  ["Authorization", `Bearer ${TOKEN.toLowerCase()}`],
  ["Authorization", `Bearer x Bearer ${TOKEN}`],
  ["Authorization", `Bearer ${base64(`user:${TOKEN}`)}`],
  ["Authorization", `Digest ${TOKEN}`],
  ["Authorization", `Basic ${base64(TOKEN)}`],
  ["Authorization", `Basic ${base64(`${TOKEN}:x`)}`],
  ["Authorization", `Basic ${base64(`user:${TOKEN}:`)}`],
  ["Authorization", `Basic ${base64(`user:${TOKEN} `)}`],
  ["Authorization", `Basic ${base64(`user:${TOKEN}`)} `],
  ["Authorization", `Basic ${base64(`user:${TOKEN}`).replace("=", "-")}!`],
  ["X-Api-Key", `Bearer ${TOKEN}`],
  ["X-Api-Key", `${TOKEN}, ${TOKEN}`],
  ["X-Api-Key", ` ${TOKEN}`],
  ["X-Api-Key", "sk-123"],
  ["X_Api_Key", TOKEN],
  ["X-Auth-Token", TOKEN],
  ["X-Amz-Security-Token", `${TOKEN}=`],
  ["Sec-WebSocket-Protocol", TOKEN],
  ["Sec-WebSocket-Protocol", `realtime, ${OPENAI}sk-123`],
  ["Sec-WebSocket-Protocol", `${OPENAI.toUpperCase()}${TOKEN}`],
  ["Sec-WebSocket-Protocol", KUBERNETES + TOKEN],
])("%s: %s holds no token, and its line stays", (name, value) => {
  expect(take([[name, value]])).toEqual({ taken: ok(undefined), left: [name, value] });
});

test("the same token may come in several headers, and each of them is removed", () => {
  const lines = CARRYING.map(([name, value]) => [name, value] as const);
  const expected = ok({ token: TOKEN, carrier: "x-amz-security-token" });
  expect(take(lines)).toEqual({ taken: expected, left: [] });
  expect(take(lines.toReversed())).toEqual({ taken: expected, left: [] });
});

test("a header next to the token that holds no token stays", () => {
  const signed: readonly [string, string] = ["Authorization", "AWS4-HMAC-SHA256 Credential=a/b"];
  expect(take([signed, ["X-Amz-Security-Token", TOKEN], ["X-Api-Key", "theirs"]])).toEqual({
    taken: ok({ token: TOKEN, carrier: "x-amz-security-token" }),
    left: [...signed, "X-Api-Key", "theirs"],
  });
});

describe("two different tokens", () => {
  const values = CARRYING.map(([name, value]) => [name, value.replace(TOKEN, OTHER)] as const);

  test.each(CARRYING.filter(([, value]) => value.includes(TOKEN)))(
    "are refused, and neither stays: %s: %s and each other header",
    (name, value) => {
      for (const other of values.filter(([, text]) => text.includes(OTHER))) {
        for (const lines of [
          [[name, value] as const, other],
          [other, [name, value] as const],
        ])
          expect(take(lines)).toEqual({ taken: err(expect.stringContaining("token")), left: [] });
      }
    },
  );

  test("in one value are refused too", () => {
    for (const line of [
      ["Authorization", `Basic ${base64(`${TOKEN}:${OTHER}`)}`],
      ["Sec-WebSocket-Protocol", `${OPENAI}${TOKEN}, ${KUBERNETES}${base64url(OTHER)}`],
    ] as const)
      expect(take([line])).toEqual({ taken: err(expect.stringContaining("token")), left: [] });
  });
});

test("of the protocols that a client offers, all but the token stay, in their order", () => {
  const taken = ok({ token: TOKEN, carrier: "sec-websocket-protocol" });
  const name = "Sec-WebSocket-Protocol";
  for (const [value, left] of [
    [`realtime,${OPENAI}${TOKEN}, openai-beta.realtime-v1`, "realtime, openai-beta.realtime-v1"],
    [`${KUBERNETES}${base64url(TOKEN)}, ,v4.channel.k8s.io`, "v4.channel.k8s.io"],
  ] as const)
    expect(take([[name, value]])).toEqual({ taken, left: [name, left] });
  expect(
    take([
      [name, "a"],
      [name, OPENAI + TOKEN],
    ]),
  ).toEqual({ taken, left: [name, "a"] });
});

test.each([
  ["padding", `${KUBERNETES}${base64url(TOKEN)}==`],
  ["a line end", KUBERNETES + base64url(`${TOKEN}\n`)],
  ["a space before it", KUBERNETES + base64url(` ${TOKEN}`)],
  ["a scheme", KUBERNETES + base64url(`Bearer ${TOKEN}`)],
  ["another case of the prefix", KUBERNETES.toUpperCase() + base64url(TOKEN)],
])("Kubernetes' form of a token is taken out with %s too, as a server may read it", (_what, value) => {
  expect(take([["Sec-WebSocket-Protocol", `a, ${value}`]])).toEqual({
    taken: ok({ token: TOKEN, carrier: "sec-websocket-protocol" }),
    left: ["Sec-WebSocket-Protocol", "a"],
  });
});

test("outside a handshake the token of Sec-WebSocket-Protocol is removed, and does not count", () => {
  const line = ["Sec-WebSocket-Protocol", OPENAI + TOKEN] as const;
  expect(take([line], { isUpgrade: false })).toEqual({ taken: ok(undefined), left: [] });
  const both = [line, ["X-Api-Key", OTHER] as const];
  expect(take(both, { isUpgrade: false })).toMatchObject({ taken: ok({ token: OTHER }), left: [] });
});
