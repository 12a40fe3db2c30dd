import { expect, test } from "vitest";
import { parseAllowTarget } from "./allow-rule.ts";

test.each([
  ["10.0.0.0/8", "ipv4", 8, undefined],
  ["10.0.0.0/8:8080", "ipv4", 8, 8080],
  ["127.0.0.2:9000", "ipv4", 32, 9000],
  ["127.0.0.2", "ipv4", 32, undefined],
  ["0.0.0.0/0", "ipv4", 0, undefined],
  ["[fd00::]/8:443", "ipv6", 8, 443],
  ["[fd00::]/8", "ipv6", 8, undefined],
  ["[fd00::1]:443", "ipv6", 128, 443],
  ["[FD00::1]", "ipv6", 128, undefined],
  ["fd00::/8", "ipv6", 8, undefined],
  ["fd00::/8:443", "ipv6", 8, 443],
  ["fd00::1", "ipv6", 128, undefined],
  ["::/0", "ipv6", 0, undefined],
])("%s opens an %s block of /%i at port %s", (text, family, prefix, port) => {
  expect(parseAllowTarget(text)).toEqual({
    cidr: expect.objectContaining({ family, prefix }),
    text,
    ...(port === undefined ? {} : { port }),
  });
});

test.each([
  "",
  " ",
  "*",
  "localhost",
  "example.com:443",
  "10.0.0.0/8 ",
  " 10.0.0.0/8",
  "10.0.0.0/8\n",
  "10.0.0.5/8",
  "10.0.0.0/33",
  "10.0.0.0/",
  "10.0.0.0/08",
  "10/8",
  "10.0.0.0/8:",
  "10.0.0.0/8:0",
  "10.0.0.0/8:080",
  "10.0.0.0/8:65536",
  "10.0.0.0/8:https",
  "10.0.0.0/8:80-90",
  "10.0.0.0/8:80:80",
  "10.0.0.0:80/8",
  "010.0.0.0/8",
  "10.0.0.0/8,11.0.0.0/8",
  "[10.0.0.0]/8",
  "[fd00::]8",
  "[fd00::/8",
  "fd00::]/8",
  "[[fd00::]]/8",
  "[fd00::]/8:0",
  "fe80::1%eth0",
  "[fe80::%1]/64",
  "fd00::/129",
  "fd00::1/8",
  ":",
  "::/0:",
  "https://10.0.0.0/8",
])("%j does not parse", (text) => {
  expect(parseAllowTarget(text)).toBeUndefined();
});
