import { expect, test } from "vitest";
import { COMMANDS } from "../commands/commands.ts";
import { findExposedSecrets } from "./exposed-secrets.ts";
import { parseArgs } from "./parse-args.ts";

const EXPORT = ["membrane", "export", "--id", "m"];

function exposed(...args: readonly string[]): readonly string[] {
  const parsed = parseArgs(args, COMMANDS);
  if (parsed.kind !== "command") throw new Error("expected a command");
  return findExposedSecrets(parsed.command, parsed);
}

test("a secret on the command line is found in every kind of option, and in the operand", () => {
  const key = "--aws4-hmac-sha256-secret-access-key";
  expect(exposed(...EXPORT, "--header", "X-Api-Key: k", "--header", "X-Other: k")).toEqual(["--header"]);
  expect(exposed(...EXPORT, key, "k", "--capability-to-export", "cpblty:")).toEqual([
    key,
    "--capability-to-export",
  ]);
  expect(exposed(...EXPORT, "--uri", "https://a.test/?key=k")).toEqual(["--uri"]);
  expect(exposed("request", "cpblty:")).toEqual(["URI"]);
});

test("neither a file nor what is usually public is a secret on the command line", () => {
  const usual = [
    "--uri",
    "https://a.test/",
    "--header",
    "Accept: text/plain",
    "--header",
    "content-type: a/b",
  ];
  const files = ["--header", "@key.txt", "--tls-key", "@key.pem", "--tls-ca", "-----BEGIN"];
  expect(exposed(...EXPORT, ...usual, ...files)).toEqual([]);
  expect(exposed("request", "@report.txt", "-H", "@-", "-d", "text")).toEqual([]);
});
