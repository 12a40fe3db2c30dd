import { expect, test } from "vitest";
import { bearerToken } from "./bearer.ts";

const TOKEN = `CPBLTY1-${"A".repeat(86)}`;

test.each([`Bearer ${TOKEN}`, `bearer ${TOKEN}`, `BEARER ${TOKEN}`, `Bearer   ${TOKEN}`])(
  "%j carries the token",
  (authorization) => {
    expect(bearerToken(authorization)).toBe(TOKEN);
  },
);

test.each([
  undefined,
  "",
  "Bearer",
  "Bearer ",
  TOKEN,
  `Basic ${TOKEN}`,
  `Bearer${TOKEN}`,
  `Bearer\t${TOKEN}`,
  ` Bearer ${TOKEN}`,
  `Bearer ${TOKEN} `,
  `Bearer ${TOKEN} x`,
  `Bearer ${TOKEN},`,
  `Bearer ${TOKEN}=`,
  `Bearer "${TOKEN}"`,
  `Bearer ${TOKEN.slice(0, -1)}B`,
  `Bearer ${TOKEN.toLowerCase()}`,
  `Bearer x Bearer ${TOKEN}`,
])("%j carries no token", (authorization) => {
  expect(bearerToken(authorization)).toBeUndefined();
});
